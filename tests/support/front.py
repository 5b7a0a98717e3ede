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
from sandbox.quotas import Quotas
from sandbox.services import services_on


@dataclass
class TurnableFront:
    """A front with its clock."""

    endpoint: str
    clock: Clock


@contextlib.asynccontextmanager
async def turnable_front(emulator_endpoint: str, quotas: Quotas | None = None) -> AsyncIterator[TurnableFront]:
    """Serve on a free port until left; AWS calls to it must not block the event loop."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        services = services_on(AwsClient(session, emulator_endpoint), quotas or Quotas())
        pump = Pump(services)
        front = Front(session, emulator_endpoint=emulator_endpoint, listener=listen(0), pump=pump, services=services)
        await front.start()
        try:
            yield TurnableFront(front.endpoint, services.clock)
        finally:
            await front.stop()
            await pump.stop()
