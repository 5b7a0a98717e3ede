"""Clients of the benchmarks, who come in again when a busy machine lets them wait too long at the door."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from websockets.exceptions import WebSocketException

from tests.loop.peer import Peer

ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 2.0


class Door:
    """Where peers come in.

    Args:
        endpoint: The stage's address.
        stack: Closes their connections.
    """

    def __init__(self, endpoint: str, stack: AsyncExitStack) -> None:
        self._endpoint = endpoint
        self._stack = stack
        self.repeated = 0
        """Handshakes that failed and were made again: a meter has counted those, too."""

    async def enter(self) -> Peer:
        """A peer with an open connection.

        Raises:
            OSError: The handshake failed each time; a ``TimeoutError`` is one.
            WebSocketException: The same, by an answer that opens no connection.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._handshake()
            except (OSError, WebSocketException):
                self.repeated += 1
                await asyncio.sleep(PAUSE_SECONDS)
        return await self._handshake()

    async def _handshake(self) -> Peer:
        return await self._stack.enter_async_context(Peer.at(self._endpoint))
