"""One socket: opening it, frames over it, and whether it still lives.

Text frames only, as API Gateway takes no others. Loopback never goes through a proxy.
"""

import asyncio
import ipaddress
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche_client.clock import Clock
from trebuche_client.errors import EndpointError

_FRAME_CHARACTERS: Final = 8_000
"""API Gateway takes frames of 32 KB (its quota page); a character is 4 bytes at the most."""
_FINAL_STATUSES: Final = frozenset({400, 401, 403, 404})
"""Handshakes that would be refused once more for the same reason."""


_REFUSING_CLOSES: Final = frozenset({1003, 1009})
"""Binary frame, message too big: what was sent once more would be refused once more."""


class LinkLostError(Exception):
    """The socket closed although nobody asked for it, or could not be opened; another one may help.

    Args:
        reason: What happened.
        refusing: Whether the gateway closed it because of what was sent.
    """

    def __init__(self, reason: str, *, refusing: bool = False) -> None:
        super().__init__(reason)
        self.refusing = refusing


class Link:
    """One open socket.

    Attributes:
        opened_at: When it was opened.
        heard_at: When the last frame came.
        used_at: When the last frame went either way: the gateway counts silence from there.
    """

    def __init__(self, socket: ClientConnection, clock: Clock) -> None:
        self._socket = socket
        self._clock = clock
        self.opened_at = self.heard_at = self.used_at = clock.now()

    async def send(self, text: str) -> None:
        """Send a message, in as many frames as the gateway's limit asks for.

        Raises:
            LinkLostError: The socket is closed.
        """
        frames = [text[start : start + _FRAME_CHARACTERS] for start in range(0, len(text), _FRAME_CHARACTERS)]
        try:
            # A list is one message in as many frames (websockets, send).
            await self._socket.send(text if len(frames) == 1 else frames)
        except ConnectionClosed as error:
            raise _lost(error) from error
        self.used_at = self._clock.now()

    async def receive(self) -> str:
        """The next text message.

        Raises:
            LinkLostError: The socket is closed.
        """
        while True:
            try:
                message = await self._socket.recv()
            except ConnectionClosed as error:
                raise _lost(error) from error
            self.heard_at = self.used_at = self._clock.now()
            if isinstance(message, str):
                return message

    async def probe(self, timeout_seconds: float) -> bool:
        """Whether the other side answers a ping: one that is dead behind an open socket does not."""
        try:
            answer = await self._socket.ping()
            async with asyncio.timeout(timeout_seconds):
                await answer
        except (ConnectionClosed, TimeoutError):
            return False
        # Not `used_at`: that a ping alone keeps API Gateway's 10 minutes from running out is documented nowhere.
        self.heard_at = self._clock.now()
        return True

    def abort(self) -> None:
        """Drop the socket without a closing handshake: nobody is there to answer one."""
        self._socket.transport.abort()

    async def close(self) -> None:
        """Close the socket."""
        await self._socket.close()


async def open_link(url: str, headers: Mapping[str, str], clock: Clock, *, timeout_seconds: float) -> Link:
    """Open a socket.

    Raises:
        EndpointError: The endpoint refuses the connection for good.
        LinkLostError: Nothing answers there now, or it asks to come back later.
    """
    proxy: Literal[True] | None = None if _is_loopback(url) else True
    try:
        socket = await connect(
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
        raise LinkLostError(f"{url} answers with HTTP {status}") from error
    except InvalidURI as error:
        raise EndpointError(f"{url} is no WebSocket address; it starts with wss:// (or ws:// on loopback)") from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise LinkLostError(f"nothing answers at {url} ({error})") from error
    return Link(socket, clock)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _lost(error: ConnectionClosed) -> LinkLostError:
    refusing = error.rcvd is not None and error.rcvd.code in _REFUSING_CLOSES
    return LinkLostError(_close_text(error), refusing=refusing)


def _close_text(error: ConnectionClosed) -> str:
    close = error.rcvd
    if close is None:
        return "the connection broke off"
    return f"closed with code {close.code}" + (f": {close.reason}" if close.reason else "")
