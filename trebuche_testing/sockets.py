"""API Gateway as sockets see it: $connect first, a function per message, posts, cuts that one side knows of."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol
from uuid import UUID

from trebuche.errors import ConnectionGoneError, ThrottledError
from trebuche.ports import ConnectionInfo
from trebuche_testing.engine import Engine

PATIENCE_MS: Final = 29_000
"""After that API Gateway stops waiting for a function."""
LONGEST_LIFE_MS: Final = 7_200_000
"""After that API Gateway ends a connection."""
LONGEST_YOUTH_MS: Final = 2_500
COLD_START_MS: Final = 3_000
_TROUBLE: Final = '{"message": "Internal server error", "connectionId": "x", "requestId": "x"}'


class Peer(Protocol):
    """A client's end."""

    def on_open(self, socket: "Socket") -> None:
        """The socket can be used."""

    def on_frame(self, socket: "Socket", text: str) -> None:
        """A frame arrived."""

    def on_closed(self, socket: "Socket") -> None:
        """The socket is gone, as far as the client can tell."""

    def on_trouble(self) -> None:
        """A function failed with a frame of this client's, which it has no way to know."""

    def on_refused(self) -> None:
        """A service refused something to a function that handles a frame of this client's, or its answer was late."""

    def key_of(self, stream_id: UUID) -> int | None:
        """The key of a stream that it has, None for others."""

    def left_for_good(self, stream_id: UUID) -> int | None:
        """The key of a stream that it has ended; None as long as a resume of it may still be on its way."""


class Functions(Protocol):
    """What a WebSocket API is connected to."""

    def handle(self, event: dict[str, Any], finish: Callable[[dict[str, Any] | None], None], *, direct: bool) -> None:
        """Start a function; ``finish`` gets its answer, None when it failed."""

    def skew_ms(self) -> int:
        """By how much the clock of a gateway is wrong."""


class Socket:
    """One connection; gateway and client may disagree on whether it is open."""

    def __init__(self, connection_id: str, peer: Peer, now_ms: int) -> None:
        self.connection_id = connection_id
        self.peer = peer
        self.connected_at = now_ms
        self.open_at_gateway = False
        self.open_at_client = False
        self.known_at = 0
        """Until then posts are answered with 410, because the connection is young (ms)."""
        self.slow_until = 0
        """Until then posts are answered with 429, because its client does not read (ms)."""
        self.skew_ms = 0
        """By how much the clock of its gateway is wrong."""
        self.frames: deque[str] = deque()


