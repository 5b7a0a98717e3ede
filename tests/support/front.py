"""A second front on a running emulator, in the test's own process: its clock can be turned."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from sandbox.aws import AwsClient
from sandbox.clock import Clock
from sandbox.front import Front
from sandbox.front.server import listen
from sandbox.pump import Pump


@dataclass
class TurnableFront:
    """A front with its clock."""

    endpoint: str
    clock: Clock


@contextlib.asynccontextmanager
async def turnable_front(emulator_endpoint: str) -> AsyncIterator[TurnableFront]:
    """Serve on a free port until left; AWS calls to it must not block the event loop."""
    clock = Clock()
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        pump = Pump(AwsClient(session, emulator_endpoint), clock)
        front = Front(session, emulator_endpoint=emulator_endpoint, listener=listen(0), pump=pump, clock=clock)
        await front.start()
        try:
            yield TurnableFront(front.endpoint, clock)
        finally:
            await front.stop()
            await pump.stop()
