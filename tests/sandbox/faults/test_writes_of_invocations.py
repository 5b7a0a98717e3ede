"""Which write of an invocation a request is; one process and two invocations, without a sandbox."""

import asyncio
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
    """A function that never ends unless it is killed, and says which invocation it is in."""

    def __init__(self, emulator: AwsClient) -> None:
        super().__init__(emulator)
        self.invocation = "first"
        self.killed: list[str] = []
        self.dies = asyncio.Event()

    async def behind(self, transport: asyncio.BaseTransport | None) -> Worker | None:
        """It alone sends requests."""
        return None if transport is None else Worker(1, "todo", self.invocation)

    async def kill(self, worker: Worker) -> None:
        """It is gone when the test says so."""
        self.killed.append(worker.invocation)
        await self.dies.wait()


def put() -> web.BaseRequest:
    """A request that writes one item."""
    return make_mocked_request("POST", "/", headers={"X-Amz-Target": "DynamoDB_20120810.PutItem"})


@pytest.mark.parametrize(("fault", "settings"), [("killed-before", {}), ("killed-during", {"writes": 2})])
def test_an_invocation_that_follows_at_once_has_writes_of_its_own(fault: str, settings: dict[str, Any]) -> None:
    """Though its process was never seen to be idle, the second invocation's first write is a first one."""

    async def main() -> tuple[int, list[str]]:
        requests, faults, worker = one_worker()
        worker.dies.set()
        faults.set("killed-during", {"writes": 9})
        made = await write(requests)
        faults.set(fault, {"count": 1, **settings})
        worker.invocation = "second"
        made += await write(requests)
        if fault == "killed-during":
            made += await write(requests)
        return made, worker.killed

    assert asyncio.run(main()) == (1 if fault == "killed-before" else 3, ["second"])


@pytest.mark.parametrize(("fault", "done"), [("killed-before", 0), ("killed-during", 1)])
def test_nothing_happens_any_more_once_a_function_is_to_die(fault: str, done: int) -> None:
    """A write gets no answer before its process is gone, and what another thread writes meanwhile is not done."""

    async def main() -> None:
        requests, faults, worker = one_worker()
        faults.set(fault, {"count": 1})
        first = asyncio.create_task(write(requests))
        while not worker.killed:
            await asyncio.sleep(0)
        assert await write(requests) == 0
        assert not first.done()
        worker.dies.set()
        assert await first == done

    asyncio.run(main())


def one_worker() -> tuple[RequestFaults, Faults, OneWorker]:
    """Faults of one function's requests."""
    emulator, faults = AwsClient(cast("Any", None), ""), Faults()
    worker = OneWorker(emulator)
    return RequestFaults(faults, worker, LaggingIndexes(faults, Clock(), emulator, Removals())), faults, worker


async def write(requests: RequestFaults) -> int:
    """How many writes came of one request to write."""
    made = []

    async def send() -> Answer:
        made.append(DONE)
        return DONE

    await requests.send(put(), b'{"TableName": "t"}', send, account="000000000000", region="us-east-1")
    return len(made)
