"""The same model with the sandbox's times, against deliveries that were measured there.

Two audiences give the model its times (the smallest and the largest); the ones in between are what it is judged by.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.simulation.scenarios import one_actor, quantile
from bench.simulation.times import Times
from tests.loop.conftest import Deployed
from tests.loop.peer import Peer, Stream
from tests.loop.stack import deployed_stack

FILE: Final = Path(__file__).with_name("calibration.json")
CHANGES: Final = {1: 150, 10: 50, 30: 30, 100: 20}
"""By the audience: of few deliveries the 99th percentile would be one pause of the machine."""
WARM_UP: Final = 3
SAMPLES: Final = 200
"""Simulated changes for each audience."""
SPREAD: Final = 0.2
"""Of the sandbox's calls and posts: a machine that also does other things."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the sandbox took from invocation to each subscriber, and to the caller's answer; milliseconds."""

    subscribers: int
    reply_ms: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A measurement beside what the model says; errors are shares of the measurement."""

    measured: Measured
    p50_ms: float
    p99_ms: float

    @property
    def p50_error(self) -> float:
        """How far the model's median is off."""
        return self.p50_ms / self.measured.p50_ms - 1

    @property
    def p99_error(self) -> float:
        """How far the model's 99th percentile is off."""
        return self.p99_ms / self.measured.p99_ms - 1


def times_of(measured: Sequence[Measured]) -> Times:
    """The sandbox's times: what the smallest audience takes, and what each further subscriber adds."""
    least, most = measured[0], measured[-1]
    added = most.p50_ms - least.p50_ms
    # The median subscriber waits for half of the posts before it: one machine does all of them, one after the other.
    a_post = max(added / (most.subscribers / 2), 0.01) / 1000
    after_call = max(least.p50_ms - least.reply_ms, 1.0) / 1000
    return Times(
        call=least.reply_ms / 1000,
        stream_least=after_call / 2,
        stream_most=after_call / 2,
        fan_out=after_call / 2 - min(a_post, after_call / 4),
        page=0.0,
        post=0.0005,
        post_spread=SPREAD,
        processor=a_post,
    )


def compare(measured: Sequence[Measured]) -> list[Compared]:
    """Each measurement with the model's figures."""
    times = times_of(measured)
    results = [one_actor(one.subscribers, times, samples=SAMPLES) for one in measured]
    return [Compared(one, result.p50_ms, result.p99_ms) for one, result in zip(measured, results, strict=True)]


def load() -> list[Measured]:
    """What was measured last."""
    return [Measured(**one) for one in json.loads(FILE.read_text())["measured"]]


def save(measured: Sequence[Measured], machine: Mapping[str, object]) -> None:
    """Keep a measurement, with the machine that it is of."""
    FILE.write_text(json.dumps({**machine, "measured": [asdict(one) for one in measured]}, indent=2) + "\n")


def measure() -> list[Measured]:
    """Deploy a stack on a sandbox and measure each audience."""
    with deployed_stack() as deployed:
        return [asyncio.run(_measure(deployed, subscribers)) for subscribers in CHANGES]


async def _measure(deployed: Deployed, subscribers: int) -> Measured:
    actor = f"todos/audience-{subscribers}"
    late: list[float] = []
    replies: list[float] = []
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(Peer.at(deployed.endpoint)) for _ in range(subscribers)]
        streams = [await peer.observe(actor) for peer in peers]
        for number in range(WARM_UP + CHANGES[subscribers]):
            started = time.perf_counter()
            waiting = [asyncio.create_task(_arrival(stream, 2 + number)) for stream in streams]
            await peers[0].call(actor, "addTodo", str(number))
            replied = time.perf_counter() - started
            arrivals = await asyncio.gather(*waiting)
            if number >= WARM_UP:
                replies.append(replied)
                late += [arrival - started for arrival in arrivals]
    return Measured(
        subscribers, statistics.median(replies) * 1000, statistics.median(late) * 1000, quantile(late, 0.99) * 1000
    )


async def _arrival(stream: Stream, number: int) -> float:
    await stream.until(number)
    return time.perf_counter()
