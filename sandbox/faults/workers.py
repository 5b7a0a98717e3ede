"""The processes that functions run in: which one has sent a request, for which invocation, and how it ends.

Lambda's worker is a process of this machine here, so "killed" means killed. The emulator tells which processes serve
an invocation, and ends them; Linux's ``/proc`` tells which one is at the other end of a connection. A list of the
emulator's children by ``/proc`` would not do: it is not read at one moment, and misses some while threads end.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from sandbox.aws import ACCOUNT, DEFAULT_REGION, AwsClient, Json
from sandbox.processes import descendants

_PROC: Final = Path("/proc")
LOOKS: Final = 3
"""The kernel's list of connections is read in pieces: one that stays can be missed when others end, not every time."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that serves an invocation."""

    pid: int
    function: str
    invocation: str


class Workers:
    """The workers of one emulator, and of no other.

    Args:
        aws: Reaches the emulator.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws
        self._known: WeakKeyDictionary[asyncio.BaseTransport, int] = WeakKeyDictionary()

    async def behind(self, transport: asyncio.BaseTransport | None) -> Worker | None:
        """The worker at the other end of a connection, with what it runs now; None when somebody else is there.

        Raises:
            aiohttp.ClientError: The emulator cannot be reached.
        """
        if transport is None:
            return None
        serving = await self._call("SandboxListInvocations", {})
        # A look through /proc is slow, and a connection never changes hands.
        if transport not in self._known:
            ports = (transport.get_extra_info("peername")[1], transport.get_extra_info("sockname")[1])
            pid = _holder(*ports, serving)
            if pid is None:
                return None
            self._known[transport] = pid
        pid = self._known[transport]
        found = serving.get(str(pid))
        return Worker(pid, found["FunctionName"], found["RequestId"]) if found else None

    async def kill(self, worker: Worker) -> None:
        """End the process of an invocation as a machine that fails does, and return when it is gone."""
        await self._call("SandboxKillInvocation", {"RequestId": worker.invocation})

    async def kill_idle(self, function: str, *, region: str, account: str) -> None:
        """End the processes of a function that wait for their next event, and return when they are gone.

        One of them has run the last invocation; which one, nobody tells. The emulator starts others when it needs them.
        """
        await self._call("SandboxKillIdle", {"FunctionName": function}, region=region, account=account)

    async def _call(self, action: str, request: Json, *, region: str = DEFAULT_REGION, account: str = ACCOUNT) -> Json:
        return await self._aws.call(f"AmazonSQS.{action}", request, service="sqs", region=region, account=account)


def _holder(client: int, server: int, serving: Mapping[str, Json]) -> int | None:
    """The serving process that holds the client's end of a connection between two ports, itself or by a child."""
    inode = next(filter(None, (_inode_of(client, server) for _ in range(LOOKS))), None)
    if inode is None:
        return None
    pids = map(int, serving)
    return next((pid for pid in pids if any(_holds(one, inode) for one in (pid, *descendants(pid)))), None)


def _inode_of(client: int, server: int) -> str | None:
    """The inode of the client's end of a connection; its port alone may be that of connections to other servers too."""
    for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        # Address and port are in hexadecimal (proc(5)).
        if fields[1].endswith(f":{client:04X}") and fields[2].endswith(f":{server:04X}"):
            return fields[9]
    return None


def _holds(pid: int, inode: str) -> bool:
    wanted = f"socket:[{inode}]"
    try:
        return any(str(entry.readlink()) == wanted for entry in (_PROC / str(pid) / "fd").iterdir())
    except OSError:
        return False
