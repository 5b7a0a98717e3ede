"""One sequence of batches: what waits, and when it is enough to deliver."""

import asyncio
import json
from collections import deque
from typing import Final

from sandbox.aws import Json
from sandbox.clock import Clock
from sandbox.pump.delivery import Delivery
from sandbox.pump.mapping import Mapping

PAYLOAD_BYTES: Final = 6 * 1024 * 1024
"""The largest event that Lambda takes."""


class Lane:
    """Delivers its records in order, batch after batch; the lanes of a shard do not wait for each other."""

    def __init__(self, mapping: Mapping, delivery: Delivery, clock: Clock) -> None:
        self._mapping = mapping
        self._delivery = delivery
        self._clock = clock
        self._waiting: deque[tuple[float, Json]] = deque()
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
        self._waiting.append((self._clock.now(), record))
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
        settings = self._mapping.settings
        deadline = self._waiting[0][0] + settings.window_seconds
        while len(self._waiting) < settings.batch_size and self._clock.now() < deadline:
            self._arrived.clear()
            timer = self._clock.call_at(deadline, self._arrived.set)
            try:
                await self._arrived.wait()
            finally:
                self._clock.cancel(timer)

    def _take(self) -> list[Json]:
        batch: list[Json] = []
        size = 0
        while self._waiting and len(batch) < self._mapping.settings.batch_size:
            size += len(json.dumps(self._waiting[0][1]))
            if batch and size > PAYLOAD_BYTES:
                break
            batch.append(self._waiting.popleft()[1])
        return batch
