"""What the console can be led to without a deployment: the runtime in memory behind sockets, or a door that is shut."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from cli.dev.console import serving_console
from tests.support.endpoint import FakeEndpoint, Peer
from tests.support.world import World, socket_event
from trebuche.socket_events import Reply


class WorldEndpoint:
    """Sockets of a world: frames go in as events, and what is posted to a connection goes out. Time is real.

    Args:
        world: The runtime.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._peers: dict[str, Peer] = {}
        self._turn = asyncio.Lock()
        self._shown = time.monotonic()
        self._server = FakeEndpoint(self._serve)
        self.url = self._server.url

    def stop(self) -> None:
        """Close everything."""
        self._server.stop()

    async def _serve(self, peer: Peer) -> None:
        connection_id = f"c{peer.number}"
        self._peers[connection_id] = peer
        self._world.connect(connection_id)
        with contextlib.suppress(ConnectionClosed):
            while True:
                text = await peer.receive_text()
                async with self._turn:
                    reply = await asyncio.to_thread(self._handle, connection_id, text)
                    await self._post()
                if "body" in reply:
                    await peer.send_text(reply["body"])
        del self._peers[connection_id]
        self._world.disconnect(connection_id)

    def _handle(self, connection_id: str, text: str) -> Reply:
        now = time.monotonic()
        self._world.clock.pause(now - self._shown)
        self._shown = now
        reply = self._world.handler.handle(socket_event("MESSAGE", connection_id, text))
        self._world.pump()
        return reply

    async def _post(self) -> None:
        for connection_id, frames in list(self._world.sender.sent.items()):
            del self._world.sender.sent[connection_id]
            for frame in frames:
                with contextlib.suppress(ConnectionClosed, KeyError):
                    await self._peers[connection_id].send_text(frame)


@contextmanager
def world_at(world: World) -> Iterator[str]:
    """The address of a world."""
    endpoint = WorldEndpoint(world)
    try:
        yield endpoint.url
    finally:
        endpoint.stop()


@contextmanager
def shut_door(status: int) -> Iterator[str]:
    """The address of an endpoint that refuses every handshake."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.server_address[1]}/stage"
        server.shutdown()


@contextmanager
def console_at(root: Path, endpoint: str) -> Iterator[str]:
    """The address of a console that leads to an endpoint; it is served in a thread, for tests that block."""
    ready, address = threading.Event(), ""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        nonlocal address
        async with serving_console(root) as console:
            console.lead_to(endpoint)
            address = console.address
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(60)
        yield address
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()
