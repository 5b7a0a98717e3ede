"""One stream: what the emulator recorded, dealt into shards and forgotten after a day."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.clock import Clock
from sandbox.streams.change import Change, Origin, read_change
from sandbox.streams.removals import Ledger, TableId

STREAMS: Final = "DynamoDBStreams_20120810"
RETENTION_SECONDS: Final = 24 * 3600.0
_PAGE: Final = 1000
_STALE: Final = frozenset({"ExpiredIteratorException", "TrimmedDataAccessException"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What never changes about a stream.

    Args:
        arn: Its ARN.
        table: Whose changes it holds.
        partition_key: Name of the table's hash key.
        began_ms: When it was switched on, in milliseconds since the epoch.
        source: The emulator's one shard.
        shards: How many shards ours has.
    """

    arn: str
    table: TableId
    partition_key: str
    began_ms: int
    source: str
    shards: int


@dataclass(slots=True)
class Part:
    """The changes of one shard; positions count from the stream's first change on, whatever was forgotten since."""

    changes: list[Change] = field(default_factory=list)
    trimmed: int = 0

    @property
    def end(self) -> int:
        """The position after the last change."""
        return self.trimmed + len(self.changes)

    def since(self, position: int, limit: int) -> list[Change]:
        """Up to ``limit`` changes from a position on; from the oldest one, if that position is forgotten."""
        first = max(position - self.trimmed, 0)
        return self.changes[first : first + limit]


class StreamLog:
    """Reads a stream from the emulator, once for all its readers.

    Args:
        facts: Which stream.
        aws: Reads it as the root of its account.
        clock: Dates the changes and forgets them.
        ledger: Says which removals were the service's.
    """

    def __init__(self, facts: StreamFacts, aws: AwsClient, clock: Clock, ledger: Ledger) -> None:
        self.facts = facts
        self.closed = False
        self._aws = aws
        self._clock = clock
        self._ledger = ledger
        self._parts = [Part() for _ in range(facts.shards)]
        self._iterator: str | None = None
        self._last_raw: str | None = None
        self._grown = asyncio.Event()

    def shard_id(self, shard: int) -> str:
        """The name of a shard: when the stream began, in milliseconds, and which one it is."""
        return f"shardId-{self.facts.began_ms:020d}-{shard:08x}"

    def shard_index(self, shard_id: str) -> int | None:
        """Which shard has this name."""
        return next((index for index in range(self.facts.shards) if self.shard_id(index) == shard_id), None)

    def part(self, shard: int) -> Part:
        """A shard's changes of the last 24 hours."""
        part = self._parts[shard]
        oldest = self._clock.now() - RETENTION_SECONDS
        kept = next((index for index, change in enumerate(part.changes) if change.created > oldest), len(part.changes))
        if kept:
            del part.changes[:kept]
            part.trimmed += kept
        return part

    def grown(self) -> asyncio.Event:
        """The event that is set as soon as there are more changes than now, or will never be more."""
        return self._grown

    async def catch_up(self) -> bool:
        """Read all that the emulator has now; False when there was nothing new.

        Raises:
            AwsRefusedError: The stream cannot be read.
            aiohttp.ClientError: The emulator cannot be reached.
        """
        async with self._ledger.lock:
            found = False
            while not self.closed and (page := await self._read()):
                found = True
                for raw in page:
                    self._append(raw)
        if found or self.closed:
            self._grown.set()
            self._grown = asyncio.Event()
        return found

    def close(self) -> None:
        """Nothing will ever be added: the stream was switched off, or its table deleted."""
        self.closed = True
        self._grown.set()

    def _append(self, raw: Json) -> None:
        sequence, keys = raw["dynamodb"]["SequenceNumber"], raw["dynamodb"]["Keys"]
        self._last_raw = sequence
        milliseconds = Origin.of(sequence).milliseconds
        change = read_change(
            raw,
            partition_key=self.facts.partition_key,
            created=self._clock.at(milliseconds / 1000),
            by_service=raw["eventName"] == "REMOVE" and self._ledger.take(keys, milliseconds),
        )
        # By the high end of the hash; lanes go by the low end, and so share the keys of every shard.
        self._parts[change.partition * self.facts.shards >> 32].changes.append(change)

    async def _read(self) -> list[Json]:
        if self._iterator is None:
            self._iterator = await self._find_iterator()
        try:
            answer = await self._call("GetRecords", {"ShardIterator": self._iterator, "Limit": _PAGE})
        except AwsRefusedError as error:
            self._iterator = None
            if error.code not in _STALE:
                raise
            return await self._read()  # nobody had read for a while
        self._iterator = answer.get("NextShardIterator")
        self.closed = self._iterator is None
        records: list[Json] = answer["Records"]
        return records

    async def _find_iterator(self) -> str:
        facts = self.facts
        request: Json = {"StreamArn": facts.arn, "ShardId": facts.source, "ShardIteratorType": "TRIM_HORIZON"}
        if self._last_raw is not None:
            request |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._last_raw}
        iterator: str = (await self._call("GetShardIterator", request))["ShardIterator"]
        return iterator

    async def _call(self, operation: str, request: Json) -> Json:
        table = self.facts.table
        return await self._aws.call(
            f"{STREAMS}.{operation}", request, service="dynamodb", region=table.region, account=table.account
        )
