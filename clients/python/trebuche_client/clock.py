"""The time a client lives by, so that a test can turn it."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that only rise, and waiting by them."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    def epoch(self) -> float:
        """Seconds since 1970, by which tokens expire."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The time of the event loop."""

    def now(self) -> float:
        """Seconds of the running loop's clock."""
        return asyncio.get_running_loop().time()

    def epoch(self) -> float:
        """The machine's time of day."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(seconds)
