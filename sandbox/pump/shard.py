"""Reads one shard of a stream and deals its records out to lanes by partition key."""

import asyncio
import contextlib
import json
import zlib
from collections.abc import Callable
from typing import Final

import aiohttp

from sandbox.aws import AwsRefusedError, Json
from sandbox.pump.delivery import Delivery
from sandbox.pump.filters import passes
from sandbox.pump.lane import Lane
from sandbox.pump.mapping import STREAM_GONE, Mapping
from sandbox.services import Services

STREAMS: Final = "DynamoDBStreams_20120810"
GET_RECORDS_LIMIT: Final = 1000
ACTIVE_PAUSE_SECONDS: Final = 0.02
IDLE_PAUSE_SECONDS: Final = 0.1
ACTIVE_ROUNDS: Final = 100
"""After so many empty reads the shard counts as idle and is asked less often."""
TROUBLE_PAUSE_SECONDS: Final = 0.5
BACKLOG_RECORDS: Final = 10_000
_STALE_ITERATOR: Final = frozenset({"ExpiredIteratorException", "TrimmedDataAccessException"})


class Shard:
    """One shard of a mapping's stream.

    Args:
        mapping: Whose stream it is.
        shard_id: Which shard.
        partition_key: Name of the table's hash key.
        services: Read the stream and invoke.
        news: Gives the event that is set when somebody has just written to a table.
    """

    def __init__(
        self,
        mapping: Mapping,
        *,
        shard_id: str,
        partition_key: str,
        services: Services,
        news: Callable[[], asyncio.Event],
    ) -> None:
        self._mapping = mapping
        self._shard_id = shard_id
        self._partition_key = partition_key
        self._services = services
        self._aws = services.aws
        self._clock = services.clock
        self._news = news
        self._iterator: str | None = None
        self._last_sequence: str | None = None
        self._lanes: list[Lane] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Take the starting position: from now on nothing is missed.

        Raises:
            AwsRefusedError: The stream is not there.
        """
        self._iterator = await self._find_iterator()

    async def run(self) -> None:
        """Read for ever; trouble with the stream or the emulator is waited out."""
        empty_rounds = 0
        try:
            while True:
                await self._mapping.enabled.wait()
                await self._fit_lanes()
                news = self._news()
                records = await self._read()
                for record in records:
                    self._deal(record)
                empty_rounds = 0 if records else empty_rounds + 1
                if not records:
                    await _pause(news, ACTIVE_PAUSE_SECONDS if empty_rounds < ACTIVE_ROUNDS else IDLE_PAUSE_SECONDS)
        finally:
            self._stop_lanes()

    async def _fit_lanes(self) -> None:
        """Have as many lanes as the mapping says; only an idle shard can change, else a key's order would break."""
        while sum(len(lane) for lane in self._lanes) >= BACKLOG_RECORDS:
            await asyncio.sleep(ACTIVE_PAUSE_SECONDS)
        wanted = self._mapping.settings.parallelization
        if len(self._lanes) == wanted:
            return
        while not all(lane.idle for lane in self._lanes):
            await asyncio.sleep(ACTIVE_PAUSE_SECONDS)
        self._stop_lanes()
        delivery = Delivery(self._mapping, self._shard_id, self._services)
        self._lanes = [Lane(self._mapping, delivery, self._clock) for _ in range(wanted)]
        self._tasks = [asyncio.create_task(lane.run()) for lane in self._lanes]

    def _stop_lanes(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _deal(self, record: Json) -> None:
        change = record["dynamodb"]
        self._last_sequence = change["SequenceNumber"]
        change["ApproximateCreationDateTime"] += self._clock.offset
        if not passes(self._mapping.settings.filters, record):
            return
        record["eventSourceARN"] = self._mapping.stream_arn
        key = json.dumps(change["Keys"].get(self._partition_key), sort_keys=True).encode()
        self._lanes[zlib.crc32(key) % len(self._lanes)].put(record)

    async def _read(self) -> list[Json]:
        try:
            if self._iterator is None:
                self._iterator = await self._find_iterator()
            request: Json = {"ShardIterator": self._iterator, "Limit": GET_RECORDS_LIMIT}
            answer = await self._call("GetRecords", request)
        except AwsRefusedError as error:
            self._iterator = None
            if error.code not in _STALE_ITERATOR:
                self._mapping.last_result = STREAM_GONE
                await asyncio.sleep(TROUBLE_PAUSE_SECONDS)
            return []
        except (aiohttp.ClientError, TimeoutError):
            await asyncio.sleep(TROUBLE_PAUSE_SECONDS)
            return []
        self._iterator = answer.get("NextShardIterator")
        records: list[Json] = answer["Records"]
        return records

    async def _find_iterator(self) -> str:
        request: Json = {"StreamArn": self._mapping.stream_arn, "ShardId": self._shard_id}
        if self._last_sequence is None:
            request["ShardIteratorType"] = self._mapping.starting_position
        else:
            request |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._last_sequence}
        iterator: str = (await self._call("GetShardIterator", request))["ShardIterator"]
        return iterator

    async def _call(self, operation: str, request: Json) -> Json:
        return await self._aws.call(
            f"{STREAMS}.{operation}",
            request,
            service="dynamodb",
            region=self._mapping.region,
            account=self._mapping.account,
        )


async def _pause(news: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(news.wait(), seconds)
