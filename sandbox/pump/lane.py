"""One sequence of batches: what waits, and when it is enough to deliver."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sandbox.aws import Json
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.pump.delivery import Delivery
from sandbox.pump.mapping import Mapping
from sandbox.pump.tumbling import Window, window_of

PAYLOAD_BYTES: Final = 6 * 1024 * 1024
"""The largest event that Lambda takes: a batch is cut there, and a fuller one is not waited for."""
LATE_SECONDS: Final = 1.0
"""So long after the end of a tumbling window its records may still come."""
SOON: Final = 0.1
_ENVELOPE_BYTES: Final = len(json.dumps({"Records": []}))
_SEPARATOR_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record, when it came, and its share of the payload."""

    since: float
    record: Json
    size: int


class Lane:
    """Delivers its records in order, batch after batch; the lanes of a shard do not wait for each other.

    Args:
        mapping: How much a batch holds, and how long it is waited for.
        delivery: Takes the batches.
        clock: Measures windows.
        faults: May have a batch delivered again.
        caught_up: Whether every record that there is has been put here, or into another lane.
    """

    def __init__(
        self, mapping: Mapping, delivery: Delivery, clock: Clock, faults: Faults, caught_up: Callable[[], bool]
    ) -> None:
        self._mapping = mapping
        self._delivery = delivery
        self._clock = clock
        self._faults = faults
        self._caught_up = caught_up
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

    async def end(self) -> None:
        """Have a tumbling window processed that has begun: its shard has ended."""
        await self._delivery.end_window()

    async def run(self) -> None:
        """Collect and deliver for ever."""
        while True:
            await self._until_any()
            self._busy = True
            try:
                if self._window_is_over():
                    await self._delivery.end_window()
                    continue
            finally:
                self._busy = False
            await self._until_enough()
            self._busy = True
            try:
                await self._deliver(self._take())
            finally:
                self._busy = False

    async def _deliver(self, batch: list[Waiting]) -> None:
        if seconds := self._mapping.settings.tumbling_seconds:
            self._delivery.window = self._delivery.window or window_of(batch[0].record, seconds)
        await self._delivery.deliver([one.record for one in batch])
        if self._faults.active:
            await self._deliver_again(batch)

    async def _deliver_again(self, batch: list[Waiting]) -> None:
        """At least once: what was taken may come again by itself, or together with later records."""
        function, table = self._mapping.function_arn.split(":")[6], self._mapping.source_arn.split("/")[1]
        if self._faults.take("duplicated-batch", function=function, table=table):
            await self._delivery.deliver([one.record for one in batch])
        if self._faults.take("overlapping-batch", function=function, table=table):
            self._repeated = batch

    async def _until_any(self) -> None:
        """Wait for a first record, or for the end of the tumbling window that has begun."""
        while not self._waiting and not self._window_is_over():
            window = self._delivery.window
            # A record that was written just before the end may be on its way.
            await self._until(None if window is None else max(window.end + LATE_SECONDS, self._clock.now() + SOON))

    def _window_is_over(self) -> bool:
        """Whether no record can come any more that belongs to the tumbling window that has begun."""
        window = self._delivery.window
        if window is None:
            return False
        if self._waiting:
            return not self._is_of(self._waiting[0], window)
        return self._clock.now() >= window.end + LATE_SECONDS and self._caught_up()

    async def _until_enough(self) -> None:
        """Wait until the batch is full or its window is over."""
        deadline = self._waiting[0].since + self._mapping.settings.window_seconds
        while not self._full and self._clock.now() < deadline:
            await self._until(deadline)

    async def _until(self, deadline: float | None) -> None:
        """Wait for a record, but not beyond a time of the clock."""
        self._arrived.clear()
        timer = None if deadline is None else self._clock.call_at(deadline, self._arrived.set)
        try:
            await self._arrived.wait()
        finally:
            if timer is not None:
                self._clock.cancel(timer)

    def _is_of(self, one: Waiting, window: Window) -> bool:
        written: float = one.record["dynamodb"]["ApproximateCreationDateTime"]
        return window.start <= written < window.end

    @property
    def _full(self) -> bool:
        waiting, settings = self._waiting, self._mapping.settings
        if len(waiting) >= settings.batch_size or self._waiting_bytes > PAYLOAD_BYTES:
            return True
        # What comes behind the end of a tumbling window is for another batch.
        seconds = settings.tumbling_seconds
        return bool(seconds) and not self._is_of(waiting[-1], window_of(waiting[0].record, seconds))

    def _take(self) -> list[Waiting]:
        settings = self._mapping.settings
        room = settings.batch_size - 1  # for what is to come again, beside at least one later record
        batch = self._repeated[-room:] if room else []
        self._repeated = []
        window = window_of(self._waiting[0].record, settings.tumbling_seconds) if settings.tumbling_seconds else None
        size = _ENVELOPE_BYTES + sum(one.size for one in batch)
        while self._waiting and len(batch) < settings.batch_size:
            size += self._waiting[0].size
            # One record always goes, however large it is.
            if batch and (size > PAYLOAD_BYTES or (window and not self._is_of(self._waiting[0], window))):
                break
            taken = self._waiting.popleft()
            self._waiting_bytes -= taken.size
            batch.append(taken)
        return batch
