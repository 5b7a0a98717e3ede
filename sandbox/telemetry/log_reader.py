"""Finds the whole log of an invocation of which only the end is known."""

from typing import Final

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import FunctionReference

_FILTER: Final = "Logs_20140328.FilterLogEvents"
_KNOWN_BY: Final = 1000
"""Characters at a log's end that tell it from all others."""
_EARLIER_MS: Final = 1000


class LogReader:
    """Reads log groups of functions; the emulator gives each invocation a stream of its own.

    Args:
        aws: Reaches the emulator's CloudWatch Logs.
        facts: Say which group is a function's.
    """

    def __init__(self, aws: AwsClient, facts: FunctionFacts) -> None:
        self._aws = aws
        self._facts = facts

    async def whole(self, function: FunctionReference, tail: str, began: float) -> str:
        """The log that ends with ``tail``; the tail itself when it cannot be found.

        Args:
            function: Whose log it is.
            tail: Its last lines.
            began: When the invocation began, in seconds of real time.
        """
        request: Json = {
            "logGroupName": await self._facts.log_group(function),
            "startTime": int(began * 1000) - _EARLIER_MS,
        }
        try:
            streams = await self._streams(function, request)
        except (AwsRefusedError, aiohttp.ClientError, TimeoutError):
            return tail
        logs = ("\n".join(lines) for lines in streams.values())
        return next((log for log in logs if tail.rstrip()[-_KNOWN_BY:] in log), tail)

    async def _streams(self, function: FunctionReference, request: Json) -> dict[str, list[str]]:
        streams: dict[str, list[str]] = {}
        where = {"service": "logs", "region": function.region, "account": function.account}
        while True:
            answer = await self._aws.call(_FILTER, request, **where)
            for event in answer.get("events") or []:
                streams.setdefault(event["logStreamName"], []).append(event["message"])
            if not answer.get("nextToken"):
                return streams
            request = request | {"nextToken": answer["nextToken"]}
