"""An issuer of tokens for tests: keys of its own, the set that it publishes, and what it signs."""

import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from trebuche.auth.encoding import packed
from trebuche.documents import Json

ISSUER: Final = "https://login.example.com/"
AUDIENCE: Final = "my-app"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def private_key(algorithm: str) -> PrivateKey:
    """A fresh key of an algorithm."""
    match algorithm:
        case "RS256":
            return rsa.generate_private_key(65537, 2048)
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def published(key: PrivateKey, **more: str) -> dict[str, Json]:
    """The public half as a JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        parts: dict[str, Json] = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        parts = {"kty": "EC", "crv": "P-256", "x": _number(point.x, 32), "y": _number(point.y, 32)}
    else:
        parts = {"kty": "OKP", "crv": "Ed25519", "x": packed(key.public_key().public_bytes_raw())}
    return parts | dict(more)


def signature(key: PrivateKey, message: bytes) -> bytes:
    """As JWS carries it."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key.sign(message)


def signed(key: PrivateKey, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A token with exactly this header and these claims."""
    text = f"{packed(json.dumps(header).encode())}.{packed(json.dumps(claims).encode())}"
    return f"{text}.{packed(signature(key, text.encode()))}"


class Issuer:
    """Signs tokens with one key per algorithm, named after it."""

    def __init__(self, *algorithms: str) -> None:
        self.keys = {algorithm: private_key(algorithm) for algorithm in algorithms or ("ES256",)}

    @property
    def key_set(self) -> dict[str, Json]:
        """What it publishes."""
        return {"keys": [published(key, kid=name, use="sig") for name, key in self.keys.items()]}

    def token(self, now: int, algorithm: str = "ES256", header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token for an hour; a claim of None is left out."""
        all_claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 3600} | claims
        present = {name: value for name, value in all_claims.items() if value is not None}
        named = {"alg": algorithm, "kid": algorithm, "typ": "JWT"} | dict(header or {})
        return signed(
            self.keys[algorithm], {name: value for name, value in named.items() if value is not None}, present
        )


def _number(value: int, size: int | None = None) -> str:
    return packed(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))
