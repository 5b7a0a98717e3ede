"""The sandbox's clock: real time, unless somebody turns it.

Every limit of API Gateway and every window of a mapping is measured on it, so that two hours can pass at once.
Credentials and signatures keep real time: clients and functions sign with clocks of their own, which nobody turns.
"""

import asyncio
import contextlib
import heapq
import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import Final

SETTLE_TURNS: Final = 10
"""Turns of the event loop that what a timer woke is given before time goes on."""
HOLD_SECONDS: Final = 10.0
"""Real time for which a piece of work holds time at most: one that itself waits for the clock must not stop it.

Generous, because a slow machine must not change what happens: an invocation takes seconds there.
"""


class Timer:
    """A callback that runs once, at a time of the sandbox's clock."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.pending = True


class Clock:
    """Seconds since the epoch, plus what was added by turning it; belongs to the running event loop.

    Args:
        hold_seconds: See ``HOLD_SECONDS``.
    """

    def __init__(self, hold_seconds: float = HOLD_SECONDS) -> None:
        self._hold_seconds = hold_seconds
        self._offset = 0.0
        self._turns: list[tuple[float, float]] = []
        self._queue: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._cancelled = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._turning = asyncio.Lock()
        self._followers: list[Callable[[float], None]] = []
        self._under_way: dict[int, float] = {}
        self._ended = asyncio.Event()

    @property
    def offset(self) -> float:
        """Seconds by which the clock has been turned."""
        return self._offset

    def now(self) -> float:
        """Seconds since the epoch on this clock."""
        return time.time() + self._offset

    def now_ms(self) -> int:
        """Milliseconds since the epoch on this clock."""
        return int(self.now() * 1000)

    def at(self, real_seconds: float) -> float:
        """What this clock showed at a moment of real time; what was turned since does not count."""
        offsets = (offset for turned, offset in reversed(self._turns) if turned <= real_seconds)
        return real_seconds + next(offsets, 0.0)

    def follow(self, follower: Callable[[float], None]) -> None:
        """Tell ``follower`` the offset whenever the clock has been turned, before anything that fell due runs."""
        self._followers.append(follower)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` when the clock shows ``when`` (soon, if it already does)."""
        timer = Timer(when, callback)
        # The number keeps timers of one time in their order, and the heap from comparing timers.
        heapq.heappush(self._queue, (when, next(self._numbers), timer))
        if self._queue[0][2] is timer:
            self._set_alarm()
        return timer

    def cancel(self, timer: Timer) -> None:
        """Forget a timer; one that has run already is no mistake."""
        if not timer.pending:
            return
        timer.pending = False
        self._cancelled += 1
        if (
            self._cancelled > len(self._queue) // 2
        ):  # thousands of sockets leave theirs behind, hours before they are due
            self._queue = [entry for entry in self._queue if entry[2].pending]
            heapq.heapify(self._queue)
            self._cancelled = 0

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved on by ``seconds``."""
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_at(self.now() + seconds, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            self.cancel(timer)

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Hold time while something runs whose end arms the next timer, such as an invocation with retries."""
        piece = next(self._numbers)
        self._under_way[piece] = time.monotonic()
        try:
            yield
        finally:
            del self._under_way[piece]
            self._ended.set()

    def advance(self, seconds: float) -> None:
        """Turn the clock forward from timer to timer, each at its own time, also those that earlier ones armed.

        What they wake gets its turn afterwards, when the clock already shows the end; see ``pass_time``.
        """
        for _ in self._steps(seconds):
            pass

    async def pass_time(self, seconds: float) -> None:
        """Turn the clock forward as if the time had passed: between two timers, what the first one woke is let run.

        Returns when everything that fell due has been started.
        """
        async with self._turning:
            await self._settle()
            for _ in self._steps(seconds):
                await self._settle()

    def _steps(self, seconds: float) -> Iterator[None]:
        """Turn the clock to each due timer and run it; real time that passes meanwhile comes on top."""
        end = self._offset + seconds
        while (timer := self._next()) is not None and timer.when <= time.time() + end:
            self._turn_to(min(end, timer.when - time.time()))
            self._run(timer)
            yield
        self._turn_to(end)
        self._set_alarm()

    def _turn_to(self, offset: float) -> None:
        if offset > self._offset:
            self._offset = offset
            self._turns.append((time.time(), offset))
            for follower in self._followers:
                follower(offset)

    async def _settle(self) -> None:
        """Let what was woken run, and wait for work: so long for each piece, and for all that follow each other."""
        patience_ends = time.monotonic() + self._hold_seconds
        while True:
            self._ended.clear()
            for _ in range(SETTLE_TURNS):
                await asyncio.sleep(0)
            last = max(self._under_way.values(), default=-math.inf) + self._hold_seconds
            left = min(patience_ends, last) - time.monotonic()
            if left <= 0:
                return
            with contextlib.suppress(TimeoutError):  # one piece of work may hand over to the next
                async with asyncio.timeout(left):
                    await self._ended.wait()

    def _next(self) -> Timer | None:
        """The timer that falls due first; cancelled ones on the way are dropped."""
        while self._queue and not self._queue[0][2].pending:
            heapq.heappop(self._queue)
            self._cancelled -= 1
        return self._queue[0][2] if self._queue else None

    def _run(self, timer: Timer) -> None:
        """Run the timer at the head of the queue; a callback that raises does not stop the clock."""
        heapq.heappop(self._queue)
        timer.pending = False
        try:
            timer.callback()
        except Exception as error:  # as the event loop does with its own callbacks
            context = {"message": "A timer of the sandbox's clock failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def _set_alarm(self) -> None:
        """One timer of the event loop stands for all of ours."""
        if self._alarm is not None:
            self._alarm.cancel()
        timer = self._next()
        loop = asyncio.get_running_loop()
        if timer is None:
            self._alarm = None
        else:
            self._alarm = loop.call_at(loop.time() + timer.when - self.now(), self._run_due)

    def _run_due(self) -> None:
        now = self.now()
        while (timer := self._next()) is not None and timer.when <= now:
            self._run(timer)
        self._set_alarm()
