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
        self._writes: dict[int, tuple[str, int]] = {}
        self._doomed: set[str] = set()

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

        if items.writes and any(map(self._faults.is_set, KILLS)):
            return await self._write(request, send_on)
        return await send_on()

    def _throttles(self, operation: str, table: str) -> bool:
        return self._faults.take("throttled-table", table=table, operation=operation) is not None

    async def _write(self, request: web.BaseRequest, send: Send) -> Answer:
        """One write, perhaps of a function, which may not live to see what came of it."""
        worker = await self._workers.behind(request.transport)
        if worker is None or not any(self._faults.find(name, function=worker.function) for name in KILLS):
            return await send()
        if worker.invocation in self._doomed:  # another of its threads writes while it is being killed
            return NOBODY_READS
        number = self._number(worker)
        if number == 1 and self._faults.take("killed-before", function=worker.function):
            await self._kill(worker)
            return NOBODY_READS
        answer = await send()
        # Only the write of this number is an opportunity, so that rate and count speak of invocations.
        fault = self._faults.find("killed-during", function=worker.function)
        if fault is not None and number == int(fault.parameters["writes"]) and fault.strikes():
            await self._kill(worker)
        return answer

    async def _kill(self, worker: Worker) -> None:
        """Return when the process is gone: it must not get an answer, and go on."""
        self._doomed.add(worker.invocation)
        await self._workers.kill(worker)

    def _number(self, worker: Worker) -> int:
        """Which write of its invocation this is, from 1."""
        counted, writes = self._writes.get(worker.pid, (worker.invocation, 0))
        number = writes + 1 if counted == worker.invocation else 1
        self._writes[worker.pid] = worker.invocation, number
        return number
