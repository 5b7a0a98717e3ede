"""What is simulated: one actor with more and more subscribers, and a million connections of many actors."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.simulation.model import AWS, Times, World

AUDIENCES: Final = (1, 100, 10_000, 100_000)
SAMPLES: Final = {1: 2_000, 100: 200, 10_000: 5, 100_000: 1}
"""Changes of one actor, each by itself: so many that there is a 99th percentile to speak of."""
APART_SECONDS: Final = 120.0
MILLION: Final = 1_000_000
LOADS: Final = (0.5, 0.8, 1.2)
"""Deliveries of a million connections' many actors, as shares of the account's 10,000 requests a second."""
LOAD_SECONDS: Final = 10.0
ACCOUNT_PER_SECOND: Final = 10_000


@dataclass(frozen=True, slots=True)
class Result:
    """How late subscribers heard of changes, in milliseconds.

    Args:
        name: What was simulated.
        deliveries: How many there were.
        p50_ms: The median.
        p99_ms: The 99th percentile.
        last_ms: The last of all.
        handed_over: Subscribers who were left to a worker.
        refused: Posts that the account's quota refused.
    """

    name: str
    deliveries: int
    p50_ms: float
    p99_ms: float
    last_ms: float
    handed_over: int = 0
    refused: int = 0


def one_actor(subscribers: int, times: Times = AWS, *, samples: int | None = None, seed: int = 0) -> Result:
    """Changes of one actor, so far apart that each is by itself."""
    world = World(times, seed)
    for number in range(SAMPLES.get(subscribers, 20) if samples is None else samples):
        world.clock.process(world.change(number * APART_SECONDS, subscribers))
    world.clock.run()
    return _result(f"{subscribers:,} subscribers", world)


def million_connections(load: float, times: Times = AWS, *, subscribers: int = 100, seed: int = 0) -> Result:
    """Many actors of a hundred subscribers each, whose changes come by chance, as many as fill this share."""
    world = World(times, seed)
    rate = load * ACCOUNT_PER_SECOND / subscribers
    at = 0.0
    while (at := at + world.chance.expovariate(rate)) < LOAD_SECONDS:
        world.clock.process(world.change(at, subscribers))
    world.clock.run()
    return _result(f"{MILLION:,} connections, {load:.0%} of the account's rate", world)


def all_of() -> list[Result]:
    """Every scenario."""
    return [*(one_actor(audience) for audience in AUDIENCES), *(million_connections(load) for load in LOADS)]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _result(name: str, world: World) -> Result:
    delivered = world.delivered
    return Result(
        name,
        len(delivered),
        statistics.median(delivered) * 1000,
        quantile(delivered, 0.99) * 1000,
        max(delivered) * 1000,
        world.handed_over,
        world.account.refused,
    )
