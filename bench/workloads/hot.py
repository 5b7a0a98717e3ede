"""W2: one actor that changes all the time; what is counted with and without a window, and what its hour costs."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from bench.cost_run import Counts, all_have, counted, sandbox_of
from bench.peers import Door
from bench.workloads.parts import TRANSFER, Parts, parts
from bench.workloads.steady import MINUTES, SUBSCRIBERS, title
from cli.cost.bill import bill_of
from cli.cost.prices import ARM
from sandbox.meter.units import CONNECTION_MINUTES
from tests.loop.conftest import Deployed
from tests.loop.peer import Peer, Stream

LIMIT: Final = 2.35
"""US dollars of the hour without data transfer, with the window."""
FEWER: Final = 4.5
"""Times fewer deliveries with the window."""
CALLS: Final = 20 * 3600
WINDOW_MS: Final = 250
PAUSE_SECONDS: Final = 1 / 20
LONGEST_WINDOW_MS: Final = 1_000
PACE_CALLS: Final = 5
"""Tell how fast the machine is."""
OF_DELIVERY: Final = ("stream-processor", "subscriptions")
"""In the names of what works for deliveries and not for calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was counted while one actor was changed all the time; the window is 0 where every value is delivered."""

    counts: Counts
    calls: int
    seconds: float
    deliveries: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class Hour:
    """The hour, in US dollars by part."""

    steady: Parts
    fewer: float
    """How many times as many deliveries there would be without the window."""

    @property
    def good(self) -> bool:
        """Whether the window spares what it has to, and the hour costs no more than its limit."""
        return self.usd <= LIMIT and self.fewer >= FEWER

    @property
    def usd(self) -> float:
        """Without data transfer."""
        return sum(usd for part, usd in self.steady.items() if part != TRANSFER)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {"usd": self.usd, "limit": LIMIT, "steady": self.steady, "fewer": self.fewer}


async def run(deployed: Deployed, seconds: float, *, window: bool) -> Run:
    """Change an actor at most 20 times a second, before subscribers who want every value, or the latest of each window.

    With every value the next change waits until all have the one before: so each is a delivery to everybody.
    """
    sandbox = sandbox_of(deployed)
    actor = f"todos/hot-{'latest' if window else 'every'}"
    async with AsyncExitStack() as stack:
        await counted(sandbox)  # those of the run before may still be leaving
        door = Door(deployed.endpoint, stack)
        peers = [await door.enter() for _ in range(SUBSCRIBERS)]
        todo = await peers[0].call(actor, "addTodo", title(0))
        window_ms = await _window(peers[0], actor, todo["id"]) if window else 0
        latest = {"type": "custom", "name": "latest", "parameters": {"window": str(window_ms)}}
        wish = latest if window else {"type": "all"}
        streams = [await peer.observe(actor, streamFilter=wish) for peer in peers]
        await all_have(streams, 1)
        await counted(sandbox)
        before = _values(streams)
        started, calls = time.monotonic(), 0
        while (elapsed := time.monotonic() - started) < seconds:
            calls += 1
            await peers[0].call(actor, "renameTodo", todo["id"], title(calls))
            if not window:
                await all_have(streams, 1 + calls)
            await asyncio.sleep(max(0.0, started + calls * PAUSE_SECONDS - time.monotonic()))
        counts = await counted(sandbox)
        deliveries = _values(streams) - before
    return Run(counts=counts, calls=calls, seconds=elapsed, deliveries=deliveries, window_ms=window_ms)


async def _window(caller: Peer, actor: str, todo: str) -> int:
    """Milliseconds in which as many changes come here as in a window of W2."""
    began = time.monotonic()
    for number in range(PACE_CALLS):
        await caller.call(actor, "renameTodo", todo, title(number))
    pause = max(PAUSE_SECONDS, (time.monotonic() - began) / PACE_CALLS)
    return min(LONGEST_WINDOW_MS, round(WINDOW_MS * pause / PAUSE_SECONDS))


def price(hot: Run) -> Hour:
    """The whole hour: calls as many as it has, and a delivery to everybody in each of its windows.

    A busy machine delivers less often than that, as its processor is at work for longer than a window; that is no
    saving of W2's, so deliveries are scaled by those that there were. The processor runs as long as the hour lasts.
    """
    of_delivery = [one for one in hot.counts if _is_of_delivery(one)]
    of_calls = [one for one in hot.counts if not _is_of_delivery(one) and one["unit"] != CONNECTION_MINUTES]
    delivered = hot.deliveries / SUBSCRIBERS
    if hot.window_ms:
        scale = 3_600_000 / WINDOW_MS / min(delivered, hot.seconds * 1000 / hot.window_ms)
        run_time = 3600 / hot.seconds
    else:
        scale = run_time = CALLS / hot.calls
    lines = [
        *bill_of((one for one in of_delivery if one["unit"] != ARM), scale),
        *bill_of((one for one in of_delivery if one["unit"] == ARM), run_time),
        *bill_of(of_calls, CALLS / hot.calls),
        *bill_of([{"unit": CONNECTION_MINUTES, "amount": SUBSCRIBERS * MINUTES}]),
    ]
    return Hour(parts(lines), hot.calls / delivered)


def _is_of_delivery(count: Mapping[str, Any]) -> bool:
    return count["cause"] == "posted" or any(name in count["resource"] for name in OF_DELIVERY)


def _values(streams: Sequence[Stream]) -> int:
    return sum(len(stream.values) for stream in streams)
