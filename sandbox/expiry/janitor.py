"""Deletes what has expired, and lets the stream's record say that it was the service.

It looks when tables were written to and at each table when its next item falls due, never in vain: turning the clock
by a day stops at each of these times.
"""

import asyncio
import contextlib
import math
import time
from typing import Final

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.clock import Clock, Timer
from sandbox.expiry.settings import TimeToLive
from sandbox.streams import Streams, TableId
from sandbox.telemetry.table_metrics import TableMetrics

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
        metrics: Count them.
    """

    def __init__(
        self, aws: AwsClient, clock: Clock, settings: TimeToLive, streams: Streams, metrics: TableMetrics
    ) -> None:
        self._aws = aws
        self._metrics = metrics
        self._clock = clock
        self._settings = settings
        self._streams = streams
        self._due: dict[TableId, float] = {}
        self._timer: Timer | None = None
        self._sweeps: set[asyncio.Task[None]] = set()
        self._sweeping = asyncio.Lock()

    def look(self) -> None:
        """A table may hold new items: look at them soon, but not after each write."""
        soon = self._clock.now() + self._settings.delay_seconds
        for table, _ in self._settings.expiring():
            self._look_at(table, soon)

    async def stop(self) -> None:
        """Sweep no more."""
        if self._timer is not None:
            self._clock.cancel(self._timer)
        for sweep in self._sweeps:
            sweep.cancel()
        await asyncio.gather(*self._sweeps, return_exceptions=True)

    def _look_at(self, table: TableId, when: float) -> None:
        if when >= self._due.get(table, math.inf):
            return
        self._due[table] = when
        self._arm()

    def _arm(self) -> None:
        if not self._due:
            return
        when = min(self._due.values())
        if self._timer is not None and self._timer.pending:
            if self._timer.when <= when:
                return
            self._clock.cancel(self._timer)
        self._timer = self._clock.call_at(when, self._begin)

    def _begin(self) -> None:
        now = self._clock.now()
        due = {table for table, when in self._due.items() if when <= now}
        for table in due:
            del self._due[table]
        self._arm()
        sweep = asyncio.create_task(self._sweep(due))
        self._sweeps.add(sweep)
        sweep.add_done_callback(self._sweeps.discard)

    async def _sweep(self, due: set[TableId]) -> None:
        with self._clock.work():
            async with self._sweeping:
                for table, attribute in self._settings.expiring():
                    if table not in due:
                        continue
                    # Trouble with the emulator or a table that is just being deleted: the next write brings us back.
                    with contextlib.suppress(aiohttp.ClientError, TimeoutError, AwsRefusedError):
                        await self._sweep_table(table, attribute)
        self._streams.nudge()

    async def _sweep_table(self, table: TableId, attribute: str) -> None:
        now, delay = self._clock.now(), self._settings.delay_seconds
        request: Json = {
            "TableName": table.name,
            "Attribute": attribute,
            "Oldest": now - OLDEST_SECONDS,
            "Until": now - delay,
        }
        # Not Scan: it would evaluate an expression for every item, and hand over those that are not due.
        found = await self._call("AmazonSQS.SandboxListExpired", request, table, service="sqs")
        for item in found["Expired"]:
            await self._delete(table, attribute, item["Key"], item["Time"])
        if found["Next"] is not None:
            self._look_at(table, found["Next"] + delay)

    async def _delete(self, table: TableId, attribute: str, key: Json, seen: Json) -> None:
        request: Json = {
            "TableName": table.name,
            "Key": key,
            "ConditionExpression": "#time = :seen",  # somebody may have given it a longer life meanwhile
            "ExpressionAttributeNames": {"#time": attribute},
            "ExpressionAttributeValues": {":seen": seen},
        }
        ledger = self._streams.removals.of(table)
        async with ledger.lock:
            began = time.time()
            try:
                await self._call("DynamoDB_20120810.DeleteItem", request, table)
            except AwsRefusedError as error:
                if error.code != _CONDITION_FAILED:
                    raise
            else:
                ledger.note(key, int(began * 1000), int(time.time() * 1000))
                self._metrics.expired(*table)

    async def _call(self, target: str, request: Json, table: TableId, *, service: str = "dynamodb") -> Json:
        return await self._aws.call(target, request, service=service, region=table.region, account=table.account)
