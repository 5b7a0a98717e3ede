"""The functions' logs, read for what a developer must see: failures with their traceback."""

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

_GROUP_PREFIX = "/aws/lambda/"
_OVERLAP_MS = 5_000
"""Log lines may become visible late; so much of the past is read again each time."""
_PLATFORM_FAILURE = re.compile(r"^\[ERROR\]|Task timed out after|Runtime\.\w+Error|Runtime exited")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed invocation.

    Args:
        function: The function's name.
        title: What failed, in one line.
        detail: The traceback, or nothing.
    """

    function: str
    title: str
    detail: str


def parse_failure(function: str, message: str) -> Failure | None:
    """Recognise a failure in a log line; None for every other line."""
    text = message.rstrip()
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        return _structured(function, document) if document.get("level") == "ERROR" else None
    if _PLATFORM_FAILURE.search(text):
        first, _, rest = text.partition("\n")
        return Failure(function, first, rest)
    return None


def _structured(function: str, document: dict[str, Any]) -> Failure:
    what = " ".join(str(document[key]) for key in ("actorId", "target") if document.get(key)) or function
    reference = f" (ref {document['ref']})" if document.get("ref") else ""
    detail = str(document.get("exception") or document.get("message") or "")
    return Failure(function, f"{what} failed{reference}", detail)


class Logs(Protocol):
    """What is needed of CloudWatch Logs: ``sandbox.aws.AwsClient`` bound to a region."""

    async def __call__(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an action, e.g. ``FilterLogEvents``."""


class LogReader:
    """Reads the log groups of all functions, each line once.

    Args:
        logs: CloudWatch Logs.
        now_ms: The clock.
    """

    def __init__(self, logs: Logs, now_ms: Callable[[], int]) -> None:
        self._logs = logs
        self._now_ms = now_ms
        self._since = now_ms()
        self._seen: dict[str, int] = {}

    async def failures(self) -> list[Failure]:
        """The failures since the last time."""
        # Before anything is read: what is logged meanwhile is looked for again the next time.
        now = self._now_ms()
        found = []
        async for group in self._pages("DescribeLogGroups", {"logGroupNamePrefix": _GROUP_PREFIX}, "logGroups"):
            found += await self._failures_of(str(group["logGroupName"]))
        self._since = max(self._since, now - _OVERLAP_MS)
        self._seen = {event: at for event, at in self._seen.items() if at >= self._since}
        return found

    async def _failures_of(self, group: str) -> list[Failure]:
        function = group.removeprefix(_GROUP_PREFIX)
        failures = []
        request = {"logGroupName": group, "startTime": self._since}
        async for event in self._pages("FilterLogEvents", request, "events"):
            # Without an id, the time does not tell lines apart: a line may be read again with a later one.
            key = str(event.get("eventId") or (event["logStreamName"], event["message"]))
            if key in self._seen:
                continue
            self._seen[key] = event["timestamp"]
            failures.append(parse_failure(function, event["message"]))
        return [failure for failure in failures if failure is not None]

    async def _pages(self, action: str, request: dict[str, Any], items: str) -> AsyncIterator[dict[str, Any]]:
        token: dict[str, Any] = {}
        while True:
            page = await self._logs(action, {**request, **token})
            for item in page.get(items, ()):
                yield item
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}
