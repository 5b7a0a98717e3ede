"""One change on its way: call, stream, fan-out and posts, as discrete events; times in seconds.

The pacer is the runtime's own. What AWS adds is random, with a fixed seed: two runs are the same.
"""

import itertools
import math
import random
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import simpy

from trebuche.adapters.pacing import Pacer
from trebuche.delivery import pause_seconds, retries
from trebuche.errors import ThrottledError
from trebuche.runtime import SIDE_BY_SIDE

Process = Generator[simpy.Event, Any, None]
ROWS_PER_PAGE: Final = 2_500
"""Subscriptions that one page of a Query holds: 1 MB of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long each step takes; medians where it varies.

    Args:
        call: From the client's frame to the committed turn.
        stream_least: From the commit to the stream processor, at best.
        stream_most: The same at worst; in between, all is equally likely.
        fan_out: Of an invocation before its first post.
        page: Of one page of subscriptions.
        post: Of one post.
        post_spread: Standard deviation of the logarithm of the call's and the posts' times.
        processor: Of the function's processor for one post; posts share it.
    """

    call: float
    stream_least: float
    stream_most: float
    fan_out: float
    page: float
    post: float
    post_spread: float
    processor: float


AWS: Final = Times(
    call=0.030,
    stream_least=0.050,
    stream_most=0.300,
    fan_out=0.020,
    page=0.010,
    post=0.012,
    post_spread=0.5,
    processor=0.0002,
)
"""Warm functions. The stream's and the posts' times are what others report of AWS; nobody here has measured them."""


class Account:
    """API Gateway's token bucket, which all environments and all APIs of an account share.

    Args:
        now: The simulated time.
        rate: Requests a second.
        burst: Requests at once.
    """

    def __init__(self, now: Callable[[], float], rate: float = 10_000.0, burst: float = 5_000.0) -> None:
        self._now = now
        self._rate = rate
        self._burst = self._tokens = burst
        self._filled_at = now()
        self.refused = 0

    def admits(self) -> bool:
        """Take a request, or refuse it with 429."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            self.refused += 1
            return False
        self._tokens -= 1
        return True


@dataclass
class World:
    """Everything that the changes of a run share.

    Args:
        times: How long steps take.
        seed: Of all chances.
        delivered: Seconds from invocation to each subscriber, in the order of arrival.
        handed_over: Subscribers who were left to a worker after all retries.
    """

    times: Times
    seed: int = 0
    delivered: list[float] = field(default_factory=list)
    handed_over: int = 0

    def __post_init__(self) -> None:
        self.clock = simpy.Environment()
        self.account = Account(lambda: self.clock.now)
        self.chance = random.Random(self.seed)

    def varied(self, median: float) -> float:
        """A time around its median, with a long tail."""
        return median * math.exp(self.chance.gauss(0.0, self.times.post_spread))

    def change(self, at: float, subscribers: int) -> Process:
        """One call that changes an actor at a time, until all its subscribers have heard of it."""
        times = self.times
        yield self.clock.timeout(at)
        stream = self.chance.uniform(times.stream_least, times.stream_most)
        pages = math.ceil(subscribers / ROWS_PER_PAGE)
        yield self.clock.timeout(self.varied(times.call) + stream + times.fan_out + pages * times.page)
        environment = Environment(self, at)
        waiting = iter(range(subscribers))
        workers = [self.clock.process(environment.work(waiting)) for _ in range(min(SIDE_BY_SIDE, subscribers))]
        yield self.clock.all_of(workers)


class Environment:
    """One invocation of the stream processor, which posts side by side at its own pace."""

    def __init__(self, world: World, began: float) -> None:
        self._world = world
        self._began = began
        self._pacer = Pacer(lambda: world.clock.now)
        self._processor = simpy.Resource(world.clock)

    def work(self, waiting: Iterator[int]) -> Process:
        """Post to one subscriber after the other, until none waits."""
        for _ in waiting:
            for attempt in itertools.count():
                yield from self._post()
                if self._world.account.admits():
                    self._world.delivered.append(self._world.clock.now - self._began)
                    break
                self._pacer.throttled()
                if attempt == retries(ThrottledError("too many", widespread=self._pacer.slowed), hurried=True):
                    self._world.handed_over += 1
                    break
                yield self._world.clock.timeout(pause_seconds(attempt, self._world.chance.random()))

    def _post(self) -> Process:
        world = self._world
        if pause := self._pacer.take():
            yield world.clock.timeout(pause)
        with self._processor.request() as turn:
            yield turn
            yield world.clock.timeout(world.times.processor)
        yield world.clock.timeout(world.varied(world.times.post))