class Front:
    """All sockets; as a port, the sender of frames.

    Args:
        engine: When things happen.
        functions: What handles the events.
        cold: Share of events whose function starts first.
    """

    def __init__(self, engine: Engine, functions: Functions, *, cold: float) -> None:
        self._cold = cold
        self.sockets: dict[str, Socket] = {}
        self._engine = engine
        self._functions = functions

    def connect(self, peer: Peer, *, young_ms: int = 0) -> Socket:
        """Open a socket; posts to it are refused for ``young_ms`` after its client may use it."""
        socket = Socket(f"c{len(self.sockets) + 1}", peer, self._engine.now_ms)
        socket.skew_ms = self._functions.skew_ms()
        self.sockets[socket.connection_id] = socket

        def connected(answer: dict[str, Any] | None) -> None:
            if answer is None or answer["statusCode"] != 200:
                self._engine.soon(lambda: peer.on_closed(socket))
                return
            socket.open_at_gateway = socket.open_at_client = True
            # Young is who was connected some seconds ago, however long $connect took.
            socket.known_at = min(self._engine.now_ms + young_ms, socket.connected_at + LONGEST_YOUTH_MS)
            self._engine.soon(lambda: peer.on_open(socket))

        self._handle(socket, "CONNECT", None, connected)
        return socket

    def receive(self, socket: Socket, text: str, *, direct: bool) -> None:
        """A frame from a client; on its way it is lost with the socket."""
        if not socket.open_at_client:
            return
        started_ms = self._engine.now_ms

        def answered(answer: dict[str, Any] | None) -> None:
            if answer is None or answer["statusCode"] >= 500 or self._engine.now_ms - started_ms > PATIENCE_MS:
                # What the function wrote stays written: a client cannot tell an answer that comes late from a failure.
                socket.peer.on_trouble()
                if answer is not None and "body" in answer:
                    socket.peer.on_refused()
                self._push(socket, _TROUBLE)
            elif "body" in answer:
                self._push(socket, answer["body"])

        def arrive() -> None:
            if socket.open_at_gateway:
                self._handle(socket, "MESSAGE", text, answered, direct=direct)

        self._engine.soon(arrive)

    def cut(self, socket: Socket, *, client_late_ms: int = 0, gateway_late_ms: int = 0, told: bool = True) -> bool:
        """Break a socket; either side may learn of it later, and ``told`` says whether $disconnect comes at all.

        False when it is broken already.
        """
        if not socket.open_at_client:
            return False
        self._after(client_late_ms, lambda: self._close_client(socket))
        self._after(gateway_late_ms, lambda: self._close_gateway(socket, told=told))
        return True

    def end_old(self) -> None:
        """Break the sockets whose time is over."""
        for socket in tuple(self.sockets.values()):
            if socket.open_at_gateway and self._engine.now_ms - socket.connected_at >= LONGEST_LIFE_MS:
                self.cut(socket)

    def send(self, connection_id: str, text: str) -> None:
        """Post a frame."""
        socket = self._found(connection_id)
        if self._engine.now_ms < socket.slow_until:
            raise ThrottledError(f"connection {connection_id} reads too slowly")
        self._push(socket, text)

    async def post(self, connection_id: str, text: str) -> None:
        """Post a frame."""
        self.send(connection_id, text)

    def is_alive(self, connection_id: str) -> bool:
        """Whether the gateway has it open."""
        socket = self.sockets.get(connection_id)
        return socket is not None and socket.open_at_gateway and self._engine.now_ms >= socket.known_at

    def disconnect(self, connection_id: str) -> None:
        """Close a connection."""
        self.cut(self._found(connection_id))

    def get_connection_info(self, connection_id: str) -> ConnectionInfo:
        """When it connected."""
        return ConnectionInfo(self._found(connection_id).connected_at, self._engine.now_ms, "192.0.2.1", "")

    def _found(self, connection_id: str) -> Socket:
        if not self.is_alive(connection_id):
            raise ConnectionGoneError(f"connection {connection_id} is closed")
        return self.sockets[connection_id]

    def _push(self, socket: Socket, text: str) -> None:
        if socket.open_at_client and socket.open_at_gateway:
            socket.frames.append(text)
            self._engine.soon(lambda: self._deliver(socket))

    def _deliver(self, socket: Socket) -> None:
        if socket.open_at_client and socket.frames:
            socket.peer.on_frame(socket, socket.frames.popleft())

    def _close_client(self, socket: Socket) -> None:
        if socket.open_at_client:
            socket.open_at_client = False
            socket.frames.clear()
            self._engine.soon(lambda: socket.peer.on_closed(socket))

    def _close_gateway(self, socket: Socket, *, told: bool) -> None:
        if socket.open_at_gateway:
            socket.open_at_gateway = False
            if told:
                self._handle(socket, "DISCONNECT", None, lambda _answer: None)

    def _after(self, milliseconds: int, action: Callable[[], None]) -> None:
        if milliseconds:
            self._engine.later(milliseconds, action)
        else:
            action()

    def _handle(
        self,
        socket: Socket,
        kind: str,
        body: str | None,
        finish: Callable[[dict[str, Any] | None], None],
        *,
        direct: bool = False,
    ) -> None:
        context = {
            "eventType": kind,
            "connectionId": socket.connection_id,
            "connectedAt": socket.connected_at + socket.skew_ms,
            "requestTimeEpoch": self._engine.now_ms + socket.skew_ms,
        }
        event: dict[str, Any] = {"requestContext": context, "isBase64Encoded": False}
        if body is not None:
            event["body"] = body
        # The gateway has taken it: from here on it is handled even if the socket breaks meanwhile.
        if self._engine.random.random() < self._cold:
            late_ms = int(self._engine.random.random() * COLD_START_MS)
            self._engine.later(late_ms, lambda: self._functions.handle(event, finish, direct=direct))
        else:
            self._functions.handle(event, finish, direct=direct)
