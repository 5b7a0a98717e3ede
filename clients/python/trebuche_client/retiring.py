"""Sockets that are left, and waiting for whichever comes first."""

import asyncio
from collections.abc import Awaitable

from trebuche_client.clock import Clock
from trebuche_client.link import Link


class Retiring:
    """Sockets that are left: each may still bring what is under way, then it is closed.

    Args:
        clock: What they live by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, reading: "asyncio.Task[None]", link: Link, seconds: float) -> None:
        """Leave a socket in so many seconds, or when it is lost or all are to be closed."""
        task = asyncio.create_task(self._leave(reading, link, seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Close them all now, at once."""
        self._over.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _leave(self, reading: "asyncio.Task[None]", link: Link, seconds: float) -> None:
        try:
            if seconds:
                await either(reading, self._clock.sleep(seconds), self._over.wait())
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await link.close()


async def either(lasting: "asyncio.Task[None]", *others: Awaitable[object]) -> None:
    """Wait until one of them is done; the others that were not are cancelled, and the first one goes on."""
    tasks = {asyncio.ensure_future(other) for other in others}
    try:
        await asyncio.wait({lasting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
