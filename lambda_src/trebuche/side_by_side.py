"""Coroutines for callers that are none: one event loop per thread, which is kept.

Connections belong to the loop that they were opened on, and are used again by the next invocation.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Executor
from typing import Any, Final, TypeVar

S = TypeVar("S")
T = TypeVar("T")

_own: Final = threading.local()


def complete(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; what it returns or raises."""
    loop: asyncio.AbstractEventLoop | None = getattr(_own, "loop", None)
    if loop is None:
        loop = _own.loop = asyncio.new_event_loop()
    return loop.run_until_complete(work)


async def in_thread(pool: Executor, work: Callable[[], T]) -> T:
    """Do what blocks, without holding up the loop."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)


async def side_by_side(do: Callable[[S], Awaitable[T]], items: Iterable[S], limit: int) -> tuple[T, ...]:
    """The results in the order of the items, of which no more than ``limit`` are being worked on at any time."""
    waiting = iter(enumerate(items))
    results: dict[int, T] = {}

    async def work() -> None:
        for index, item in waiting:
            results[index] = await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(limit):
            group.create_task(work())
    return tuple(results[index] for index in sorted(results))
