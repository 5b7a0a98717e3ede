"""One client's socket: frames in, messages out to the gateway, and every limit that closes it."""

import asyncio
from collections.abc import Callable
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Final, cast

from aiohttp.http_websocket import WebSocketReader
from aiohttp.web_protocol import RequestHandler
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from sandbox.clock import Clock, Timer
from sandbox.faults import Faults
from sandbox.front.events import ConnectionFacts
from sandbox.front.limits import (
    AGE_SECONDS,
    CLIENT_BUFFER_BYTES,
    FRAME_BYTES,
    GOING_AWAY,
    IDLE_SECONDS,
    KERNEL_BUFFER_BYTES,
    MESSAGE_BYTES,
    NOT_TEXT,
    UNSUPPORTED,
)
from sandbox.front.outbox import Outbox

LINGER_SECONDS: Final = 2.0
"""How long a closing socket may take to say goodbye; unread input would turn an early close into a reset."""
NO_STATUS: Final = (1005, "Client-side close frame status not set")


class Connection(asyncio.Protocol):
    """A WebSocket connection on a transport that an HTTP server has handed over.

    What waits for a client that does not read is bounded: messages beyond it are not taken, and as long as it is full
    nothing more is read from the client either, because even a ping would have to be answered.

    Args:
        facts: Who and where.
        clock: Measures idle time and age.
        faults: Whether the client is slow on purpose.
        transport: Where frames go.
        on_message: Called with each complete text message.
        on_closed: Called once, as soon as the socket is not open any more.
    """

    def __init__(
        self,
        facts: ConnectionFacts,
        clock: Clock,
        faults: Faults,
        transport: asyncio.Transport,
        *,
        on_message: Callable[["Connection", str], None],
        on_closed: Callable[["Connection"], None],
    ) -> None:
        self.facts = facts
        self.last_active = clock.now()
        self.gone = asyncio.Event()
        self._clock = clock
        self._faults = faults
        self._transport = transport
        self._outbox = Outbox(transport, clock)
        self._on_message = on_message
        self._on_closed = on_closed
        # The handshake is over; of what exceeds either size the library itself closes with 1009.
        self._protocol = ServerProtocol(state=OPEN, max_size=(MESSAGE_BYTES, FRAME_BYTES))
        self._fragments: list[bytes] = []
        self._open = True
        self._refused = False
        self._linger: asyncio.TimerHandle | None = None
        self._server: RequestHandler | None = None
        self._age: Timer = clock.call_at(self.last_active + AGE_SECONDS, self._leave)
        self._idle: Timer = clock.call_at(self.last_active + IDLE_SECONDS, self._check_idle)

    @property
    def close_status(self) -> tuple[int, str]:
        """Close code and reason for ``$disconnect``: whoever closed first gave them; 1006 when nobody did."""
        received, sent = self._protocol.close_rcvd, self._protocol.close_sent
        first = received if self._protocol.close_rcvd_then_sent or sent is None else sent
        if first is None:
            return 1006, ""
        return NO_STATUS if first.code == NO_STATUS[0] else (int(first.code), first.reason)

    def take_over(self, server: RequestHandler) -> None:
        """Take the transport from the HTTP server, with what the client sent right behind its handshake.

        From here on the server only hears when the client is gone.
        """
        self._transport.set_write_buffer_limits(high=CLIENT_BUFFER_BYTES)
        # Unbounded, the kernel would take megabytes, and a slow client would go unnoticed for as long.
        self._transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, KERNEL_BUFFER_BYTES)
        self._server = server
        # aiohttp feeds a new parser what it had read beyond the handshake.
        server.set_parser(cast("WebSocketReader", self))
        self._transport.set_protocol(self)

    def send(self, data: bytes) -> bool:
        """Send one text message, unless the socket is closed or too much waits for the client already.

        Args:
            data: The text in UTF-8.

        Returns:
            Whether it was taken.
        """
        if not self._open or self._outbox.size + len(data) > CLIENT_BUFFER_BYTES:
            return False
        # A message to the client puts off the idle cut, too.
        self.last_active = self._clock.now()
        self._protocol.send_text(data)
        self._flush(self._delay())
        return True

    def close(self, code: int, reason: str = "") -> None:
        """Close from the server's side."""
        if self._open:
            self._protocol.fail(code, reason)
            self._flush()

    def abort(self) -> None:
        """Cut the connection without a goodbye."""
        self._outbox.discard()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if not self._protocol.eof_sent:
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                self._receive(event)
            self._flush()

    def eof_received(self) -> None:
        """The client has hung up; what it has not read yet is given a moment."""
        self._closed()
        self._linger_off()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        if self._server is not None:
            self._server.connection_lost(exc)  # it calls feed_eof

    def pause_writing(self) -> None:
        """Too much waits for the client."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has read."""
        self._transport.resume_reading()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Bytes that came with the handshake (the interface of the HTTP server's parsers)."""
        self.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        """The connection has ended (the interface of the HTTP server's parsers)."""
        self._outbox.discard()
        self._closed()
        if self._linger is not None:
            self._linger.cancel()
        self.gone.set()

    def _receive(self, event: Frame | Request | Response) -> None:
        if not isinstance(event, Frame) or self._refused:
            return
        if event.opcode is Opcode.BINARY:
            self._refuse(UNSUPPORTED, "Binary frames are not supported")
        elif event.opcode in (Opcode.TEXT, Opcode.CONT):
            if event.data:  # empty ones would pile up for ever, under any limit of size
                self._fragments.append(bytes(event.data))
            if event.fin:
                self._complete()

    def _complete(self) -> None:
        message = b"".join(self._fragments)
        self._fragments.clear()
        try:
            text = message.decode()
        except UnicodeDecodeError:
            # RFC 6455, section 8.1: text that is no UTF-8 fails the connection with 1007.
            self._refuse(NOT_TEXT, "Not valid UTF-8")
            return
        # Pings do not come here: whether they put off AWS's idle cut is not documented, and reports differ.
        self.last_active = self._clock.now()
        self._on_message(self, text)

    def _refuse(self, code: int, reason: str) -> None:
        """Close for what the client sent; what came after it is not read any more."""
        self._refused = True
        self._protocol.fail(code, reason)

    def _delay(self) -> float:
        """Seconds that the client takes for its next message."""
        if not self._faults.active:
            return 0.0
        fault = self._faults.take("slow-client", **self.facts.named())
        return 0.0 if fault is None else fault.parameters["seconds"]

    def _flush(self, delay: float = 0.0) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._outbox.write(data, delay)
            # An empty chunk is the library's wish to close our half of the connection.
            elif self._linger is None:
                self._outbox.end(self._linger_off)
        if self._protocol.state is not OPEN:
            self._closed()

    def _linger_off(self) -> None:
        if self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.abort)

    def _closed(self) -> None:
        if not self._open:
            return
        self._open = False
        self._clock.cancel(self._age)
        self._clock.cancel(self._idle)
        self._on_closed(self)

    def _leave(self) -> None:
        self.close(GOING_AWAY, "Going away")

    def _check_idle(self) -> None:
        # The timer is not moved with each message: it looks when it is due, and sets itself anew.
        due = self.last_active + IDLE_SECONDS
        if self._clock.now() >= due:
            self._leave()
        else:
            self._idle = self._clock.call_at(due, self._check_idle)
