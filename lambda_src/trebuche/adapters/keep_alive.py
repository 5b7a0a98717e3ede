"""HTTP/1.1 requests over connections that stay open: as little as ``@connections`` needs, on asyncio.

``http.client`` spends most of a small request on parsing headers as those of a mail, and urllib3 stands on it; it also
takes a thread per request, and waking threads costs more than all the rest of a post.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from trebuche.adapters.http_answers import Answer, BrokenAnswerError, UnansweredError, read_answer

CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 3.0
IDLE_SECONDS: Final = 20.0
"""A connection that was idle for longer is not used again: a frozen environment does not notice that it was cut."""


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
            answer = read_answer(self._data, ended=ended)
        except BrokenAnswerError as error:
            self.fail(error)
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
            except UnansweredError:
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
