"""The sandbox's clock: real time, unless somebody turns it.

Every limit of API Gateway and every window of a mapping is measured on it, so that two hours can pass at once.
"""

import asyncio
import time
from collections.abc import Callable


class Timer:
    """A callback that runs once, at a time of the sandbox's clock."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.handle: asyncio.TimerHandle | None = None


class Clock:
    """Seconds since the epoch, plus what ``advance`` added; belongs to the running event loop."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._timers: set[Timer] = set()

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

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` when the clock shows ``when`` (at once, if it already does)."""
        timer = Timer(when, callback)
        self._timers.add(timer)
        self._arm(timer)
        return timer

    def cancel(self, timer: Timer) -> None:
        """Forget a timer; one that has run already is no mistake."""
        self._timers.discard(timer)
        if timer.handle is not None:
            timer.handle.cancel()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved on by ``seconds``."""
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_at(self.now() + seconds, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            self.cancel(timer)

    def advance(self, seconds: float) -> None:
        """Turn the clock forward; what falls due runs in the order of its time."""
        self._offset += seconds
        for timer in self._timers:
            if timer.handle is not None:
                timer.handle.cancel()
            self._arm(timer)

    def _arm(self, timer: Timer) -> None:
        loop = asyncio.get_running_loop()
        timer.handle = loop.call_at(loop.time() + timer.when - self.now(), self._fire, timer)

    def _fire(self, timer: Timer) -> None:
        self._timers.discard(timer)
        timer.callback()
