"""An endpoint of our own: a WebSocket server that speaks the wire format as a test tells it to."""

import asyncio
import base64
import json
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Json = dict[str, Any]
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket: ServerConnection, endpoint: "FakeEndpoint", number: int) -> None:
        self._socket = socket
        self._endpoint = endpoint
        self.number = number

    async def receive(self) -> Json:
        """The next frame, decoded."""
        text = await self._socket.recv()
        assert isinstance(text, str), "API Gateway closes on binary frames"
        frame: Json = json.loads(text)
        self._endpoint.take(frame)
        return frame

    async def receive_text(self) -> str:
        """The next frame as it came."""
        return str(await self._socket.recv())

    async def send(self, kind: str, **payload: object) -> None:
        """Send an envelope."""
        await self.send_text(json.dumps({"type": kind, "payload": payload}))

    async def send_text(self, text: str) -> None:
        """Send any text frame."""
        await self._socket.send(text)

    async def start_stream(self, frame: Json, stream_id: str, **extra: object) -> None:
        """Acknowledge an observation or a resume."""
        payload = frame["payload"]
        await self.send(
            "streamStart",
            streamID=stream_id,
            callID=payload.get("callID", str(uuid.uuid4()).upper()),
            actorID=payload["actorID"],
            targetIdentifier=payload["targetIdentifier"],
            **extra,
        )

    async def state(self, stream_id: str, sequence: int, value: object, **extra: object) -> None:
        """Send an observed value."""
        await self.send(
            "streamData",
            streamID=stream_id,
            sequenceNumber=sequence,
            data=as_data(value),
            timestamp="2026-03-04T09:15:00Z",
            **extra,
        )

    async def frames(self) -> list[str]:
        """The next message as the frames that it came in."""
        return [str(part) async for part in self._socket.recv_streaming()]

    async def close(self, code: int) -> None:
        """Close with a code."""
        await self._socket.close(code)

    def stop_reading(self) -> None:
        """Leave everything unread from now on, pings too."""
        self._socket.transport.pause_reading()

    def start_reading(self) -> None:
        """Read on."""
        self._socket.transport.resume_reading()

    async def drop(self) -> None:
        """Break the connection off without a closing handshake."""
        self._socket.transport.abort()

    async def gone(self) -> None:
        """Wait until the client goes away, without reading."""
        await self._socket.wait_closed()

    async def until_closed(self) -> None:
        """Take frames until the client goes away."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed:
            return


class FakeEndpoint:
    """A WebSocket server in a thread; connection n is handled by script n, the last script by all further ones."""

    def __init__(self, *scripts: Script) -> None:
        self.received: list[Json] = []
        self._arrived = threading.Condition()
        self._scripts = scripts
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server: Server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        port = next(iter(self._server.sockets)).getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}/stage"

    async def _serve(self) -> Server:
        listening = socket.create_server(("127.0.0.1", 0))
        # Small, and inherited by each connection: what is not read must be noticed before megabytes are under way.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        return await serve(self._handle, sock=listening, close_timeout=1, compression=None)

    async def _handle(self, connection: ServerConnection) -> None:
        with self._arrived:
            self._count += 1
            self._arrived.notify_all()
        script = self._scripts[min(self._count, len(self._scripts)) - 1]
        await script(Peer(connection, self, self._count))

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def wait_for(self, count: int) -> None:
        """Wait until so many frames have arrived."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.received) >= count, timeout=10), self.received

    def wait_for_connections(self, count: int) -> None:
        """Wait until so many connections were opened."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self._count >= count, timeout=10), self._count

    def take(self, frame: Json) -> None:
        """Note a frame."""
        with self._arrived:
            self.received.append(frame)
            self._arrived.notify_all()

    def do(self, action: Callable[[], object]) -> None:
        """Have something done in the server's thread."""
        self._loop.call_soon_threadsafe(action)

    def stop(self) -> None:
        """Close every connection and the server."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def as_data(value: object) -> str:
    """A value as a Data field."""
    return base64.b64encode(json.dumps(value).encode()).decode()


def from_data(text: str) -> object:
    """The value of a Data field."""
    return json.loads(base64.b64decode(text, validate=True))


@pytest.fixture
def serving() -> Iterator[Callable[..., FakeEndpoint]]:
    """Starts endpoints that end with the test."""
    endpoints: list[FakeEndpoint] = []

    def start(*scripts: Script) -> FakeEndpoint:
        endpoints.append(FakeEndpoint(*scripts))
        return endpoints[-1]

    yield start
    for endpoint in endpoints:
        endpoint.stop()
