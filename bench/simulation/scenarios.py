"""What is simulated: one actor with more and more subscribers, and a million connections of many actors."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.simulation.gateway import RATE, arrivals
from bench.simulation.model import World
from bench.simulation.times import AWS, Times
from cli.cost.prediction import pings_per_second
from cli.cost.quotas import connects_per_second, gateway_requests
from cli.cost.traffic import Traffic

AUDIENCES: Final = (1, 100, 10_000, 100_000)
SAMPLES: Final = {1: 2_000, 100: 200, 10_000: 5, 100_000: 1}
"""Changes of one actor, each by itself: so many that there is a 99th percentile to speak of."""
APART_SECONDS: Final = 120.0
MILLION: Final = 1_000_000
LOADS: Final = (0.4, 0.8, 1.2)
"""All requests of a million connections, as shares of the account's 10,000 a second; alone they ping a third of it."""
LOAD_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """How late subscribers heard of changes, in milliseconds.

    Args:
        name: What was simulated.
        deliveries: How many there were.
        p50_ms: The median.
        p99_ms: The 99th percentile.
        last_ms: The last of all.
        handed_over: Subscribers who were left to a worker, and are among the deliveries.
        refused: Requests that the account's quota refused, by their kind.
    """

    name: str
    deliveries: int
    p50_ms: float
    p99_ms: float
    last_ms: float
    handed_over: int = 0
    refused: dict[str, int] = field(default_factory=dict)


def one_actor(subscribers: int, times: Times = AWS, *, samples: int | None = None, seed: int = 0) -> Result:
    """Changes of one actor, so far apart that each is by itself."""
    world = World(times, seed)
    for number in range(SAMPLES.get(subscribers, 20) if samples is None else samples):
        world.clock.process(world.change(number * APART_SECONDS, subscribers))
    world.clock.run()
    return _result(f"{subscribers:,} subscribers", world)


def million_connections(
    load: float, times: Times = AWS, *, subscribers: int = 100, seconds: float = LOAD_SECONDS, seed: int = 0
) -> Result:
    """Many actors of a hundred subscribers each; calls, posts, pings and connections fill a share of the quota."""
    world = World(times, seed)
    traffic = traffic_for(load, subscribers)
    rates = {"ping": pings_per_second(traffic), "connection": connects_per_second(traffic)}
    for at in arrivals(world.chance, traffic.per_second, seconds):
        world.clock.process(world.change(at, subscribers))
    for kind, rate in rates.items():
        for at in arrivals(world.chance, rate, seconds):
            world.clock.process(world.request(at, kind))
    world.clock.run()
    return _result(f"{MILLION:,} connections, {load:.0%} of the account's rate", world)


def traffic_for(load: float, subscribers: int) -> Traffic:
    """Traffic of a million connections that takes such a share of the account's requests, found by halving."""
    low, high = 0.0, load * RATE * 60
    for _ in range(50):
        middle = (low + high) / 2
        traffic = Traffic(connections=MILLION, updates_per_minute=middle, subscribers=subscribers)
        low, high = (middle, high) if gateway_requests(traffic) < load * RATE else (low, middle)
    return Traffic(connections=MILLION, updates_per_minute=low, subscribers=subscribers)


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
        dict(world.account.refused),
    )
