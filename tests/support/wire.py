"""A wire between clients and an endpoint that does what wires do: break, also within a frame, fall silent, stall."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_PART_BYTES: Final = 64 * 1024


class _Pair:
    """One connection: the client's end and the endpoint's."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter, answer: Callable[[], None]) -> None:
        self._ends = (near, far)
        self._answer = answer
        self._answered = False
        self.silent = False
        self.passing = asyncio.Event()
        self.passing.set()
        self.left: int | None = None

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to_client: bool) -> None:
        """Pass on one direction."""
        while part := await reader.read(_PART_BYTES):
            await self.passing.wait()
            if self.silent:
                continue
            if to_client and self.left is not None:
                writer.write(part[: self.left])
                await writer.drain()
                self.abort()
                return
            writer.write(part)
            await writer.drain()
            if to_client and not self._answered:
                self._answered = True
                self._answer()

    def abort(self) -> None:
        """Break both ends off."""
        for end in self._ends:
            end.transport.abort()


class Wire:
    """A TCP proxy in a thread.

    Attributes:
        url: What clients connect to instead of the endpoint.
        opened: When each connection came, in seconds of the machine's monotonic clock.
        answered: To how many of them the endpoint has said something: those are past their handshake.
    """

    def __init__(self, endpoint: str) -> None:
        self._target = urlsplit(endpoint)
        self._pairs: set[_Pair] = set()
        self.opened: list[float] = []
        self.answered = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        port = self._server.sockets[0].getsockname()[1]
        self.url = urlunsplit(self._target._replace(netloc=f"127.0.0.1:{port}"))

    def cut(self) -> None:
        """Break all connections off; new ones pass."""
        self._each(lambda pair: pair.abort())

    def cut_within_a_frame(self, after_bytes: int) -> None:
        """Break each connection off that many bytes into what the endpoint sends next."""
        self._each(lambda pair: setattr(pair, "left", after_bytes))

    def fall_silent(self) -> None:
        """Swallow everything on the connections that are open, which stay open; new ones pass."""
        self._each(lambda pair: setattr(pair, "silent", True))

    def stall(self) -> None:
        """Hold back what comes on the connections that are open."""
        self._each(lambda pair: pair.passing.clear())

    def release(self) -> None:
        """Let go what was held back."""
        self._each(lambda pair: pair.passing.set())

    def stop(self) -> None:
        """Break everything off and stop listening."""
        self.release()
        self.cut()
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _count_answered(self) -> None:
        self.answered += 1

    def _each(self, change: Callable[[_Pair], object]) -> None:
        async def act() -> None:
            for pair in list(self._pairs):
                change(pair)

        asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)

    async def _close(self) -> None:
        self._server.close()
        if serving := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(serving, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened.append(time.monotonic())
        far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        pair = _Pair(writer, far_writer, self._count_answered)
        self._pairs.add(pair)
        directions = (
            pair.carry(reader, far_writer, to_client=False),
            pair.carry(far_reader, writer, to_client=True),
        )
        tasks = [asyncio.create_task(one) for one in directions]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            with suppress(OSError):
                await asyncio.gather(*tasks, return_exceptions=True)
            for end in (writer, far_writer):
                end.close()
            self._pairs.discard(pair)
