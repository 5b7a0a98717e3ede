"""Tickets: tokens for one connection, made by a backend for a browser, which must not hold anything that lasts.

A ticket is a JWT of type ``ticket+jwt``, signed with HS256 and the stack's ticket key, with the claims ``sub``, ``jti``
and ``exp`` (a minute ahead, say); any library can make one. It opens one connection, whose right to be there ends
``session`` seconds after the ticket was used.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from trebuche.auth.encoding import packed
from trebuche.auth.principals import Principal, principal_name
from trebuche.auth.tokens import Token, check_signature, check_times
from trebuche.documents import Json, dumps
from trebuche.errors import CredentialsError

HS256: Final = "HS256"
KIND: Final = "ticket+jwt"
SHORTEST_KEY: Final = 32
"""Bytes (RFC 7518, section 3.2)."""
_LONGEST_ID: Final = 128
_OWN: Final = frozenset({"sub", "jti", "exp", "iat", "nbf", "iss", "aud"})


def make_ticket(key: bytes, principal: Principal, *, ticket_id: str, end: int) -> str:
    """A ticket that must be used before ``end`` (seconds since 1970)."""
    claims: dict[str, Json] = {**principal.claims, "sub": principal.name, "jti": ticket_id, "exp": end}
    signed = f"{_part({'alg': HS256, 'typ': KIND})}.{_part(claims)}"
    return f"{signed}.{packed(_signature(key, signed.encode()))}"


def check_ticket(token: Token, key: bytes, *, longest: int, now: int) -> tuple[str, int, Mapping[str, Json]]:
    """Id, end and further claims of a ticket that may be used, if nobody has used it before.

    Args:
        token: A token of kind ``ticket+jwt``.
        key: With which tickets are signed.
        longest: Seconds from now at which a ticket may end at the latest.
        now: Seconds since 1970.

    Raises:
        CredentialsError: Forged, expired, without id, or one that lasts too long.
    """
    if token.algorithm != HS256 or len(key) < SHORTEST_KEY:
        raise CredentialsError("unknown-algorithm")
    check_signature(token, lambda signed, signature: hmac.compare_digest(_signature(key, signed), signature))
    end = check_times(token, 0, now)
    if end > now + longest:
        raise CredentialsError("lasts-too-long", f"a ticket ends {longest} s ahead at the latest")
    ticket_id = token.claims.get("jti")
    if not isinstance(ticket_id, str) or not 1 <= len(ticket_id) <= _LONGEST_ID:
        raise CredentialsError("malformed", f"jti: expected 1 to {_LONGEST_ID} characters")
    return ticket_id, end, {name: value for name, value in token.claims.items() if name not in _OWN}


def holder(token: Token, claims: Mapping[str, Json], until: int) -> Principal:
    """Who came with a ticket."""
    return Principal(principal_name(token.claims.get("sub")), until, claims)


def _signature(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, hashlib.sha256)


def _part(members: Mapping[str, Json]) -> str:
    return packed(dumps(dict(members)).encode())
