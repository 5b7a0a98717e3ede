"""Hands one batch of messages to the mapping's function, and deletes what has been dealt with."""

import json
from collections.abc import Sequence
from typing import Final

import aiohttp

from sandbox.aws import AwsRefusedError, Invocation, Json
from sandbox.functions import Call
from sandbox.pump.filters import passes
from sandbox.pump.mapping import Mapping
from sandbox.pump.queue_event import event_of, failures, filterable
from sandbox.pump.queue_settings import read
from sandbox.queues import Queue
from sandbox.services import Services

THROTTLED: Final = 429
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 16.0


class QueueBatches:
    """Delivers the batches of one mapping; what fails stays in the queue until its visibility timeout is over.

    Args:
        mapping: Says where to.
        queue: Where the messages came from.
        services: Invoke, and measure how long messages stay hidden.
    """

    def __init__(self, mapping: Mapping, queue: Queue, services: Services) -> None:
        self._mapping = mapping
        self._queue = queue
        self._functions = services.functions
        self._clock = services.clock
        self._metrics = services.telemetry.mappings

    async def deliver(self, messages: Sequence[Json], hidden_until: float) -> None:
        """Return when the function is done with the batch.

        Args:
            messages: As ReceiveMessage answered them.
            hidden_until: When they come back into sight unless they are deleted, on the sandbox's clock.
        """
        settings = read(self._mapping.document)
        events = [event_of(message, self._mapping.source_arn) for message in messages]
        wanted = [event for event in events if passes(settings.filters, filterable(event))]
        done = [event for event in events if event not in wanted]  # a filtered message is deleted
        self._metrics.count(self._mapping, "PolledEventCount", len(events))
        self._metrics.count(self._mapping, "FilteredOutEventCount", len(done))
        if wanted:
            invocation = await self._invoke(wanted, hidden_until)
            identifiers = frozenset(event["messageId"] for event in wanted)
            failed = identifiers
            if invocation is not None and invocation.ok:
                failed = failures(invocation.payload, identifiers) if settings.partial else frozenset()
            self._metrics.count(self._mapping, "InvokedEventCount", len(wanted))
            self._metrics.count(self._mapping, "FailedInvokeEventCount", len(failed))
            done += [event for event in wanted if event["messageId"] not in failed]
        await self._queue.delete([event["receiptHandle"] for event in done])
        self._metrics.count(self._mapping, "DeletedEventCount", len(done))

    async def _invoke(self, events: Sequence[Json], hidden_until: float) -> Invocation | None:
        """The answer; None when the function could not be run for as long as the messages are hidden."""
        call = Call(function_arn=self._mapping.function_arn, payload=json.dumps({"Records": list(events)}).encode())
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                invocation = await self._functions.invoke(call)
            except (aiohttp.ClientError, AwsRefusedError, TimeoutError):
                return None
            if invocation.status != THROTTLED:
                return invocation
            # By then the messages are in sight again, and somebody else's.
            if self._clock.now() + pause >= hidden_until:
                return None
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
