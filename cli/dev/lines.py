"""Lines between the console and the endpoint: sockets passed on byte by byte, so that each can be cut like a cable."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

_REQUEST: Final = re.compile(rb"GET /(?P<line>[A-Za-z0-9-]{1,64})(?P<query>\?\S*)? HTTP/1\.1\r\n")
_ORIGIN: Final = re.compile(rb"\r\norigin:[ \t]*(?P<origin>[^\r\n]*?)[ \t]*\r\n", re.IGNORECASE)
_STATUS: Final = re.compile(rb"HTTP/1\.1 (?P<status>\d{3}) ")
_LONGEST_REQUEST: Final = 16 * 1024
_PART_BYTES: Final = 64 * 1024
_HANDSHAKE_SECONDS: Final = 5.0


class Lines:
    """Listens on loopback; ``ws://127.0.0.1:<port>/<line>`` leads to the endpoint as long as that line is not cut.

    Attributes:
        endpoint: Where lines lead; while it is None, nothing passes.
        origins: Whose pages may use them, for browsers let any page open sockets; None: anybody's.
    """

    def __init__(self) -> None:
        self.endpoint: str | None = None
        self.origins: frozenset[str] | None = None
        self._cut: set[str] = set()
        self._answers: dict[str, int] = {}
        self._ends: defaultdict[str, set[asyncio.StreamWriter]] = defaultdict(set)
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Begin to listen; returns the address that a line's name is put behind."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_REQUEST)
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def stop(self) -> None:
        """Break off everything and stop listening."""
        if self._server is not None:
            self._server.close()
            for line in list(self._ends):
                self._break(line)

    def cut(self, line: str) -> None:
        """Break a line off in the middle of whatever it carries, without a closing handshake, and keep it broken."""
        self._cut.add(line)
        self._break(line)

    def mend(self, line: str) -> None:
        """Let new sockets through again."""
        self._cut.discard(line)

    def answer(self, line: str) -> int | None:
        """The HTTP status with which the endpoint answered a line's last handshake; browsers do not tell pages."""
        return self._answers.get(line)

    def _break(self, line: str) -> None:
        for end in self._ends.pop(line, set()):
            end.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._connect(reader, writer)
        finally:
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        request = _REQUEST.match(head)
        if request is None or self.endpoint is None or not self._serves(head):
            return
        line = request["line"].decode()
        if line in self._cut:
            return
        target = urlsplit(self.endpoint)
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        ends = {writer, far_writer}
        self._ends[line] |= ends
        try:
            far_writer.write(b"GET " + target.path.encode() + (request["query"] or b"") + b" HTTP/1.1\r\n")
            far_writer.write(head[request.end() :])
            await _first_of(_pass(reader, far_writer), self._answered(line, far_reader, writer))
        finally:
            far_writer.close()
            self._forget(line, ends)

    async def _answered(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what the endpoint says, and note how it begins."""
        first = await reader.read(_PART_BYTES)
        if found := _STATUS.match(first):
            self._answers[line] = int(found["status"])
        writer.write(first)
        await _pass(reader, writer)

    def _serves(self, head: bytes) -> bool:
        named = {found["origin"].decode(errors="replace") for found in _ORIGIN.finditer(head)}
        return self.origins is None or named <= self.origins

    def _forget(self, line: str, ends: set[asyncio.StreamWriter]) -> None:
        self._ends[line] -= ends
        if not self._ends[line]:
            del self._ends[line]


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(_PART_BYTES):
        writer.write(part)
        await writer.drain()


async def _first_of(*directions: Coroutine[Any, Any, None]) -> None:
    """Run both directions until one has come to its end."""
    tasks = [asyncio.create_task(one) for one in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
