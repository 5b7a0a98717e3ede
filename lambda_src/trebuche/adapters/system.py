"""Time, chance and log of the machine it runs on."""

import importlib
import random
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_CHANCE: Final = random.SystemRandom()
"""Containers that are thawed from one snapshot must not share their chance."""


def when_restored(*hooks: Callable[[], object]) -> None:
    """Have environments that are restored from one snapshot make anew what each would else have the same of.

    Chance, for one: the runtime itself asks the operating system, but botocore draws the pauses between attempts from
    the interpreter's common chance. And sockets, which belong to whoever made the snapshot. The hooks are part of
    Lambda's Python, from the versions that have SnapStart.
    """
    with suppress(ModuleNotFoundError):
        register = importlib.import_module("snapshot_restore_py").register_after_restore
        for hook in hooks:
            register(hook)


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    async def rest(self, seconds: float) -> None:
        """Let others go on meanwhile."""
        from asyncio import sleep

        await sleep(seconds)


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
