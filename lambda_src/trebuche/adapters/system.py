"""Time, chance and log of the machine it runs on."""

import importlib
import random
import sys
import time
import uuid
from contextlib import suppress
from typing import Final

_CHANCE: Final = random.SystemRandom()
"""Containers that are thawed from one snapshot must not share their chance."""


def reseed_when_restored() -> None:
    """Have environments that are restored from one snapshot draw different numbers, where each would draw the same.

    Not for the runtime itself, which asks the operating system, but for botocore: it draws the pauses between attempts
    from the interpreter's common chance. The hooks are part of Lambda's Python, from the versions that have SnapStart.
    """
    with suppress(ModuleNotFoundError):
        importlib.import_module("snapshot_restore_py").register_after_restore(random.seed)


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
        # Lambda freezes the process once it has answered: what is in a buffer then comes late, or never.
        sys.stdout.flush()
