"""All streams that somebody has asked for."""

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.clock import Clock
from sandbox.streams.log import STREAMS, StreamFacts, StreamLog
from sandbox.streams.removals import Removals, TableId

ON_DEMAND_SHARDS: Final = 4
"""A new on-demand table takes 4,000 writes per second, and a partition, which is a shard, 1,000 (developer guide)."""
PARTITION_WRITES: Final = 1000
PARTITION_READS: Final = 3000
ACTIVE_PAUSE_SECONDS: Final = 0.02
IDLE_PAUSE_SECONDS: Final = 0.1
ACTIVE_ROUNDS: Final = 100
"""After so many empty reads a stream counts as idle and is asked less often."""
TROUBLE_PAUSE_SECONDS: Final = 0.5
_DYNAMODB: Final = "DynamoDB_20120810"


class StreamGoneError(Exception):
    """There is no such stream (any more)."""


class Streams:
    """The streams, each read once, however many read it here.

    Args:
        aws: Reads the emulator's streams.
        clock: Dates the changes.
    """

    def __init__(self, aws: AwsClient, clock: Clock) -> None:
        self.removals = Removals()
        self._aws = aws
        self._clock = clock
        self._logs: dict[str, StreamLog] = {}
        self._readers: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._written = asyncio.Event()

    def nudge(self) -> None:
        """Say that a table may have been written to: streams are read at once instead of at their next turn."""
        self._written.set()
        self._written = asyncio.Event()

    async def open(self, arn: str) -> StreamLog:
        """The stream with this ARN, with all that it holds now.

        Raises:
            StreamGoneError: There is none.
            aiohttp.ClientError: The emulator cannot be reached.
        """
        try:
            if arn not in self._logs:
                facts = await self._facts(arn)
                log = StreamLog(facts, self._aws, self._clock, self.removals.of(facts.table))
                # Another caller may have opened it while this one described it.
                self._logs.setdefault(arn, log)
            log = self._logs[arn]
            await log.catch_up()
        except AwsRefusedError as error:
            raise StreamGoneError(error.message) from error
        return log

    @contextlib.contextmanager
    def followed(self, log: StreamLog) -> Iterator[None]:
        """Keep a stream read while somebody waits for its changes."""
        arn = log.facts.arn
        self._readers[arn] += 1
        if arn not in self._tasks:
            self._tasks[arn] = asyncio.create_task(self._follow(log))
        try:
            yield
        finally:
            self._readers[arn] -= 1
            if not self._readers[arn]:
                self._tasks.pop(arn).cancel()

    async def _follow(self, log: StreamLog) -> None:
        """Read until the stream is closed; trouble with the emulator is waited out."""
        empty_rounds = 0
        while not log.closed:
            # Taken before the read, so that a write in the middle of it is not slept over.
            written = self._written
            try:
                with self._clock.work():  # what was written before time passes is delivered before
                    empty_rounds = 0 if await log.catch_up() else empty_rounds + 1
            except AwsRefusedError:
                log.close()
                self._logs.pop(log.facts.arn, None)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(TROUBLE_PAUSE_SECONDS)
            if empty_rounds:
                await _pause(written, ACTIVE_PAUSE_SECONDS if empty_rounds < ACTIVE_ROUNDS else IDLE_PAUSE_SECONDS)

    async def _facts(self, arn: str) -> StreamFacts:
        _, _, _, region, account, resource = arn.split(":", 5)
        table = TableId(account, region, resource.split("/")[1])
        answer = await self._call(f"{STREAMS}.DescribeStream", {"StreamArn": arn}, table)
        stream = answer["StreamDescription"]
        return StreamFacts(
            arn=arn,
            table=table,
            partition_key=next(part["AttributeName"] for part in stream["KeySchema"] if part["KeyType"] == "HASH"),
            began_ms=int(stream["CreationRequestDateTime"] * 1000),
            source=stream["Shards"][0]["ShardId"],
            shards=await self._shards_of(table),
        )

    async def _shards_of(self, table: TableId) -> int:
        try:
            described = (await self._call(f"{_DYNAMODB}.DescribeTable", {"TableName": table.name}, table))["Table"]
        except AwsRefusedError:  # deleted; its stream can still be read
            return ON_DEMAND_SHARDS
        return partitions(described)

    async def _call(self, target: str, request: Json, table: TableId) -> Json:
        return await self._aws.call(target, request, service="dynamodb", region=table.region, account=table.account)


def partitions(table: Json) -> int:
    """How many partitions a small table has, from its description."""
    provisioned = table.get("ProvisionedThroughput") or {}
    reads, writes = provisioned.get("ReadCapacityUnits", 0), provisioned.get("WriteCapacityUnits", 0)
    if (table.get("BillingModeSummary") or {}).get("BillingMode") == "PAY_PER_REQUEST" or not writes:
        return ON_DEMAND_SHARDS
    wanted: int = math.ceil(reads / PARTITION_READS + writes / PARTITION_WRITES)
    return max(1, wanted)


async def _pause(written: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await written.wait()
