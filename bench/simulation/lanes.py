"""The stream's lanes: batches of changes, one after the other in each, and the environment that posts them."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import simpy

from bench.simulation.times import Process
from infra.functions import STREAM_TIMEOUT_SECONDS
from infra.stack_settings import StackSettings
from trebuche.adapters.pacing import Pacer
from trebuche.delivery import RETRIES, pause_seconds, retries
from trebuche.errors import ThrottledError
from trebuche.handover import LONGEST_SECONDS, RESERVE_SECONDS, SLOW_SECONDS
from trebuche.runtime import SIDE_BY_SIDE

if TYPE_CHECKING:
    from bench.simulation.model import World

ROWS_PER_PAGE: Final = 2_500
"""Subscriptions that one page of a Query holds: 1 MB of them."""
BATCH: Final[int] = StackSettings.model_fields["streamBatchSize"].default
POST: Final = "post"


@dataclass(frozen=True, slots=True)
class Change:
    """A committed change of an actor, and when it was asked for."""

    began: float
    subscribers: int


class Lane:
    """What Lambda makes of one part of the stream: an invocation at a time, with all that waits, in one environment.

    Args:
        world: What it shares with all others.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._environment = Environment(world)
        self._waiting: list[Change] = []
        self._at_work = False

    def put(self, change: Change) -> None:
        """A record of the stream; it starts an invocation unless one is under way."""
        self._waiting.append(change)
        if not self._at_work:
            self._at_work = True
            self._world.clock.process(self._run())

    def _run(self) -> Process:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            yield from self._environment.handle(batch)
        self._at_work = False


class Environment:
    """An execution environment of the stream processor, which posts side by side at its own pace."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._pacer = Pacer(lambda: world.clock.now)
        self._processor = simpy.Resource(world.clock)
        self._until = 0.0

    def handle(self, batch: list[Change]) -> Process:
        """One invocation: actor after actor, the subscribers of each side by side."""
        clock, times = self._world.clock, self._world.times
        self._until = clock.now + STREAM_TIMEOUT_SECONDS - RESERVE_SECONDS
        yield clock.timeout(times.fan_out)
        for change in batch:
            yield clock.timeout(math.ceil(change.subscribers / ROWS_PER_PAGE) * times.page)
            waiting = iter(range(change.subscribers))
            side_by_side = min(SIDE_BY_SIDE, change.subscribers)
            yield clock.all_of([clock.process(self._work(change, waiting)) for _ in range(side_by_side)])

    def _work(self, change: Change, waiting: Iterator[int]) -> Process:
        """Post to one subscriber after the other, until none waits."""
        world = self._world
        for _ in waiting:
            if world.clock.now > self._until:
                world.hand_over(change, 0.0)
                continue
            for attempt in itertools.count():
                yield from self._post()
                if world.account.admits(POST):
                    world.arrived(change)
                    break
                self._pacer.throttled()
                if attempt == retries(ThrottledError("too many", widespread=self._pacer.slowed), hurried=True):
                    world.hand_over(change, float(SLOW_SECONDS))
                    break
                yield world.clock.timeout(pause_seconds(attempt, world.chance.random()))

    def _post(self) -> Process:
        world = self._world
        if pause := self._pacer.take():
            yield world.clock.timeout(pause)
        with self._processor.request() as turn:
            yield turn
            yield world.clock.timeout(world.times.processor)
        yield world.clock.timeout(world.varied(world.times.post))


def catch_up(world: "World", change: Change, seconds: float) -> Process:
    """A worker, reminded after so many seconds, and again each time that it is refused."""
    clock, began = world.clock, world.clock.now
    while True:
        yield clock.timeout(seconds)
        with world.workers.request() as turn:
            yield turn
            yield clock.timeout(world.varied(world.times.worker))
            for attempt in range(RETRIES + 1):
                yield clock.timeout(world.varied(world.times.post))
                if world.account.admits(POST):
                    world.arrived(change)
                    return
                yield clock.timeout(pause_seconds(attempt, world.chance.random()))
        seconds = min(float(LONGEST_SECONDS), max(float(SLOW_SECONDS), clock.now - began))
