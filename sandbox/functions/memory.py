"""Ends functions that take more memory than they were given, as Lambda does.

The emulator gives its worker processes no limit. They tell in their environment how much memory their function has.
What they really use is looked at often; only what comes and goes between two looks stays unseen.
"""

import asyncio
import contextlib
import os
import resource
import signal
from typing import Final

from sandbox.processes import children, read

LOOK_SECONDS: Final = 0.1
_SIZE: Final = b"AWS_LAMBDA_FUNCTION_MEMORY_SIZE="
_MB: Final = 1024 * 1024
_PAGE: Final = resource.getpagesize()


class MemoryWatch:
    """Watches the functions' processes.

    Args:
        emulator_pid: Whose children they are.
    """

    def __init__(self, emulator_pid: int) -> None:
        self._emulator = emulator_pid
        self._limits: dict[int, int] = {}

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """End every process that is over its limit."""
        pids = set(children(self._emulator))
        self._limits = {pid: limit for pid, limit in self._limits.items() if pid in pids}
        for pid in pids:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if _used(pid) > self._limit(pid):
                    os.kill(pid, signal.SIGKILL)

    def _limit(self, pid: int) -> float:
        """Bytes; a process that does not say, or not yet, has none."""
        if pid not in self._limits:
            variables = read(f"/proc/{pid}/environ").split(b"\0")
            sizes = [variable.removeprefix(_SIZE) for variable in variables if variable.startswith(_SIZE)]
            if not sizes:
                return float("inf")
            self._limits[pid] = int(sizes[0]) * _MB
        return self._limits[pid]


def _used(pid: int) -> int:
    """Bytes in memory."""
    return int(read(f"/proc/{pid}/statm").split()[1]) * _PAGE
