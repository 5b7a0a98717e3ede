"""RSASSA-PKCS1-v1_5 with SHA-256, the verification only (RFC 8017, section 8.2.2): RS256.

The whole padded block is made anew and compared, byte by byte, with what the signature opens to. Nothing of it is
parsed, so none of the forgeries that live on lenient parsing (Bleichenbacher 2006 and its successors) has a place here.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from trebuche.errors import CredentialsError

SHORTEST_BITS: Final = 2_048
"""RFC 7518, section 3.3."""
LONGEST_BITS: Final = 8_192
"""Bounds the time of a verification; nobody publishes longer ones."""
_SHA256: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of SHA-256 in DER, up to the digest (RFC 8017, section 9.2, note 1)."""


@dataclass(frozen=True, slots=True)
class RsaKey:
    """A public key.

    Raises:
        CredentialsError: Too short, too long, or an exponent that no key has.
    """

    modulus: int
    exponent: int

    def __post_init__(self) -> None:
        if not SHORTEST_BITS <= self.modulus.bit_length() <= LONGEST_BITS or self.modulus % 2 == 0:
            raise CredentialsError("bad-key", f"an RSA key of {self.modulus.bit_length()} bits")
        if not 3 <= self.exponent < 2**32 or self.exponent % 2 == 0:
            raise CredentialsError("bad-key", "an RSA key with a public exponent that is none")

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key's owner signed the message."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature, "big")
        if len(signature) != size or number >= self.modulus:
            return False
        opened = pow(number, self.exponent, self.modulus).to_bytes(size, "big")
        return hmac.compare_digest(opened, _padded(message, size))


def _padded(message: bytes, size: int) -> bytes:
    """EMSA-PKCS1-v1_5: 00 01 FF … FF 00 DigestInfo."""
    info = _SHA256 + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
