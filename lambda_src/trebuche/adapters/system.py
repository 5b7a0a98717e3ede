"""Time, chance and log of the machine it runs on."""

import random
import sys
import time
import uuid
from typing import Final

_CHANCE: Final = random.SystemRandom()
"""Containers that are thawed from one snapshot must not share their chance."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


class SystemEntropy:
    """The machine's randomness."""

    def uuid(self) -> uuid.UUID:
        """A new random UUID."""
        return uuid.uuid4()

    def fraction(self) -> float:
        """A number from 0 up to 1."""
        return _CHANCE.random()


class StandardOutput:
    """The function's log: Lambda takes each line of standard output for a record."""

    def write(self, line: str) -> None:
        """Write one line at once."""
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
