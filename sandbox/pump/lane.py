"""One sequence of batches: what waits, and when it is enough to deliver."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Final

from sandbox.aws import Json
from sandbox.clock import Clock
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

    def __init__(self, mapping: Mapping, delivery: Delivery, clock: Clock) -> None:
        self._mapping = mapping
        self._delivery = delivery
        self._clock = clock
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
                await self._delivery.deliver(self._take())
            finally:
                self._busy = False

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

    def _take(self) -> list[Json]:
        batch: list[Json] = []
        size = _ENVELOPE_BYTES
        while self._waiting and len(batch) < self._mapping.settings.batch_size:
            size += self._waiting[0].size
            if batch and size > PAYLOAD_BYTES:
                break
            taken = self._waiting.popleft()
            self._waiting_bytes -= taken.size
            batch.append(taken.record)
        return batch
