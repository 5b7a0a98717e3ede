"""One sequence of batches: what waits, and when it is enough to deliver."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Final

from sandbox.aws import Json
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.pump.delivery import Delivery
from sandbox.pump.mapping import Mapping

PAYLOAD_BYTES: Final = 6 * 1024 * 1024
"""The largest event that Lambda takes: a batch is cut there, and a fuller one is not waited for."""
_ENVELOPE_BYTES: Final = len(json.dumps({"Records": []}))
_SEPARATOR_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record, when it came, and its share of the payload."""

    since: float
    record: Json
    size: int


class Lane:
    """Delivers its records in order, batch after batch; the lanes of a shard do not wait for each other."""

    def __init__(self, mapping: Mapping, delivery: Delivery, clock: Clock, faults: Faults) -> None:
        self._mapping = mapping
        self._delivery = delivery
        self._clock = clock
        self._faults = faults
        self._repeated: list[Waiting] = []
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = _ENVELOPE_BYTES
        self._arrived = asyncio.Event()
        self._busy = False

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._waiting and not self._busy

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, record: Json) -> None:
        """Add a record."""
        size = len(json.dumps(record)) + _SEPARATOR_BYTES
        self._waiting.append(Waiting(self._clock.now(), record, size))
        self._waiting_bytes += size
        self._arrived.set()

    async def run(self) -> None:
        """Collect and deliver for ever."""
        while True:
            await self._until_enough()
            self._busy = True
            try:
                batch = self._take()
                await self._delivery.deliver([one.record for one in batch])
                if self._faults.active:
                    await self._deliver_again(batch)
            finally:
                self._busy = False

    async def _deliver_again(self, batch: list[Waiting]) -> None:
        """At least once: what was taken may come again by itself, or together with later records."""
        function, table = self._mapping.function_arn.split(":")[6], self._mapping.source_arn.split("/")[1]
        if self._faults.take("duplicated-batch", function=function, table=table):
            await self._delivery.deliver([one.record for one in batch])
        if self._faults.take("overlapping-batch", function=function, table=table):
            self._repeated = batch

    async def _until_enough(self) -> None:
        """Wait for a first record, then until the batch is full or its window is over."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        deadline = self._waiting[0].since + self._mapping.settings.window_seconds
        while not self._full and self._clock.now() < deadline:
            self._arrived.clear()
            timer = self._clock.call_at(deadline, self._arrived.set)
            try:
                await self._arrived.wait()
            finally:
                self._clock.cancel(timer)

    @property
    def _full(self) -> bool:
        return len(self._waiting) >= self._mapping.settings.batch_size or self._waiting_bytes > PAYLOAD_BYTES

    def _take(self) -> list[Waiting]:
        room = self._mapping.settings.batch_size - 1  # for what is to come again, beside at least one later record
        batch = self._repeated[-room:] if room else []
        self._repeated = []
        size = _ENVELOPE_BYTES + sum(one.size for one in batch)
        while self._waiting and len(batch) < self._mapping.settings.batch_size:
            size += self._waiting[0].size
            # One record always goes, however large it is.
            if batch and size > PAYLOAD_BYTES:
                break
            taken = self._waiting.popleft()
            self._waiting_bytes -= taken.size
            batch.append(taken)
        return batch
