"""The processes that functions run in: which one has sent a request, for which invocation, and how it ends.

Lambda's worker is a process of this machine here, so "killed" means killed. Linux's ``/proc`` tells who is at the
other end of a connection and who waits; what a worker runs just now, the emulator tells.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from sandbox.aws import DEFAULT_REGION, AwsClient
from sandbox.processes import descendants, read

_PROC: Final = Path("/proc")
_NAME: Final = b"AWS_LAMBDA_FUNCTION_NAME="
DEATH_SECONDS: Final = 0.5
DEATH_PAUSE_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs a function, one invocation at a time."""

    pid: int
    function: str

    @property
    def idle(self) -> bool:
        """Whether it waits for its next event, which comes through a pipe (or is gone)."""
        try:
            return "pipe" in (_PROC / str(self.pid) / "wchan").read_text()
        except OSError:
            return True

    @property
    def alive(self) -> bool:
        """Whether the process still runs; one that only waits to be collected does not."""
        try:
            # The name before it may itself hold blanks and brackets (proc(5)).
            return (_PROC / str(self.pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def kill(self) -> None:
        """End the process as a machine that fails does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Workers:
    """The workers of one emulator.

    Args:
        aws: Reaches the emulator.
        emulator_pid: Its process, whose children they are: no other process of this machine is looked at, let alone
            killed. None: there is no such process, and no workers.
    """

    def __init__(self, aws: AwsClient, emulator_pid: int | None = None) -> None:
        self._aws = aws
        self._emulator = emulator_pid
        self._known: WeakKeyDictionary[asyncio.BaseTransport, Worker] = WeakKeyDictionary()

    def behind(self, transport: asyncio.BaseTransport | None) -> Worker | None:
        """The worker at the other end of a connection; None when somebody else is there."""
        if transport is None:
            return None
        # A look through /proc is slow, and a connection never changes hands.
        if (known := self._known.get(transport)) is not None:
            return known
        inode = _inode_of(transport.get_extra_info("peername")[1])
        found = next((worker for worker in self._all() if _holds(worker.pid, inode)), None) if inode else None
        if found is not None:
            self._known[transport] = found
        return found

    async def invocation_of(self, worker: Worker) -> str | None:
        """Request id of the invocation that a worker serves now; None between two of them.

        Raises:
            aiohttp.ClientError: The emulator cannot be reached.
        """
        # By the emulator, which gives a worker its next event only when it has the answer to the one before: no look
        # at the process tells two invocations apart that follow at once.
        running = await self._aws.call("AmazonSQS.SandboxListInvocations", {}, service="sqs", region=DEFAULT_REGION)
        return running.get(str(worker.pid))

    async def kill_idle(self, function: str) -> None:
        """End the processes of a function that wait for their next event, and return when they are gone.

        One of them has run the last invocation; which one, nobody tells. The emulator starts others when it needs them.
        """
        deadline = asyncio.get_running_loop().time() + DEATH_SECONDS
        while not (idle := [one for one in self._all() if one.function == function and one.idle]):
            if asyncio.get_running_loop().time() > deadline:  # it runs elsewhere already, or is gone
                return
            await asyncio.sleep(DEATH_PAUSE_SECONDS)
        for worker in idle:
            worker.kill()
        while any(worker.alive for worker in idle):
            await asyncio.sleep(DEATH_PAUSE_SECONDS)

    def _all(self) -> Iterator[Worker]:
        for pid in () if self._emulator is None else descendants(self._emulator):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                variables = read(f"/proc/{pid}/environ").split(b"\0")
                names = [entry.removeprefix(_NAME) for entry in variables if entry.startswith(_NAME)]
                if names:
                    yield Worker(pid, names[0].decode())


def _inode_of(port: int) -> str | None:
    """The inode of the connection whose local end has this port, seen from the client's side."""
    for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        # Address and port are in hexadecimal (proc(5)).
        if fields[1].endswith(f":{port:04X}"):
            return fields[9]
    return None


def _holds(pid: int, inode: str) -> bool:
    wanted = f"socket:[{inode}]"
    try:
        return any(str(entry.readlink()) == wanted for entry in (_PROC / str(pid) / "fd").iterdir())
    except OSError:
        return False
