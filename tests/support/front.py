"""A second front on a running emulator, in the test's own process: its clock can be turned."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from sandbox.aws import AwsClient
from sandbox.client import RunningSandbox
from sandbox.clock import Clock
from sandbox.emulator.queue_clock import QueueClock
from sandbox.expiry import DELAY_SECONDS
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
async def turnable_front(
    emulator_endpoint: str,
    quotas: Quotas | None = None,
    *,
    ttl_delay_seconds: float = DELAY_SECONDS,
    queue_clock: QueueClock | None = None,
) -> AsyncIterator[TurnableFront]:
    """Serve on a free port until left; AWS calls to it must not block the event loop.

    With ``queue_clock`` the emulator's queues live on this front's clock, until it is left.
    """
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        services = services_on(
            AwsClient(session, emulator_endpoint), quotas or Quotas(), ttl_delay_seconds=ttl_delay_seconds
        )
        if queue_clock is not None:
            services.clock.follow(queue_clock.turn)
        pump = Pump(services)
        front = Front(session, emulator_endpoint=emulator_endpoint, listener=listen(0), pump=pump, services=services)
        await front.start()
        try:
            yield TurnableFront(front.endpoint, services.clock)
        finally:
            await front.stop()
            await pump.stop()
            if queue_clock is not None:
                queue_clock.turn(0.0)


Turn = Callable[[float], None]


def queue_clock_of(sandbox: RunningSandbox) -> QueueClock:
    """The clock of a sandbox's queues."""
    return QueueClock(Path(sandbox.record.directory) / "emulator")


def on_turnable(
    emulator_endpoint: str,
    steps: Callable[[str, Turn], None],
    *,
    ttl_delay_seconds: float = DELAY_SECONDS,
    queue_clock: QueueClock | None = None,
) -> None:
    """Run blocking steps against the address of a front; the second argument lets so many seconds pass on its clock."""

    async def main() -> None:
        async with turnable_front(
            emulator_endpoint, ttl_delay_seconds=ttl_delay_seconds, queue_clock=queue_clock
        ) as front:
            loop = asyncio.get_running_loop()

            def turn(seconds: float) -> None:
                asyncio.run_coroutine_threadsafe(front.clock.pass_time(seconds), loop).result(60)

            await asyncio.to_thread(steps, front.endpoint, turn)

    asyncio.run(main())
