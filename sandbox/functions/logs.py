"""What functions log: the emulator writes it, and would do so whatever the function's role allows."""

import re
from typing import Final

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import FunctionReference
from sandbox.permissions import Permissions
from sandbox.permissions.permissions import LOG_ACTIONS

_REPORT: Final = re.compile(r"^REPORT RequestId: (?P<request>[0-9a-f-]{36})\t", re.MULTILINE)
_UNREACHABLE: Final = (AwsRefusedError, aiohttp.ClientError, TimeoutError)


class FunctionLogs:
    """Reads logs of invocations, and holds them to the roles.

    Args:
        aws: Reaches the emulator, which knows logs by request id.
        facts: Say which group is a function's.
        permissions: Judge whether a function's role may write there.
    """

    def __init__(self, aws: AwsClient, facts: FunctionFacts, permissions: Permissions) -> None:
        self._aws = aws
        self._facts = facts
        self._permissions = permissions

    async def settle(self, function: FunctionReference, tail: str) -> bool:
        """Whether the function's role lets its log be written; takes it back otherwise.

        Args:
            function: Whose log it is.
            tail: Its last lines.
        """
        group = await self._facts.log_group(function)
        streams = f"arn:aws:logs:{function.region}:{function.account}:log-group:{group}:log-stream:*"
        try:
            reason = await self._permissions.judge_function(function.arn, LOG_ACTIONS, streams)
            if reason is not None:
                await self._call("SandboxEraseLog", function, tail)
        except _UNREACHABLE:  # nobody can say: the invocation itself is over, and its answer counts
            return True
        return reason is None

    async def whole(self, function: FunctionReference, tail: str) -> str:
        """The log that ends with ``tail``; the tail itself when it cannot be had."""
        try:
            found = await self._call("SandboxReadLog", function, tail)
        except _UNREACHABLE:
            return tail
        return found.get("Text") or tail

    async def _call(self, action: str, function: FunctionReference, tail: str) -> Json:
        request = next(reversed([*_REPORT.finditer(tail)]), None)
        if request is None:  # an invocation that never was
            return {}
        where = {"service": "sqs", "region": function.region, "account": function.account}
        return await self._aws.call(f"AmazonSQS.{action}", {"RequestId": request["request"]}, **where)
