"""One open socket: frames over it, and whether it still lives. Text frames only: API Gateway takes no others."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from trebuche_client.clock import Clock
from trebuche_client.errors import LinkLostError

_FRAME_CHARACTERS: Final = 8_000
"""API Gateway takes frames of 32 KB (its quota page); a character is 4 bytes at the most."""
_GOODBYE_SECONDS: Final = 1.0
"""For what is still to be sent and the closing handshake together."""
_REFUSING_CLOSES: Final = frozenset({1003, 1009})
"""Binary frame, message too big: what was sent once more would be refused once more."""


class Link:
    """One open socket, and the one task that writes to it.

    A message that has begun must be ended, or what follows is taken for the rest of it. So whoever asks for it does not
    send it: a caller that gives up meanwhile breaks nothing.

    Args:
        socket: The socket.
        clock: What its age is told by.
        frame_timeout: How many seconds the other side may take to take a frame.

    Attributes:
        opened_at: When it was opened.
        heard_at: When the last frame came.
        used_at: When the last frame went either way: the gateway counts silence from there.
    """

    def __init__(self, socket: ClientConnection, clock: Clock, *, frame_timeout: float) -> None:
        self._socket = socket
        self._clock = clock
        self._frame_timeout = frame_timeout
        self._aborted: str | None = None
        self._outbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._writing = asyncio.create_task(self._write())
        self.opened_at = self.heard_at = self.used_at = clock.now()

    def send(self, text: str) -> None:
        """Have a message sent after those before it; if the socket is lost, ``receive`` tells."""
        self._outbox.put_nowait(text)

    async def receive(self) -> str:
        """The next text message.

        Raises:
            LinkLostError: The socket is closed.
        """
        while True:
            try:
                message = await self._socket.recv()
            except ConnectionClosed as error:
                raise self._lost(error) from error
            self.heard_at = self.used_at = self._clock.now()
            if isinstance(message, str):
                return message

    async def probe(self, timeout_seconds: float) -> bool:
        """Whether the other side answers a ping: one that is dead behind an open socket does not."""
        try:
            # The ping, too, waits where nobody takes what was sent before.
            async with asyncio.timeout(timeout_seconds):
                await (await self._socket.ping())
        except (WebSocketException, TimeoutError):
            return False
        # Not `used_at`: that a ping alone keeps API Gateway's 10 minutes from running out is documented nowhere.
        self.heard_at = self._clock.now()
        return True

    def abort(self, reason: str) -> None:
        """Drop the socket without a closing handshake: nobody is there to answer one."""
        self._aborted = self._aborted or reason
        self._socket.transport.abort()

    async def close(self) -> None:
        """Send what is still to be sent, say goodbye and close; whoever does not listen within a second is left."""
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                self._outbox.put_nowait(None)
                await self._writing
                await self._socket.close()
        except TimeoutError:
            pass
        finally:
            self.abort("closed by this client")
        await self._socket.wait_closed()

    async def _write(self) -> None:
        try:
            while (text := await self._outbox.get()) is not None:
                await self._write_message(text)
                self.used_at = self._clock.now()
        except TimeoutError:
            self.abort("the connection is open, but takes nothing")
        except WebSocketException:
            self.abort("the connection broke off")
        except BaseException:
            self.abort("closed by this client")
            raise

    async def _write_message(self, text: str) -> None:
        if len(text) <= _FRAME_CHARACTERS:
            async with asyncio.timeout(self._frame_timeout):
                await self._socket.send(text)
            return
        async with asyncio.timeout(self._frame_timeout) as deadline:
            # What is iterated is one message, each item a frame of it (websockets, send).
            await self._socket.send(self._frames(text, deadline))

    async def _frames(self, text: str, deadline: asyncio.Timeout) -> AsyncIterator[str]:
        for start in range(0, len(text), _FRAME_CHARACTERS):
            deadline.reschedule(asyncio.get_running_loop().time() + self._frame_timeout)
            yield text[start : start + _FRAME_CHARACTERS]

    def _lost(self, error: ConnectionClosed) -> LinkLostError:
        close = error.rcvd
        if close is None:
            return LinkLostError(self._aborted or "the connection broke off")
        text = f"closed with code {close.code}" + (f": {close.reason}" if close.reason else "")
        return LinkLostError(text, refusing=close.code in _REFUSING_CLOSES)
