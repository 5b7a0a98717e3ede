"""Subscribers of one actor, ours and the page's, who are told of each change."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from websockets.asyncio.client import ClientConnection, connect

from bench.peers import Door
from tests.loop.conftest import Deployed
from tests.loop.peer import Peer, Stream

AT_ONCE: Final = 16
"""Subscribers that are being connected: the sandbox starts a function's process for each."""


class Audience(Protocol):
    """Subscribers of one actor, and somebody who calls it."""

    async def call(self, number: int) -> None:
        """Change the actor's state, without waiting for the answer."""

    async def arrived(self, number: int) -> None:
        """Wait until that change has come to every subscriber."""


@dataclass
class Ours:
    """On the deployed program's lists."""

    actor: str
    caller: Peer
    streams: list[Stream]

    async def call(self, number: int) -> None:
        """Add a todo."""
        await self.caller.call(self.actor, "addTodo", f"Todo {number}")

    async def arrived(self, number: int) -> None:
        """The first value of a stream is the state as it was when it began."""
        await asyncio.gather(*(stream.until(number + 1) for stream in self.streams))


@dataclass
class Pages:
    """On the page's algorithm."""

    actor: str
    caller: ClientConnection
    sockets: list[ClientConnection]

    async def call(self, number: int) -> None:
        """Write a state of the same size."""
        todos = [{"id": str(uuid.uuid4()), "title": f"Todo {one}", "completed": False} for one in range(number)]
        await ask(self.caller, {"type": "call", "actor": self.actor, "number": number, "state": {"todos": todos}})

    async def arrived(self, number: int) -> None:
        """A frame for each call."""
        frames = await asyncio.gather(*(socket.recv() for socket in self.sockets))
        assert {json.loads(frame)["payload"]["sequenceNumber"] for frame in frames} == {number}


async def ask(socket: ClientConnection, frame: dict[str, Any]) -> None:
    """Send a frame and wait for its reply."""
    await socket.send(json.dumps(frame))
    await socket.recv()


@asynccontextmanager
async def our_audience(deployed: Deployed, count: int) -> AsyncIterator[Audience]:
    """So many connections, each with a stream of a new list."""
    actor = f"todos/{uuid.uuid4().hex}"
    limit = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:
        door = Door(deployed.endpoint, stack)

        async def watch() -> Stream:
            async with limit:
                peer = await door.enter()
                stream = await peer.observe(actor)
                await stream.until(1)
                return stream

        streams = await asyncio.gather(*(watch() for _ in range(count)))
        yield Ours(actor, await door.enter(), list(streams))


@asynccontextmanager
async def pages_audience(url: str, count: int) -> AsyncIterator[Audience]:
    """So many connections that observe a new actor."""
    actor = uuid.uuid4().hex
    limit = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:

        async def watch() -> ClientConnection:
            async with limit:
                socket = await stack.enter_async_context(connect(url, proxy=None, open_timeout=60))
                await ask(socket, {"type": "observe", "actor": actor})
                return socket

        sockets = await asyncio.gather(*(watch() for _ in range(count)))
        yield Pages(actor, await stack.enter_async_context(connect(url, proxy=None)), list(sockets))
