"""Who the client says that it is, and until when."""

import asyncio
import base64
import inspect
import json
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from trebuche_client.errors import LinkLostError

TokenSource: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A token, or what fetches a fresh one for each connection."""


async def fetch(source: TokenSource | None, *, timeout_seconds: float) -> str | None:
    """The token for the next connection.

    Raises:
        LinkLostError: The function raised, or took too long: what is away now may be there later, as an endpoint may.
    """
    if source is None or isinstance(source, str):
        return source
    try:
        async with asyncio.timeout(timeout_seconds) as deadline:
            token = source()
            return await token if inspect.isawaitable(token) else token
    # It is the program's own function, which may raise anything; nobody else waits for it.
    except Exception as error:
        why = f"none within {timeout_seconds:g} s" if deadline.expired() else f"{type(error).__name__}: {error}"
        raise LinkLostError(f"no token: {why}") from error


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
