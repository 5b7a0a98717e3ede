"""Faults of requests on their way to the emulator: throttled tables, functions that are killed around a write."""

import asyncio
from collections import Counter
from typing import Final

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer
from sandbox.faults.dynamodb import ItemsRequest
from sandbox.faults.faults import Faults
from sandbox.faults.index_lag import LaggingIndexes, Send
from sandbox.faults.throttling import throttled
from sandbox.faults.workers import Worker, Workers

LOOK_SECONDS: Final = 0.002
"""How often a worker is looked at for the end of its invocation; the emulator pauses 5 ms before the next one."""
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
        self._writes: Counter[Worker] = Counter()
        self._watches: set[asyncio.Task[None]] = set()

    async def send(self, request: web.BaseRequest, body: bytes, send: Send, *, account: str, region: str) -> Answer:
        """Answer one request to an account in a region: as the faults say, or as ``send`` does."""
        items = ItemsRequest.read(request.headers, body)
        if items is None:
            return await send()
        struck = {table for table in set(items.tables) if self._throttles(items.operation, table)}
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
        first = worker not in self._writes
        self._writes[worker] += 1
        if first:
            self._watch(worker)
            if self._faults.take("killed-before", function=worker.function):
                worker.kill()
                return NOBODY_READS
        number = self._writes[worker]
        answer = await send()
        fault = self._faults.find("killed-during", function=worker.function)
        if fault is not None and number == int(fault.parameters["writes"]) and fault.strikes():
            worker.kill()
        return answer

    def _watch(self, worker: Worker) -> None:
        """Begin to count anew as soon as the invocation is over."""
        task = asyncio.create_task(self._until_idle(worker))
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    async def _until_idle(self, worker: Worker) -> None:
        while not worker.idle:
            await asyncio.sleep(LOOK_SECONDS)
        del self._writes[worker]
