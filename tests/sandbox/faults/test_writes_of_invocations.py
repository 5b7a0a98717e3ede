"""Which write of an invocation a request is; one process and two invocations, without a sandbox."""

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer, AwsClient
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.faults.index_lag import LaggingIndexes
from sandbox.faults.requests import RequestFaults
from sandbox.faults.workers import Worker, Workers
from sandbox.streams.removals import Removals

DONE = Answer(200, CIMultiDictProxy(CIMultiDict[str]()), b"{}")


class OneWorker(Workers):
    """A process that runs for ever, and says which invocation it is in."""

    def __init__(self, emulator: AwsClient, pid: int) -> None:
        super().__init__(emulator)
        self.worker, self.invocation = Worker(pid, "todo"), "first"

    def behind(self, transport: asyncio.BaseTransport | None) -> Worker | None:
        """It alone sends requests."""
        return None if transport is None else self.worker

    async def invocation_of(self, worker: Worker) -> str | None:
        """As the test has set it."""
        return self.invocation if worker == self.worker else None


@contextlib.contextmanager
def process() -> Iterator[subprocess.Popen[bytes]]:
    """One that ends only when it is killed."""
    with subprocess.Popen(["sleep", "infinity"]) as running:
        try:
            yield running
        finally:
            running.kill()


def put() -> web.BaseRequest:
    """A request that writes one item."""
    return make_mocked_request("POST", "/", headers={"X-Amz-Target": "DynamoDB_20120810.PutItem"})


@pytest.mark.parametrize(("fault", "settings"), [("killed-before", {}), ("killed-during", {"writes": 2})])
def test_an_invocation_that_follows_at_once_has_writes_of_its_own(fault: str, settings: dict[str, Any]) -> None:
    """Though its process was never seen to be idle, the second invocation's first write is a first one."""

    async def main(pid: int) -> list[bool]:
        emulator = AwsClient(cast("Any", None), "")
        faults, clock, workers = Faults(), Clock(), OneWorker(emulator, pid)
        requests = RequestFaults(faults, workers, LaggingIndexes(faults, clock, emulator, Removals()))
        made: list[bool] = []

        async def send() -> Answer:
            made.append(workers.worker.alive)
            return DONE

        async def write() -> None:
            await requests.send(put(), b'{"TableName": "t"}', send, account="000000000000", region="us-east-1")

        faults.set("killed-during", {"writes": 9})
        await write()
        faults.set(fault, {"count": 1, **settings})
        workers.invocation = "second"
        await write()
        if fault == "killed-during":
            await write()
        return made

    with process() as running:
        assert asyncio.run(main(running.pid)) == [True] * (1 if fault == "killed-before" else 3)
        assert running.wait(10) == -9
