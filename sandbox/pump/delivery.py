"""Delivers one batch: invoke, read the verdict, and retry, split or give up as the mapping says."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

from sandbox.aws import Invocation, Json
from sandbox.functions import Call
from sandbox.pump.dead_letters import AGE_EXCEEDED, RETRIES_EXHAUSTED, DeadLetter, DeadLetters
from sandbox.pump.mapping import CALL_FAILED, OK, Mapping
from sandbox.pump.tumbling import Window
from sandbox.services import Services
from sandbox.streams import RETENTION_SECONDS

THROTTLED: Final = 429
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 10.0
"""On the sandbox's clock. AWS backs off up to about a minute; nobody would wait for that at a desk."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that are to be delivered, with the retries they have used up and what their last invocation said."""

    records: list[Json]
    retries: int = 0
    last: Invocation | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an invocation said about its batch; ``failed_from`` is the first record to deliver again."""

    failed_from: int | None
    invocation: Invocation | None

    @property
    def throttled(self) -> bool:
        """Whether the function was not run for want of concurrency: no retry is used up."""
        return self.invocation is not None and self.invocation.status == THROTTLED


class Delivery:
    """Carries batches of one lane of a shard to the mapping's function.

    Args:
        mapping: Says where to, and how often.
        shard_id: Named in on-failure messages, and in the events of tumbling windows.
        services: Invoke, send, and measure the records' age.
    """

    def __init__(self, mapping: Mapping, shard_id: str, services: Services) -> None:
        self.window: Window | None = None
        self._mapping = mapping
        self._shard_id = shard_id
        self._functions = services.functions
        self._clock = services.clock
        self._metrics = services.telemetry.mappings
        self._dead_letters = DeadLetters(mapping, shard_id, services)

    async def deliver(self, records: Sequence[Json]) -> None:
        """Return when every record has been taken, or has been given up."""
        waiting = deque([Batch(list(records))])
        pauses = 0
        while waiting:
            batch = waiting.popleft()
            await self._mapping.enabled.wait()
            batch = await self._drop_expired(batch)
            if not batch.records:
                continue
            # Time that is turned waits for a first attempt, never for one that may go on failing for a day.
            verdict = await self._attempt(batch.records, holds_time=not pauses)
            self._measure(len(batch.records), verdict)
            if verdict.failed_from is None:
                pauses = 0
                continue
            again = await self._after_failure(batch, verdict.failed_from, verdict)
            waiting.extendleft(reversed(again))
            if again:
                await self._pause(pauses)
                pauses += 1

    async def end_window(self) -> None:
        """Have the function process the window's state; one that fails for good loses it."""
        window, failures = self.window, 0
        while window is not None and window is self.window:
            await self._mapping.enabled.wait()
            event = window.event([], shard_id=self._shard_id, stream=self._mapping.source_arn, final=True)
            invocation = await self._invoke(event, newest=None, holds_time=not failures)
            retries = self._mapping.settings.retries
            if (invocation is not None and invocation.ok) or 0 <= retries <= failures:
                self.window = None
                return
            await self._pause(failures)
            if invocation is None or invocation.status != THROTTLED:
                failures += 1

    async def _pause(self, before: int) -> None:
        """Between attempts: longer each time, from the number of pauses ``before`` this one."""
        await self._clock.sleep(min(FIRST_PAUSE_SECONDS * 2 ** min(before, 10), LONGEST_PAUSE_SECONDS))

    async def _after_failure(self, batch: Batch, done: int, verdict: Verdict) -> list[Batch]:
        """What is to be delivered next, in order; ``done`` records at the beginning are not."""
        settings, last = self._mapping.settings, verdict.invocation
        rest = batch.records[done:]
        # Neither a throttled call nor a split uses up a retry.
        if verdict.throttled or (settings.bisect and done):
            return [Batch(rest, batch.retries, last)]
        if settings.bisect and len(rest) > 1:
            middle = len(rest) // 2
            return [Batch(rest[:middle], batch.retries, last), Batch(rest[middle:], batch.retries, last)]
        if 0 <= settings.retries <= batch.retries:
            await self._dead_letters.send(DeadLetter(rest, RETRIES_EXHAUSTED, batch.retries + 1, last))
            return []
        return [Batch(rest, batch.retries + 1, last)]

    def _measure(self, records: int, verdict: Verdict) -> None:
        """Count an attempt; a record that comes again counts again."""
        self._metrics.count(self._mapping, "InvokedEventCount", records)
        if verdict.failed_from is not None:
            self._metrics.count(self._mapping, "FailedInvokeEventCount", records - verdict.failed_from)

    async def _drop_expired(self, batch: Batch) -> Batch:
        """Give up what is too old for the mapping, or is no longer in the stream."""
        limit = self._mapping.settings.age_seconds
        # After 24 hours a record has left its stream, whatever the mapping says.
        oldest = self._clock.now() - (min(limit, RETENTION_SECONDS) if limit >= 0 else RETENTION_SECONDS)
        expired = [record for record in batch.records if record["dynamodb"]["ApproximateCreationDateTime"] < oldest]
        if expired:
            await self._dead_letters.send(DeadLetter(expired, AGE_EXCEEDED, batch.retries, batch.last))
        return Batch(batch.records[len(expired) :], batch.retries, batch.last)

    async def _attempt(self, batch: Sequence[Json], *, holds_time: bool) -> Verdict:
        records, window = list(batch), self.window
        event: Json = {"Records": records}
        if window is not None:
            event = window.event(records, shard_id=self._shard_id, stream=self._mapping.source_arn, final=False)
        # IteratorAge is the age of a batch's last record (developer guide, "Types of metrics").
        newest = batch[-1]["dynamodb"]["ApproximateCreationDateTime"]
        verdict = self._verdict(await self._invoke(event, newest=newest, holds_time=holds_time), batch)
        if window is not None and verdict.invocation is not None and verdict.invocation.ok:
            window.keep(verdict.invocation.payload)
            if window.overflows:
                await self.end_window()
                self.window = Window(window.start, window.end)
        return verdict

    async def _invoke(self, event: Json, *, newest: float | None, holds_time: bool) -> Invocation | None:
        """What the function answered; None when it could not be asked."""
        payload = json.dumps(event).encode()
        call = Call(
            function_arn=self._mapping.function_arn, payload=payload, newest_record=newest, holds_time=holds_time
        )
        try:
            invocation = await self._functions.invoke(call)
        except (aiohttp.ClientError, TimeoutError):
            invocation = None
        self._mapping.last_result = OK if invocation is not None and invocation.ok else CALL_FAILED
        return invocation

    def _verdict(self, invocation: Invocation | None, batch: Sequence[Json]) -> Verdict:
        if invocation is None or not invocation.ok:
            return Verdict(0, invocation)
        failed = first_failure(invocation.payload, batch) if self._mapping.settings.partial else None
        return Verdict(failed, invocation)


def first_failure(payload: bytes, batch: Sequence[Json]) -> int | None:
    """The position of the first failed record in a ``ReportBatchItemFailures`` answer.

    None means that all are done: nothing, ``{}``, or an empty or missing list. An answer that is malformed, or names
    what is not in the batch, such as an empty identifier, fails the whole batch.
    """
    try:
        document = json.loads(payload or b"null")
    except ValueError:
        return 0
    failures = document.get("batchItemFailures") if isinstance(document, dict) else None
    if not failures:
        return None
    if not isinstance(failures, list):
        return 0
    positions = {record["dynamodb"]["SequenceNumber"]: index for index, record in enumerate(batch)}
    named = [entry.get("itemIdentifier") if isinstance(entry, dict) else None for entry in failures]
    return min(positions.get(name, 0) if isinstance(name, str) else 0 for name in named)
