"""Opening a socket, or why there is none. Loopback never goes through a proxy."""

import ipaddress
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche_client.errors import EndpointError, LinkLostError

_FINAL_STATUSES: Final = frozenset({400, 401, 403, 404})
"""Handshakes that would be refused once more for the same reason."""


async def open_socket(url: str, headers: Mapping[str, str], *, timeout_seconds: float) -> ClientConnection:
    """Open a socket.

    Raises:
        EndpointError: The endpoint refuses the connection for good.
        LinkLostError: Nothing answers there now, or it asks to come back later.
    """
    proxy: Literal[True] | None = None if _is_loopback(url) else True
    try:
        return await connect(
            url,
            additional_headers=headers,
            proxy=proxy,
            open_timeout=timeout_seconds,
            # The session looks after silence, and asks only where something is due.
            ping_interval=None,
            close_timeout=1,
            max_size=2 * MESSAGE_LIMIT_BYTES,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if status in _FINAL_STATUSES:
            raise EndpointError(f"{url} refuses the connection with HTTP {status}", status=status) from error
        raise LinkLostError(f"{url} answers with HTTP {status}", status=status) from error
    except InvalidURI as error:
        raise EndpointError(f"{url} is no WebSocket address; it starts with wss:// (or ws:// on loopback)") from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise LinkLostError(f"nothing answers at {url} ({error})") from error


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
