"""HTTP/1.1 requests over connections that stay open: as little as ``@connections`` needs, on asyncio.

``http.client`` spends most of a small request on parsing headers as those of a mail, and urllib3 stands on it; it also
takes a thread per request, and waking threads costs more than all the rest of a post.
"""

import asyncio
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final
from weakref import WeakKeyDictionary

CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 3.0
IDLE_SECONDS: Final = 20.0
"""A connection that was idle for longer is not used again: a frozen environment does not notice that it was cut."""
HEAD_LIMIT: Final = 65_536
_NO_CONTENT: Final = 204
_END_OF_HEAD: Final = b"\r\n\r\n"


class BrokenAnswerError(ConnectionError):
    """The peer closed before its answer was complete, or spoke no HTTP."""


class _UnansweredError(BrokenAnswerError):
    """The peer closed without a byte of an answer, as it does with a connection that it found idle for too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; most of it is never looked at."""

    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        """What a header says; empty without it."""
        found = _header(name).search(self.head)
        return found[1].strip() if found else ""


class _Connection(asyncio.Protocol):
    """One request at a time. A protocol of its own: asyncio's streams take as long again as all the rest."""

    def __init__(self) -> None:
        self.used_at = 0.0
        self._data = b""
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send a request; its answer is to come."""
        self._data = b""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Take in a part of an answer."""
        self._data += data
        self._look(ended=False)

    def connection_lost(self, _error: Exception | None) -> None:
        """Nothing more will come."""
        self._look(ended=True)

    def fail(self, error: Exception) -> None:
        """Wait no longer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _look(self, *, ended: bool) -> None:
        if self._answer is None or self._answer.done():
            return
        try:
            answer = _read_answer(self._data, ended=ended)
        except BrokenAnswerError as error:
            self.fail(error)
        except ValueError as error:
            self.fail(BrokenAnswerError(f"no HTTP: {error}"))
        else:
            if answer is not None:
                self._answer.set_result(answer)


class KeepAlive:
    """Connections to one host, as many as there are requests at the same time.

    Args:
        host: Name or address.
        port: Of TCP.
        context: Makes what TLS needs when the first connection is opened; None for plain HTTP.
    """

    def __init__(self, host: str, port: int, context: Callable[[], ssl.SSLContext] | None) -> None:
        self._address = (host, port)
        self._context = context
        self._tls: ssl.SSLContext | None = None
        self._idle: WeakKeyDictionary[asyncio.AbstractEventLoop, deque[_Connection]] = WeakKeyDictionary()

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and read its answer.

        A request that met a connection which was just being closed is sent once more, over a new one.

        Raises:
            OSError: It could not be sent, or no whole answer came in time; it may have been carried out.
        """
        idle = self._idle.setdefault(asyncio.get_running_loop(), deque())
        connection = _take(idle)
        if connection is not None:
            try:
                return await _over(connection, request, idle)
            except _UnansweredError:
                pass  # as a client has to expect of a connection that was idle (RFC 9112, section 9.5)
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await self._open()
        return await _over(connection, request, idle)

    def forget(self) -> None:
        """Close what is idle; the next request opens a new connection."""
        for idle in self._idle.values():
            while idle:
                idle.pop().transport.abort()

    async def _open(self) -> _Connection:
        if self._context is not None:
            self._tls = self._tls or self._context()
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, *self._address, ssl=self._tls)
        return connection


def _take(idle: deque[_Connection]) -> _Connection | None:
    while idle:
        # The last one used: those that are not needed any more grow old.
        connection = idle.pop()
        if time.time() - connection.used_at < IDLE_SECONDS and not connection.transport.is_closing():
            return connection
        connection.transport.abort()
    return None


async def _over(connection: _Connection, request: bytes, idle: deque[_Connection]) -> Answer:
    late = TimeoutError(f"no answer within {ANSWER_SECONDS} s")
    watch = asyncio.get_running_loop().call_later(ANSWER_SECONDS, connection.fail, late)
    try:
        answer = await connection.ask(request)
    except BaseException:
        connection.transport.abort()
        raise
    finally:
        watch.cancel()
    if answer.header("connection").lower() == "close":
        connection.transport.abort()
    else:
        connection.used_at = time.time()
        idle.append(connection)
    return answer


def _read_answer(data: bytes, *, ended: bool) -> Answer | None:
    """The answer in what came so far; None when more has to come, which it cannot when the connection has ended."""
    if ended and not data:
        raise _UnansweredError("the peer closed the connection")
    head, separator, rest = data.partition(_END_OF_HEAD)
    if separator:
        answer = Answer(_status(head), head.decode("latin-1"), b"")
        body = _read_body(answer, rest, ended=ended)
        if body is not None:
            return replace(answer, body=body) if body else answer
    if ended or len(data) - len(rest) > HEAD_LIMIT:
        raise BrokenAnswerError(f"the answer ends after {len(data)} bytes, or its head does not")
    return None


def _status(head: bytes) -> int:
    if not head.startswith(b"HTTP/1."):
        raise BrokenAnswerError(f"no HTTP: {head[:64]!r}")
    return int(head[9:12])


def _read_body(answer: Answer, rest: bytes, *, ended: bool) -> bytes | None:
    if answer.status == _NO_CONTENT:
        return b""
    if length := answer.header("content-length"):
        return rest[: int(length)] if len(rest) >= int(length) else None
    if answer.header("transfer-encoding").lower() == "chunked":
        return _join_chunks(rest)
    return rest if ended else None  # up to where the peer closes


def _join_chunks(rest: bytes) -> bytes | None:
    chunks: list[bytes] = []
    at = 0
    while (end := rest.find(b"\r\n", at)) >= 0:
        size = int(rest[at:end].partition(b";")[0], 16)
        if not size:
            # After the last one a trailer may come, which says nothing here.
            return b"".join(chunks) if rest.find(_END_OF_HEAD, end) >= 0 else None
        at = end + 2 + size + 2
        chunks.append(rest[end + 2 : at - 2])
    return None


@cache
def _header(name: str) -> re.Pattern[str]:
    return re.compile(rf"\r\n{name}:([^\r]*)", re.IGNORECASE)
