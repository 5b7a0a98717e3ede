"""Takes the changes of one shard of a stream and deals them out to lanes by partition key."""

import asyncio
from typing import Final

import aiohttp

from sandbox.aws import AwsRefusedError
from sandbox.pump.delivery import Delivery
from sandbox.pump.filters import passes
from sandbox.pump.lane import Lane
from sandbox.pump.mapping import STREAM_CLOSED, STREAM_GONE, Mapping
from sandbox.services import Services
from sandbox.streams import Change, StreamLog

PAGE_CHANGES: Final = 1000
BACKLOG_RECORDS: Final = 10_000
BUSY_PAUSE_SECONDS: Final = 0.02
CLOSED_PAUSE_SECONDS: Final = 0.2


class Shard:
    """One shard of a mapping's stream, blocked by its own failures only.

    Args:
        mapping: Whose stream it is.
        log: The stream.
        index: Which shard.
        services: Follow the stream and invoke.
    """

    def __init__(self, mapping: Mapping, log: StreamLog, index: int, services: Services) -> None:
        self._mapping = mapping
        self._log = log
        self._index = index
        self._services = services
        self._metrics = services.telemetry.mappings
        part = log.part(index)
        self._position = part.end if mapping.starting_position == "LATEST" else part.trimmed
        self._table = mapping.source_arn.split("/")[1]
        self._lanes: list[Lane] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Take changes until the stream is closed and all are dealt with."""
        try:
            with self._services.streams.followed(self._log):
                while await self._until_more():
                    await self._mapping.enabled.wait()
                    await self._until_permitted()
                    await self._fit_lanes()
                    await self._lag()
                    self._take()
            await self._until_idle()
            await asyncio.gather(*(lane.end() for lane in self._lanes))
            self._mapping.last_result = STREAM_GONE
        finally:
            self._stop_lanes()

    async def _until_more(self) -> bool:
        """Wait for a change that was not taken yet; False when there will be none."""
        while True:
            # Taken before the look, so that no change in between goes unseen.
            grown = self._log.grown()
            if self._log.part(self._index).end > self._position:
                return True
            if self._log.closed:
                return False
            await grown.wait()

    async def _until_permitted(self) -> None:
        """Wait until the function's role may read the stream."""
        while not await self._may_read():
            self._mapping.last_result = STREAM_CLOSED
            await asyncio.sleep(CLOSED_PAUSE_SECONDS)

    async def _may_read(self) -> bool:
        mapping, permissions = self._mapping, self._services.permissions
        try:
            return await permissions.judge_stream(mapping.function_arn, mapping.source_arn) is None
        except (aiohttp.ClientError, AwsRefusedError, TimeoutError):
            return False  # the emulator is in trouble: asked again

    async def _lag(self) -> None:
        """Let the next change grow as old as the fault says."""
        fault = self._services.faults.find("stream-lag", table=self._table)
        oldest = self._log.part(self._index).since(self._position, 1)
        if fault is not None and oldest:
            await self._services.clock.sleep(
                oldest[0].created + fault.parameters["seconds"] - self._services.clock.now()
            )

    def _take(self) -> None:
        part = self._log.part(self._index)
        lags = self._services.faults.find("stream-lag", table=self._table) is not None
        # One by one, so that each of them can be as old as the fault says.
        changes = part.since(self._position, 1 if lags else PAGE_CHANGES)
        # What was forgotten before it was taken is passed over.
        self._position = max(self._position, part.trimmed) + len(changes)
        for change in changes:
            self._deal(change)

    def _deal(self, change: Change) -> None:
        event = change.event(self._mapping.source_arn)
        self._metrics.count(self._mapping, "PolledEventCount", 1)
        if passes(self._mapping.settings.filters, event):
            self._lanes[change.partition % len(self._lanes)].put(event)
        else:
            self._metrics.count(self._mapping, "FilteredOutEventCount", 1)

    async def _fit_lanes(self) -> None:
        """Have as many lanes as the mapping says; only an idle shard can change, else a key's order would break."""
        # A lane that is blocked must not take in the whole stream.
        while sum(len(lane) for lane in self._lanes) >= BACKLOG_RECORDS:
            await asyncio.sleep(BUSY_PAUSE_SECONDS)
        wanted = self._mapping.settings.parallelization
        if len(self._lanes) == wanted:
            return
        await self._until_idle()
        self._stop_lanes()
        self._lanes = [self._lane() for _ in range(wanted)]
        self._tasks = [asyncio.create_task(lane.run()) for lane in self._lanes]

    def _lane(self) -> Lane:
        delivery = Delivery(self._mapping, self._log.shard_id(self._index), self._services)
        return Lane(self._mapping, delivery, self._services.clock, self._services.faults, self._caught_up)

    def _caught_up(self) -> bool:
        """Whether no change waits to be taken."""
        return self._log.part(self._index).end <= self._position

    async def _until_idle(self) -> None:
        while not all(lane.idle for lane in self._lanes):
            await asyncio.sleep(BUSY_PAUSE_SECONDS)

    def _stop_lanes(self) -> None:
        for task in self._tasks:
            task.cancel()
