"""Faults of requests on their way to the emulator: throttled tables, functions that are killed around a write."""

from typing import Final

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer
from sandbox.faults.dynamodb import ItemsRequest
from sandbox.faults.faults import Faults
from sandbox.faults.index_lag import LaggingIndexes, Send
from sandbox.faults.throttling import throttled
from sandbox.faults.workers import Worker, Workers

KILLS: Final = ("killed-before", "killed-during")
"""Faults for which writes are counted: each costs a question to the emulator while one of them is on."""
NOBODY_READS: Final = Answer(500, CIMultiDictProxy(CIMultiDict()), b"")


class RequestFaults:
    """Stands in the way of requests while any fault is on.

    Args:
        faults: Which ones.
        workers: The processes that functions run in.
        indexes: Those that are behind.
    """

    def __init__(self, faults: Faults, workers: Workers, indexes: LaggingIndexes) -> None:
        self._faults = faults
        self._indexes = indexes
        self._workers = workers
        self._writes: dict[Worker, tuple[str, int]] = {}

    async def send(self, request: web.BaseRequest, body: bytes, send: Send, *, account: str, region: str) -> Answer:
        """Answer one request to an account in a region: as the faults say, or as ``send`` does."""
        items = ItemsRequest.read(request.headers, body)
        if items is None:
            return await send()
        # In an order of their own: chances are drawn by a seed.
        struck = {table for table in sorted(set(items.tables)) if self._throttles(items.operation, table)}
        if struck:
            return throttled(items, struck)

        async def send_on() -> Answer:
            return await self._indexes.send(items, account=account, region=region, send=send)

        if items.writes and (worker := self._workers.behind(request.transport)) is not None:
            return await self._write(worker, send_on)
        return await send_on()

    def _throttles(self, operation: str, table: str) -> bool:
        return self._faults.take("throttled-table", table=table, operation=operation) is not None

    async def _write(self, worker: Worker, send: Send) -> Answer:
        """One write of a function, which may not live to see what came of it."""
        if (number := await self._number(worker)) is None:
            return await send()
        if number == 1 and self._faults.take("killed-before", function=worker.function):
            worker.kill()
            return NOBODY_READS
        answer = await send()
        # Only the write of this number is an opportunity, so that rate and count speak of invocations.
        fault = self._faults.find("killed-during", function=worker.function)
        if fault is not None and number == int(fault.parameters["writes"]) and fault.strikes():
            worker.kill()
        return answer

    async def _number(self, worker: Worker) -> int | None:
        """Which write of its invocation this is, from 1; None when it does not count."""
        if not any(self._faults.find(name, function=worker.function) for name in KILLS):
            return None
        invocation = await self._workers.invocation_of(worker)
        if invocation is None:  # a thread goes on after its function has returned
            return None
        counted, writes = self._writes.get(worker, (invocation, 0))
        number = writes + 1 if counted == invocation else 1
        self._writes[worker] = invocation, number
        return number
