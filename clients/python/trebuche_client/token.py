"""Who the client says that it is, and until when."""

import base64
import inspect
import json
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable
from typing import TypeAlias

TokenSource: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A token, or what fetches a fresh one for each connection."""


async def fetch(source: TokenSource | None) -> str | None:
    """The token for the next connection."""
    if source is None or isinstance(source, str):
        return source
    token = source()
    return await token if inspect.isawaitable(token) else token


def expiry(token: str | None) -> float | None:
    """When a JWT says that it ends, in seconds since 1970; None for any other token.

    The signature is not looked at: to trust the token is the server's affair, here it only says when to leave.
    """
    parts = (token or "").split(".")
    if len(parts) != 3:
        return None
    try:
        # JWTs leave the padding out (RFC 7515), and Python's decoder insists on it.
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (Base64Error, ValueError):
        return None
    end = claims.get("exp") if isinstance(claims, dict) else None
    return float(end) if isinstance(end, int | float) and not isinstance(end, bool) else None
