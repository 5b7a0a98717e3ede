"""Indexes that are behind their tables: what a write has changed shows in a global secondary index only later.

While the fault is on for a table, its writes are taken one after the other, and what each has left of its items is
noted with the time at which the indexes are to show it. A query of an index is answered by a copy of the table to which
the writes that are due have been made. So the emulator itself evaluates conditions, filters and pages.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from sandbox.aws import Answer, AwsClient, AwsRefusedError, Json
from sandbox.clock import Clock
from sandbox.faults.dynamodb import STATEMENTS, TARGET, ItemsRequest, table_name
from sandbox.faults.faults import Fault, Faults
from sandbox.faults.replica import Replica, Write, shape_of
from sandbox.streams.removals import Removals, TableId

NAME: Final = "index-lag"
Send = Callable[[], Awaitable[Answer]]


class LaggingIndexes:
    """The tables whose indexes are behind.

    Args:
        faults: Say which.
        clock: Measures the lag.
        aws: Reaches the emulator as an account's root.
        removals: Tell what time to live deletes.
    """

    def __init__(self, faults: Faults, clock: Clock, aws: AwsClient, removals: Removals) -> None:
        self._faults = faults
        self._clock = clock
        self._aws = aws
        self._removals = removals
        self._replicas: dict[TableId, tuple[Fault, Replica]] = {}
        self._locks: defaultdict[TableId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, items: ItemsRequest, *, account: str, region: str, send: Send) -> Answer:
        """Answer a request for items of an account in a region as ``send`` does, or as its index was."""
        tables = sorted({TableId(account, region, name) for name in items.tables if self._lags(name)})
        if not tables or not (items.writes or "IndexName" in items.document):
            return await send()
        async with contextlib.AsyncExitStack() as stack:
            for table in tables:  # all in one order, so that two transactions never wait for each other
                await stack.enter_async_context(self._locks[table])
            # Before the write: a copy holds the table as the indexes still show it.
            made = {table.name: await self._replica(table) for table in tables}
            behind = {name: replica for name, replica in made.items() if replica is not None}
            answer = await send()
            if answer.status == 200:
                answer = await self._follow(items, behind, answer)
        return answer

    def _lags(self, table: str) -> bool:
        return self._faults.find(NAME, table=table) is not None

    async def _follow(self, items: ItemsRequest, behind: dict[str, Replica], answer: Answer) -> Answer:
        if items.writes:
            for name, replica in behind.items():
                await self._note(items, name, replica)
            return answer
        asked = behind.get(items.tables[0])
        if asked is None or not asked.has_index(items.document["IndexName"]):
            return answer
        await asked.catch_up(self._clock.now())
        return await asked.answer(items.operation, items.document, answer)

    async def _note(self, items: ItemsRequest, table: str, replica: Replica) -> None:
        written = [part for name, part in _written(items.document) if table_name(name) == table]
        keys = [part.get("Key") or replica.key_of(part["Item"]) for part in written]
        # PartiQL names no keys that could be read off: what differs has been written.
        if items.operation in STATEMENTS:
            keys = await replica.touched_by_anything()
        for key in keys:
            await replica.note(key, self._due(table))
        await replica.catch_up(self._clock.now())

    def _due(self, table: str) -> float:
        """When the indexes show what is written now; each item written is an opportunity of the fault."""
        fault = self._faults.take(NAME, table=table)
        return self._clock.now() + (fault.parameters["seconds"] if fault else 0.0)

    async def _replica(self, table: TableId) -> Replica | None:
        """The table's copy, made when it is first needed; None while there is no such table."""
        fault = self._faults.find(NAME, table=table.name)
        try:
            answer = await self._aws.call(
                f"{TARGET}DescribeTable",
                {"TableName": table.name},
                service="dynamodb",
                region=table.region,
                account=table.account,
            )
        except AwsRefusedError:
            return None
        known = self._replicas.get(table)
        # A fault that was set anew begins with a new copy, and what waited is forgotten.
        if fault is None or (known and known[0] is fault and known[1].shape == shape_of(answer["Table"])):
            return known[1] if fault and known else None
        if known:
            await known[1].drop()
        replica = await Replica.make(self._aws, table, answer["Table"])
        self._replicas[table] = (fault, replica)
        self._removals.of(table).watch(lambda key: self._removed(table, key))
        return replica

    def _removed(self, table: TableId, key: Json) -> None:
        """Time to live has deleted an item."""
        fault, replica = self._replicas[table]
        if self._faults.find(NAME, table=table.name) is fault:
            replica.expect(Write(self._due(table.name), key, None))


def _written(document: Json) -> Iterator[tuple[str, Json]]:
    """Table and ``Key`` or ``Item`` of each part that names what it writes; statements do not."""
    if "TableName" in document:
        yield document["TableName"], document
    for name, requests in (document.get("RequestItems") or {}).items():
        for request in requests:
            yield name, next(iter(request.values()))
    for part in document.get("TransactItems") or ():
        for kind, inner in part.items():
            if kind != "ConditionCheck":
                yield inner["TableName"], inner
