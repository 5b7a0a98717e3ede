"""Deletes what has expired, and lets the stream's record say that it was the service.

It looks when a table was written to and when the next item falls due, never in vain: turning the clock by a day stops
at each of these times.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Final

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.clock import Clock, Timer
from sandbox.expiry.settings import TimeToLive
from sandbox.streams import Streams, TableId

OLDEST_SECONDS: Final = 5 * 365 * 86_400.0
"""An item that expired more than five years ago is kept, in case its attribute is no time at all (developer guide)."""
_CONDITION_FAILED: Final = "ConditionalCheckFailedException"


class Janitor:
    """Sweeps the tables whose items expire.

    Args:
        aws: Reads and deletes as the root of the table's account.
        clock: Says what has expired.
        settings: Which tables, and how late.
        streams: Get to know which deletions were the service's.
    """

    def __init__(self, aws: AwsClient, clock: Clock, settings: TimeToLive, streams: Streams) -> None:
        self._aws = aws
        self._clock = clock
        self._settings = settings
        self._streams = streams
        self._timer: Timer | None = None
        self._sweeps: set[asyncio.Task[None]] = set()
        self._sweeping = asyncio.Lock()

    def look(self) -> None:
        """A table may hold new items: look at them soon, but not after each write."""
        if self._settings.expiring():
            self._look_at(self._clock.now() + self._settings.delay_seconds)

    async def stop(self) -> None:
        """Sweep no more."""
        if self._timer is not None:
            self._clock.cancel(self._timer)
        for sweep in self._sweeps:
            sweep.cancel()
        await asyncio.gather(*self._sweeps, return_exceptions=True)

    def _look_at(self, when: float) -> None:
        if self._timer is not None and self._timer.pending:
            if self._timer.when <= when:
                return
            self._clock.cancel(self._timer)
        self._timer = self._clock.call_at(when, self._begin)

    def _begin(self) -> None:
        sweep = asyncio.create_task(self._sweep())
        self._sweeps.add(sweep)
        sweep.add_done_callback(self._sweeps.discard)

    async def _sweep(self) -> None:
        with self._clock.work():
            async with self._sweeping:
                for table, attribute in self._settings.expiring():
                    # Trouble with the emulator or a table that is just being deleted: the next write brings us back.
                    with contextlib.suppress(aiohttp.ClientError, TimeoutError, AwsRefusedError):
                        await self._sweep_table(table, attribute)
        self._streams.nudge()

    async def _sweep_table(self, table: TableId, attribute: str) -> None:
        keys = [part["AttributeName"] for part in (await self._describe(table))["KeySchema"]]
        async for item in self._items(table, attribute, keys):
            due = float(item[attribute]["N"]) + self._settings.delay_seconds
            if due > self._clock.now():
                self._look_at(due)
            else:
                await self._delete(table, attribute, keys, item)

    async def _delete(self, table: TableId, attribute: str, keys: list[str], item: Json) -> None:
        key = {name: item[name] for name in keys}
        request: Json = {
            "TableName": table.name,
            "Key": key,
            "ConditionExpression": "#time = :seen",  # somebody may have given it a longer life meanwhile
            "ExpressionAttributeNames": {"#time": attribute},
            "ExpressionAttributeValues": {":seen": item[attribute]},
        }
        ledger = self._streams.removals.of(table)
        async with ledger.lock:
            began = time.time()
            try:
                await self._call("DeleteItem", request, table)
            except AwsRefusedError as error:
                if error.code != _CONDITION_FAILED:
                    raise
            else:
                ledger.note(key, int(began * 1000), int(time.time() * 1000))

    async def _items(self, table: TableId, attribute: str, keys: list[str]) -> AsyncIterator[Json]:
        """Keys and times of the items that have a time, except the very old ones."""
        names = {f"#k{index}": name for index, name in enumerate([attribute, *keys])}
        request: Json = {
            "TableName": table.name,
            "ProjectionExpression": ", ".join(names),
            "FilterExpression": "attribute_type(#k0, :number) AND #k0 >= :oldest",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                ":number": {"S": "N"},
                ":oldest": {"N": str(int(self._clock.now() - OLDEST_SECONDS))},
            },
        }
        while True:
            page = await self._call("Scan", request, table)
            for item in page["Items"]:
                yield item
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    async def _describe(self, table: TableId) -> Json:
        description: Json = (await self._call("DescribeTable", {"TableName": table.name}, table))["Table"]
        return description

    async def _call(self, operation: str, request: Json, table: TableId) -> Json:
        target = f"DynamoDB_20120810.{operation}"
        return await self._aws.call(target, request, service="dynamodb", region=table.region, account=table.account)
