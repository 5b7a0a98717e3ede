"""JSON Web Tokens (RFC 7519) in their compact form, taken apart and held against what is expected of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from trebuche.auth.encoding import unpacked
from trebuche.documents import Json, loads
from trebuche.errors import CredentialsError, MalformedError

LONGEST_TOKEN: Final = 8_192
"""Characters. API Gateway takes headers of 10,240 bytes in all."""
_LAST_SECOND: Final = 2**53


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose signature nobody has looked at yet.

    Attributes:
        signed: What the signature is about.
    """

    header: Mapping[str, Json]
    claims: Mapping[str, Json]
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """What the token says of itself; it is for the verifier to allow it."""
        return _text(self.header, "alg") or ""

    @property
    def key_id(self) -> str | None:
        """Name of the key that signed it."""
        return _text(self.header, "kid")

    @property
    def kind(self) -> str:
        """``typ`` of the header, in small letters."""
        return (_text(self.header, "typ") or "jwt").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a token's claims have to say.

    Attributes:
        issuer: The one whose tokens count.
        audiences: One of them must be named.
        clock_skew: Seconds by which the issuer's clock may be ahead of ours.
    """

    issuer: str
    audiences: frozenset[str]
    clock_skew: int


def read_token(text: str) -> Token:
    """Take a token apart.

    Raises:
        CredentialsError: It is none, or has a header that asks for what is not understood.
    """
    parts = text.split(".")
    if len(text) > LONGEST_TOKEN or len(parts) != 3:
        raise CredentialsError("malformed", "not three parts of base64url, or too long")
    token = Token(_object(parts[0]), _object(parts[1]), f"{parts[0]}.{parts[1]}".encode(), unpacked(parts[2]))
    if "crit" in token.header:
        raise CredentialsError("malformed", "its header asks for extensions (crit)")
    return token


def check_signature(token: Token, verifies: Callable[[bytes, bytes], bool]) -> None:
    """Hold the signature against a key.

    Raises:
        CredentialsError: Somebody else signed, or nobody.
    """
    if not verifies(token.signed, token.signature):
        raise CredentialsError("bad-signature")


def check_claims(token: Token, expected: Expectation, now: int) -> int:
    """Hold the claims against what is expected; when the token stops to count, in seconds since 1970.

    Raises:
        CredentialsError: Expired, not valid yet, without an expiry, or made by or for somebody else.
    """
    if token.claims.get("iss") != expected.issuer:
        raise CredentialsError("wrong-issuer")
    named = token.claims.get("aud")
    if expected.audiences.isdisjoint(_texts(named)):
        raise CredentialsError("wrong-audience")
    return check_times(token, expected.clock_skew, now)


def check_times(token: Token, clock_skew: int, now: int) -> int:
    """When the token stops to count.

    Clocks may differ about its beginning only: whoever is in is sent nothing after ``exp``, so nobody comes in then.

    Raises:
        CredentialsError: It has stopped, or never would, does not count yet, or says that it was made in the future.
    """
    end = _seconds(token, "exp")
    if end is None:
        raise CredentialsError("no-expiry")
    if end <= now:
        raise CredentialsError("expired")
    for claim in ("iat", "nbf"):
        begin = _seconds(token, claim)
        if begin is not None and begin > now + clock_skew:
            raise CredentialsError("not-yet-valid")
    return end


def _seconds(token: Token, claim: str) -> int | None:
    value = token.claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LAST_SECOND:
        raise CredentialsError("malformed", f"{claim} is no time")
    return int(value)


def _object(part: str) -> Mapping[str, Json]:
    try:
        value = loads(unpacked(part))
    except MalformedError:
        raise CredentialsError("malformed", "a part that is no JSON") from None
    if not isinstance(value, dict):
        raise CredentialsError("malformed", "a part that is no JSON object")
    return value


def _text(members: Mapping[str, Json], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


def _texts(value: Json) -> frozenset[str]:
    values = value if isinstance(value, list) else [value]
    return frozenset(one for one in values if isinstance(one, str))
