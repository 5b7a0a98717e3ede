"""A scheduler without threads: whatever can happen next, one thing drawn by chance does; on a clock of its own."""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Final, Protocol, TypeAlias

Action: TypeAlias = Callable[[], None]

START_MS: Final = 1_767_225_600_000
MOST_STEPS: Final = 50_000
LONGEST_INTERRUPTION: Final = 40
"""In steps."""


class LivelockError(Exception):
    """A schedule that does not come to rest."""


class Scheduler(Protocol):
    """When things happen; what clients and histories need of it.

    Attributes:
        random: Decides what is left open.
    """

    random: Random

    @property
    def now_ms(self) -> int:
        """Milliseconds since the epoch."""

    @property
    def steps(self) -> int:
        """A number that rises with whatever happens: the order of events."""

    def later(self, milliseconds: int, action: Action) -> None:
        """Let something happen not before a time."""


class Engine:
    """What is ready, what waits for a time, and the time.

    Args:
        random: Decides; the same seed gives the same schedule.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now_ms = START_MS
        self.steps = 0
        self._chance = random.random
        self._interrupted = False
        self._ready: list[Action] = []
        self._timers: list[tuple[int, int, Action]] = []
        self._timers_made = 0

    def soon(self, action: Action) -> None:
        """Let something happen at any time from now on, before or after anything else that is ready."""
        self._ready.append(action)

    def later(self, milliseconds: int, action: Action) -> None:
        """Let something happen not before a time."""
        self._timers_made += 1
        heappush(self._timers, (self.now_ms + milliseconds, self._timers_made, action))

    def interrupted(self) -> None:
        """Let some of what is ready happen in the middle of what happens now; mostly little or nothing."""
        if self._interrupted:
            return
        self._interrupted = True
        for _ in range(int(self._chance() ** 8 * LONGEST_INTERRUPTION)):
            if self._ready:
                self._step()
        self._interrupted = False

    def run(self) -> None:
        """Go on until nothing is left to happen.

        Raises:
            LivelockError: It does not end.
        """
        ready, timers = self._ready, self._timers
        while ready or timers:
            while timers and (not ready or timers[0][0] <= self.now_ms):
                due, _, action = heappop(timers)
                self.now_ms = max(self.now_ms, due)
                ready.append(action)
            self._step()

    def _step(self) -> None:
        ready = self._ready
        drawn = int(self._chance() * len(ready))
        action = ready[drawn]
        # The last one takes its place: the order of the list means nothing.
        ready[drawn] = ready[-1]
        ready.pop()
        # Each step takes a millisecond, so that timers fall due between any two of them.
        self.now_ms += 1
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise LivelockError(f"not at rest after {MOST_STEPS} steps")
        action()
