"""HTTP/1.1 requests for callers that wait, over connections that stay open.

``http.client`` takes a tenth of a cold start to import, most of it for headers as mails have them, and asyncio more.
"""

import select
import socket
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from trebuche.adapters.http_answers import Answer, read_answer

if TYPE_CHECKING:
    from trebuche.adapters.trust import Tls

CONNECT_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 20.0
"""A connection that was idle for longer is not used again: a frozen environment does not notice that it was cut."""
_PART_BYTES: Final = 65_536


class BlockingHttp:
    """Connections to one host, as many as there are threads that wait for an answer.

    Args:
        host: Name or address.
        port: Of TCP.
        tls: Encrypts; None for plain HTTP.
        answer_seconds: How long each part of an answer may take.
    """

    def __init__(self, host: str, port: int, tls: "Tls | None", *, answer_seconds: float) -> None:
        # As bytes: to look at text for letters beyond ASCII, Python loads tables of all there are.
        self._address = (host.encode("ascii"), port)
        self._tls = tls
        self._answer_seconds = answer_seconds
        # Of both ends one step at a time is safe from threads.
        self._idle: deque[tuple[socket.socket, float]] = deque()

    def exchange(self, request: bytes) -> Answer:
        """Send a request and read its answer.

        Raises:
            OSError: It could not be sent, or no whole answer came in time; it may have been carried out.
        """
        connection = self._take() or self._open()
        try:
            connection.sendall(request)
            answer = _receive(connection)
        except BaseException:
            connection.close()
            raise
        if answer.header("connection").lower() == "close":
            connection.close()
        else:
            self._idle.append((connection, time.time()))
        return answer

    def forget(self) -> None:
        """Close what is idle; the next request opens a new connection."""
        while self._idle:
            self._idle.pop()[0].close()

    def _take(self) -> socket.socket | None:
        while self._idle:
            try:
                # The last one used: those that are not needed any more grow old.
                connection, used_at = self._idle.pop()
            except IndexError:  # another thread has taken it
                return None
            if time.time() - used_at < IDLE_SECONDS and not _has_ended(connection):
                return connection
            connection.close()
        return None

    def _open(self) -> socket.socket:
        tls, whole = self._tls, self._tls is None or self._tls.whole
        try:
            return self._connect()
        except ssl.SSLCertVerificationError:
            if tls is None or whole:
                raise
        tls.widen()
        return self._connect()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, CONNECT_SECONDS)  # type: ignore[arg-type]  # bytes do as well
        try:
            # A request is one piece, and nothing is to wait for more of it.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap(connection, self._address[0])
            connection.settimeout(self._answer_seconds)
        except BaseException:
            connection.close()
            raise
        return connection


def _receive(connection: socket.socket) -> Answer:
    data = b""
    while True:
        part = connection.recv(_PART_BYTES)
        data += part
        answer = read_answer(data, ended=not part)
        if answer is not None:
            return answer


def _has_ended(connection: socket.socket) -> bool:
    """Whether an idle connection has something to say, which can only be that it is over."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
