"""The explorer's clients on real sockets: their scheduler is the event loop, their network a deployed WebSocket API."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.soak.plan import Plan
from trebuche.documents import loads
from trebuche.envelopes import InvocationEnvelope, StreamResumeEnvelope, decode
from trebuche.received import exposed_name
from trebuche.targets import is_stream_target
from trebuche_testing.sockets import Peer, Socket

OPEN_SECONDS: Final = 60.0
ECHOED: Final = 0.05
"""Chance of a call's frame to arrive once more, on somebody else's connection."""
ECHO_MS: Final = 4_000


class LiveEngine:
    """What clients take for the time: the event loop's.

    Args:
        random: Decides what clients leave open.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.stopped = False
        self._steps = count(1)

    @property
    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    @property
    def steps(self) -> int:
        """A number above all before it: everything happens on one thread."""
        return next(self._steps)

    def later(self, milliseconds: int, action: Callable[[], None]) -> None:
        """Let something happen after so many milliseconds."""

        def act() -> None:
            if not self.stopped:
                action()

        asyncio.get_running_loop().call_later(milliseconds / 1000, act)


class LiveSocket(Socket):
    """One connection, and what waits to be sent on it."""

    def __init__(self, connection_id: str, peer: Peer, now_ms: int) -> None:
        super().__init__(connection_id, peer, now_ms)
        self.wire: ClientConnection | None = None
        self.outbox: asyncio.Queue[str] = asyncio.Queue()
        self.frames_left = 0


class LiveFront:
    """All sockets to one endpoint.

    Args:
        endpoint: Its ``ws://`` address.
        engine: When things happen.
        tasks: What the sockets' tasks belong to; a defect in a client fails all of it.
        plan: How long sockets live, and how much they bring.
    """

    def __init__(self, endpoint: str, engine: LiveEngine, tasks: asyncio.TaskGroup, plan: Plan) -> None:
        self.seen: Counter[str] = Counter()
        self.peaceful = True
        """Whether sockets hold and nothing comes twice."""
        self._plan = plan
        self._endpoint = endpoint
        self._engine = engine
        self._tasks = tasks
        self._open: list[LiveSocket] = []
        self._running: set[asyncio.Task[None]] = set()

    def connect(self, peer: Peer, *, young_ms: int = 0) -> Socket:
        """Open a socket; connections are as young as they really are, so ``young_ms`` is passed over."""
        del young_ms
        self.seen["connections"] += 1
        socket = LiveSocket(f"c{self.seen['connections']}", peer, self._engine.now_ms)
        task = self._tasks.create_task(self._serve(socket))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return socket

    def receive(self, socket: Socket, text: str, *, direct: bool) -> None:
        """Send a frame; now and then a call's comes once more, later, from somebody else."""
        assert isinstance(socket, LiveSocket)
        if socket.wire is None:
            return
        envelope = decode(text)
        if direct and isinstance(envelope, InvocationEnvelope | StreamResumeEnvelope):
            text = f'{{"action":"{exposed_name(envelope.actor_id.id)}",{text[1:]}'
        socket.outbox.put_nowait(text)
        is_call = isinstance(envelope, InvocationEnvelope) and not is_stream_target(envelope.target_identifier)
        if not self.peaceful and is_call and self._engine.random.random() < ECHOED:
            self._engine.later(int(self._engine.random.random() * ECHO_MS), lambda: self._echo(text))

    def cut(self, socket: Socket | None) -> None:
        """Break a connection, with or without a closing handshake."""
        if not isinstance(socket, LiveSocket) or socket.wire is None:
            return
        self.seen["cuts"] += 1
        wire, socket.wire = socket.wire, None
        if self._engine.random.random() < 0.5:
            wire.transport.abort()
        else:
            self._tasks.create_task(wire.close())

    def _cut_later(self, socket: LiveSocket) -> None:
        def cut() -> None:
            if self.peaceful and socket.wire is not None:
                self._cut_later(socket)
            elif not self.peaceful:
                self.cut(socket)

        life_seconds = self._engine.random.uniform(*self._plan.cut_seconds)
        self._engine.later(int(life_seconds * 1000), cut)

    def close(self) -> None:
        """End all that runs."""
        for task in list(self._running):
            task.cancel()

    def _echo(self, text: str) -> None:
        if self._open:
            self.seen["echoes"] += 1
            self._engine.random.choice(self._open).outbox.put_nowait(text)

    async def _serve(self, socket: LiveSocket) -> None:
        try:
            async with connect(
                self._endpoint, proxy=None, open_timeout=OPEN_SECONDS, close_timeout=1, max_size=None
            ) as wire:
                await self._use(socket, wire)
        except (OSError, TimeoutError, WebSocketException):
            self.seen["broken"] += 1
        finally:
            socket.wire = None
        if not self._engine.stopped:
            socket.peer.on_closed(socket)

    async def _use(self, socket: LiveSocket, wire: ClientConnection) -> None:
        socket.wire = wire
        socket.frames_left = self._engine.random.randint(*self._plan.cut_frames)
        self._open.append(socket)
        writer = asyncio.create_task(_write(socket, wire))
        try:
            socket.peer.on_open(socket)
            self._cut_later(socket)
            async for text in wire:
                self._take(socket, text)
        finally:
            self._open.remove(socket)
            writer.cancel()

    def _take(self, socket: LiveSocket, text: str | bytes) -> None:
        document: Any = loads(text)
        if "message" in document and "type" not in document:
            self.seen["refusals of the gateway"] += 1
            socket.peer.on_trouble()
            return
        if document["type"] == "response" and document["payload"].get("retryable"):
            self.seen["told to come again"] += 1
        if not self._engine.stopped:
            assert isinstance(text, str)
            socket.peer.on_frame(socket, text)
        socket.frames_left -= 1
        if socket.frames_left <= 0 and not self.peaceful:
            self.cut(socket)


async def _write(socket: LiveSocket, wire: ClientConnection) -> None:
    with contextlib.suppress(WebSocketException):
        while True:
            await wire.send(await socket.outbox.get())
