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
    """Carries batches of one shard to the mapping's function.

    Args:
        mapping: Says where to, and how often.
        shard_id: Named in on-failure messages.
        services: Invoke, send, and measure the records' age.
    """

    def __init__(self, mapping: Mapping, shard_id: str, services: Services) -> None:
        self._mapping = mapping
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
                await self._clock.sleep(min(FIRST_PAUSE_SECONDS * 2 ** min(pauses, 10), LONGEST_PAUSE_SECONDS))
                pauses += 1

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
        payload = json.dumps({"Records": batch}).encode()
        try:
            invocation = await self._functions.invoke(
                Call(
                    function_arn=self._mapping.function_arn,
                    payload=payload,
                    # IteratorAge is the age of a batch's last record (developer guide, "Types of metrics").
                    newest_record=batch[-1]["dynamodb"]["ApproximateCreationDateTime"],
                    holds_time=holds_time,
                )
            )
        except (aiohttp.ClientError, TimeoutError):
            self._mapping.last_result = CALL_FAILED
            return Verdict(0, None)
        if not invocation.ok:
            self._mapping.last_result = CALL_FAILED
            return Verdict(0, invocation)
        self._mapping.last_result = OK
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
