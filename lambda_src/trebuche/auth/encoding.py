"""Base64url without padding, as JWTs and JWKs write bytes (RFC 7515, section 2)."""

import base64
import re
from typing import Final

from trebuche.errors import CredentialsError

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*")


def unpacked(text: str) -> bytes:
    """The bytes of a base64url text.

    Raises:
        CredentialsError: Other characters, padding, or a length that no bytes have.
    """
    if not _ALPHABET.fullmatch(text) or len(text) % 4 == 1:
        raise CredentialsError("malformed", "not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed(content: bytes) -> str:
    """Bytes as base64url."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def whole(text: str) -> int:
    """The unsigned number in a base64url text, most significant byte first."""
    return int.from_bytes(unpacked(text), "big")
