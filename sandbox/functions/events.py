"""Asynchronous invocations: a queue in front of the function, retries, and what becomes of an event in the end."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Invocation, Json
from sandbox.clock import Clock
from sandbox.functions.calls import THROTTLED
from sandbox.functions.destinations import Destinations, is_bucket, object_key
from sandbox.functions.facts import EventSettings
from sandbox.functions.functions import REFUSED, Functions
from sandbox.functions.limits import RETRY_PAUSES_SECONDS, THROTTLED_PAUSES_SECONDS
from sandbox.functions.reference import LATEST, FunctionReference
from sandbox.permissions import Permissions

SUCCESS: Final = "Success"
EXHAUSTED: Final = "RetriesExhausted"
TOO_OLD: Final = "EventAgeExceeded"
Loss = Literal["AsyncEventsDropped", "DeadLetterErrors", "DestinationDeliveryFailures"]
_RAN: Final = 200
_ERROR_TEXT_BYTES: Final = 1024
_UNREACHED: Final = replace(REFUSED, status=500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event that a caller has handed over.

    Args:
        function: Whom it is for.
        payload: The event, as JSON.
        accepted: Seconds since the epoch, on the sandbox's clock; its age counts from there.
        request_id: Names it in what destinations get.
        depth: Counts functions that called functions.
    """

    function: FunctionReference
    payload: bytes
    accepted: float
    request_id: str
    depth: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How an event ended: why, after how many invocations, and what the last one said."""

    condition: str
    invocations: int
    last: Invocation


class Events:
    """Runs what has been accepted with status 202.

    Args:
        functions: Runs each attempt.
        aws: Reaches destinations.
        clock: Measures pauses and ages.
        permissions: Judges whether a function's role may send to a destination.
    """

    def __init__(self, functions: Functions, aws: AwsClient, clock: Clock, permissions: Permissions) -> None:
        self._functions = functions
        self._clock = clock
        self._destinations = Destinations(aws)
        self._permissions = permissions
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchers: list[Callable[[FunctionReference, Loss], None]] = []

    def watch(self, watcher: Callable[[FunctionReference, Loss], None]) -> None:
        """Tell ``watcher`` of each event that is lost."""
        self._watchers.append(watcher)

    def accept(self, function: FunctionReference, payload: bytes, *, depth: str | None = None) -> None:
        """Take an event; it is run from now on, whatever becomes of the caller."""
        event = Event(
            function=function,
            payload=payload or b"{}",
            accepted=self._clock.now(),
            request_id=str(uuid.uuid4()),
            depth=depth,
        )
        held = contextlib.ExitStack()
        held.enter_context(self._clock.work())  # from now on, not only from when the task gets its turn
        task = asyncio.create_task(self._run(event, held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, event: Event, held: contextlib.ExitStack) -> None:
        with held:
            settings = await self._functions.facts.events(event.function)
            first = await self._attempt(event)
        # Not held up by the pauses: time that is turned would wait for its own end.
        ending = await self._until_over(event, settings, first)
        with self._clock.work():
            await self._end(event, settings, ending)

    async def _end(self, event: Event, settings: EventSettings, ending: Ending) -> None:
        if ending.condition == SUCCESS:
            await self._tell(settings.on_success, event, ending)
            return
        self._lose(event.function, "AsyncEventsDropped")
        await self._tell(settings.on_failure, event, ending)
        await self._bury(settings.dead_letters, event, ending)

    async def _until_over(self, event: Event, settings: EventSettings, last: Invocation) -> Ending:
        """Try again until the event is over; ``last`` is what the first attempt came to."""
        deadline = event.accepted + settings.age_seconds
        invocations, waits = 0, 0
        while True:
            if last.ok:
                return Ending(SUCCESS, invocations + 1, last)
            if last.status == _RAN:
                invocations += 1
                if invocations > settings.retries:
                    return Ending(EXHAUSTED, invocations, last)
                pause = RETRY_PAUSES_SECONDS[min(invocations, len(RETRY_PAUSES_SECONDS)) - 1]
            else:  # no concurrency, or an error of the service: the event goes back to the queue and costs no retry
                first, longest = THROTTLED_PAUSES_SECONDS
                pause = min(first * 2**waits, longest)
                waits += 1
            # Not waited for: the event would be too old when its turn comes.
            if self._clock.now() + pause > deadline:
                return Ending(TOO_OLD, invocations, last)
            await self._clock.sleep(pause)
            with self._clock.work():
                last = await self._attempt(event)

    async def _attempt(self, event: Event) -> Invocation:
        try:
            return await self._functions.run_as_root(event.function, event.payload, depth=event.depth)
        except (aiohttp.ClientError, AwsRefusedError, TimeoutError):
            return _UNREACHED

    async def _tell(self, destination: str | None, event: Event, ending: Ending) -> None:
        if destination is None:
            return
        record = json.dumps(self._record(event, ending))
        try:
            await self._check(event.function, destination)
            # A function as a destination is invoked asynchronously, so this event has retries of its own.
            if destination.split(":")[2] == "lambda":
                self.accept(FunctionReference.of_arn(destination), record.encode(), depth=event.depth)
            elif is_bucket(destination):
                await self._store(destination, record, event.function)
            else:
                await self._destinations.send(destination, record)
        except (AwsRefusedError, aiohttp.ClientError, TimeoutError):
            self._lose(event.function, "DestinationDeliveryFailures")

    async def _store(self, bucket: str, record: str, function: FunctionReference) -> None:
        key = object_key(f"async/{function.name}", self._clock.now())
        await self._destinations.store(bucket, key, record, account=function.account, region=function.region)

    async def _bury(self, target: str | None, event: Event, ending: Ending) -> None:
        """The dead-letter target gets the event itself, and what happened as attributes."""
        if target is None:
            return
        document = _json(ending.last.payload)
        text = str(document.get("errorMessage") or "Unknown") if isinstance(document, dict) else "Unknown"
        code = "429" if ending.last.status == THROTTLED else "200"
        attributes: dict[str, Json] = {
            "RequestID": {"DataType": "String", "StringValue": event.request_id},
            "ErrorCode": {"DataType": "Number", "StringValue": code},
            "ErrorMessage": {"DataType": "String", "StringValue": text[:_ERROR_TEXT_BYTES]},
        }
        try:
            await self._check(event.function, target)
            await self._destinations.send(target, event.payload.decode(), attributes)
        except (AwsRefusedError, aiohttp.ClientError, TimeoutError):
            self._lose(event.function, "DeadLetterErrors")

    async def _check(self, function: FunctionReference, destination: str) -> None:
        """Lambda sends in the function's role.

        Raises:
            AwsRefusedError: The role may not.
        """
        reason = await self._permissions.judge_destination(function.arn, destination)
        if reason is not None:
            raise AwsRefusedError(403, "AccessDeniedException", reason)

    def _record(self, event: Event, ending: Ending) -> Json:
        now = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds")
        # Records name `$LATEST` where the caller named no version (developer guide, sample record).
        qualified = replace(event.function, qualifier=event.function.qualifier or LATEST)
        response: Json = {"statusCode": ending.last.status, "executedVersion": ending.last.executed_version}
        if ending.last.error is not None:
            response["functionError"] = ending.last.error
        return {
            "version": "1.0",
            "timestamp": now.replace("+00:00", "Z"),
            "requestContext": {
                "requestId": event.request_id,
                "functionArn": qualified.arn,
                "condition": ending.condition,
                "approximateInvokeCount": ending.invocations,
            },
            "requestPayload": _json(event.payload),
            "responseContext": response,
            "responsePayload": _json(ending.last.payload),
        }

    def _lose(self, function: FunctionReference, loss: Loss) -> None:
        for watcher in self._watchers:
            watcher(function, loss)


def _json(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except ValueError:
        return None
