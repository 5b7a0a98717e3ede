"""What functions log: the emulator writes it, and would do so whatever the function's role allows."""

import contextlib
from typing import Final

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import FunctionReference
from sandbox.permissions import Permissions
from sandbox.permissions.permissions import LOG_ACTIONS

_LOGS: Final = "Logs_20140328"
_KNOWN_BY: Final = 1000
"""Characters at a log's end that tell it from all others."""
_EARLIER_MS: Final = 1000
_UNREACHABLE: Final = (AwsRefusedError, aiohttp.ClientError, TimeoutError)


class FunctionLogs:
    """Reads log groups of functions, and holds them to the roles; the emulator gives each invocation its own stream.

    Args:
        aws: Reaches the emulator's CloudWatch Logs.
        facts: Say which group is a function's.
        permissions: Judge whether a function's role may write there.
    """

    def __init__(self, aws: AwsClient, facts: FunctionFacts, permissions: Permissions) -> None:
        self._aws = aws
        self._facts = facts
        self._permissions = permissions

    async def settle(self, function: FunctionReference, tail: str, began: float) -> bool:
        """Whether the function's role lets its log be written; takes it back otherwise.

        Args:
            function: Whose log it is.
            tail: Its last lines.
            began: When the invocation began, in seconds of real time.
        """
        group = await self._facts.log_group(function)
        streams = f"arn:aws:logs:{function.region}:{function.account}:log-group:{group}:log-stream:*"
        try:
            reason = await self._permissions.judge_function(function.arn, LOG_ACTIONS, streams)
            if reason is not None:
                await self._erase(function, tail, began)
        except _UNREACHABLE:  # nobody can say: the invocation itself is over, and its answer counts
            return True
        return reason is None

    async def whole(self, function: FunctionReference, tail: str, began: float) -> str:
        """The log that ends with ``tail``; the tail itself when it cannot be found.

        Args:
            function: Whose log it is.
            tail: Its last lines.
            began: When the invocation began, in seconds of real time.
        """
        try:
            streams = await self._streams(function, began)
        except _UNREACHABLE:
            return tail
        return next((log for log in streams.values() if _ends(log, tail)), tail)

    async def _erase(self, function: FunctionReference, tail: str, began: float) -> None:
        group = await self._facts.log_group(function)
        for name, log in (await self._streams(function, began)).items():
            if _ends(log, tail):
                where: Json = {"logGroupName": group, "logStreamName": name}
                with contextlib.suppress(AwsRefusedError):  # an invocation beside this one has erased it
                    await self._call(f"{_LOGS}.DeleteLogStream", where, function)

    async def _streams(self, function: FunctionReference, began: float) -> dict[str, str]:
        """What has been logged since, by stream; there is one for each invocation, made at its end."""
        request: Json = {
            "LogGroupName": await self._facts.log_group(function),
            "Since": int(began * 1000) - _EARLIER_MS,
        }
        # Not FilterLogEvents: it goes through the streams of all invocations that ever were.
        return await self._call("AmazonSQS.SandboxReadLogs", request, function, service="sqs")

    async def _call(self, target: str, request: Json, function: FunctionReference, *, service: str = "logs") -> Json:
        return await self._aws.call(target, request, service=service, region=function.region, account=function.account)


def _ends(log: str, tail: str) -> bool:
    return tail.rstrip()[-_KNOWN_BY:] in log
