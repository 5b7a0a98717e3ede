"""Delivers one batch: invoke, read the verdict, and retry, split or give up as the mapping says."""

import asyncio
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

THROTTLED: Final = 429
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
"""AWS waits up to a minute; nobody would wait for that at a desk."""


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
        self._dead_letters = DeadLetters(mapping, shard_id, services.aws, services.clock)

    async def deliver(self, records: Sequence[Json]) -> None:
        """Return when every record has been taken, or has been given up."""
        waiting = deque([(list(records), 0)])
        pauses = 0
        while waiting:
            batch, retries = waiting.popleft()
            await self._mapping.enabled.wait()
            batch = await self._drop_expired(batch, retries)
            if not batch:
                continue
            verdict = await self._attempt(batch)
            if verdict.failed_from is None:
                pauses = 0
                continue
            again = await self._after_failure(batch, retries, verdict)
            waiting.extendleft(reversed(again))
            if again:
                await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2 ** min(pauses, 10), LONGEST_PAUSE_SECONDS))
                pauses += 1

    async def _after_failure(self, batch: list[Json], retries: int, verdict: Verdict) -> list[tuple[list[Json], int]]:
        """What is to be delivered next, in order, with the retries used up so far."""
        settings = self._mapping.settings
        done = verdict.failed_from or 0
        rest = batch[done:]
        if verdict.throttled:
            return [(rest, retries)]
        if settings.bisect and done:
            return [(rest, retries)]
        if settings.bisect and len(rest) > 1:
            middle = len(rest) // 2
            return [(rest[:middle], retries), (rest[middle:], retries)]
        if 0 <= settings.retries <= retries:
            await self._dead_letters.send(DeadLetter(rest, RETRIES_EXHAUSTED, retries + 1, verdict.invocation))
            return []
        return [(rest, retries + 1)]

    async def _drop_expired(self, batch: list[Json], retries: int) -> list[Json]:
        limit = self._mapping.settings.age_seconds
        if limit < 0:
            return batch
        oldest = self._clock.now() - limit
        expired = [record for record in batch if record["dynamodb"]["ApproximateCreationDateTime"] < oldest]
        if expired:
            await self._dead_letters.send(DeadLetter(expired, AGE_EXCEEDED, retries, None))
        return batch[len(expired) :]

    async def _attempt(self, batch: Sequence[Json]) -> Verdict:
        payload = json.dumps({"Records": batch}).encode()
        try:
            invocation = await self._functions.invoke(
                Call(
                    function_arn=self._mapping.function_arn,
                    payload=payload,
                    newest_record=batch[-1]["dynamodb"]["ApproximateCreationDateTime"],
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

    None means that all are done. An answer that is malformed, or names what is not in the batch, fails the whole batch.
    """
    try:
        document = json.loads(payload or b"null")
    except ValueError:
        return 0
    failures = document.get("batchItemFailures") if isinstance(document, dict) else None
    if not document or not failures:
        return None
    if not isinstance(failures, list):
        return 0
    positions = {record["dynamodb"]["SequenceNumber"]: index for index, record in enumerate(batch)}
    named = [positions.get(entry.get("itemIdentifier"), 0) if isinstance(entry, dict) else 0 for entry in failures]
    return min(named)
