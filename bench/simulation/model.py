"""One change on its way: call, stream, fan-out and posts, as discrete events; times in seconds.

The pacer, the pauses and the numbers of retries are the runtime's own, batches and timeouts the program's. What AWS
adds is random, with a fixed seed: two runs are the same.
"""

import math
import random
from dataclasses import dataclass, field
from typing import Final

import simpy

from bench.simulation.gateway import Account, insistent
from bench.simulation.lanes import Change, Lane, catch_up
from bench.simulation.times import Process, Times
from infra.catch_ups import BATCH_SIZE, CONCURRENCY
from infra.stack_settings import StackSettings

SHARDS: Final = 4
"""Of the stream of a new table on demand, which has as many partitions."""
LANES: Final[int] = SHARDS * StackSettings.model_fields["streamParallelizationFactor"].default


@dataclass
class World:
    """Everything that the changes of a run share.

    Args:
        times: How long steps take.
        seed: Of all chances.
        lanes: Batches of the stream that are handled at the same time.
        delivered: Seconds from invocation to each subscriber, in the order of arrival.
        handed_over: Subscribers who were left to a worker, and hear of the change later.
    """

    times: Times
    seed: int = 0
    lanes: int = LANES
    delivered: list[float] = field(default_factory=list)
    handed_over: int = 0

    def __post_init__(self) -> None:
        self.clock = simpy.Environment()
        self.account = Account(lambda: self.clock.now)
        self.chance = random.Random(self.seed)
        self.workers = simpy.Resource(self.clock, CONCURRENCY * BATCH_SIZE)
        self._lanes = [Lane(self) for _ in range(self.lanes)]

    def varied(self, median: float) -> float:
        """A time around its median, with a long tail."""
        return median * math.exp(self.chance.gauss(0.0, self.times.post_spread))

    def change(self, at: float, subscribers: int) -> Process:
        """One call at a time, that changes an actor of so many subscribers, until its record is in the stream."""
        yield self.clock.timeout(at)
        began = self.clock.now
        yield from insistent(self.clock, self.account, self.chance, "call")
        stream = self.chance.uniform(self.times.stream_least, self.times.stream_most)
        yield self.clock.timeout(self.varied(self.times.call) + stream)
        # By the partition of the actor, which may be any.
        self.chance.choice(self._lanes).put(Change(began, subscribers))

    def request(self, at: float, kind: str) -> Process:
        """A ping or a connection at a time, which takes from the account like everything else."""
        yield self.clock.timeout(at)
        yield from insistent(self.clock, self.account, self.chance, kind)

    def arrived(self, change: Change) -> None:
        """One more subscriber has heard of a change."""
        self.delivered.append(self.clock.now - change.began)

    def hand_over(self, change: Change, seconds: float) -> None:
        """Leave a subscriber to a worker, who is reminded after so many seconds."""
        self.handed_over += 1
        self.clock.process(catch_up(self, change, seconds))
