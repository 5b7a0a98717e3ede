"""Access logs: one line per event that a route handles, in the format of the stage, into its log group."""

import asyncio
import json
import logging
import re
import secrets
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.clock import Clock
from sandbox.front.api_model import Served
from sandbox.front.events import flatten
from sandbox.front.outcome import Outcome
from sandbox.meter import Meter, Place
from sandbox.meter.units import LOG_BYTES
from sandbox.permissions import Permissions
from sandbox.permissions.permissions import API_GATEWAY, LOG_ACTIONS

ABSENT: Final = "-"
_VARIABLE = re.compile(r"\$\{context\.(?P<braced>[\w.\-]+)\}|\$context\.(?P<bare>\w+(?:[.\-]\w+)*)")
_LOGS: Final = "Logs_20140328"
_BAD_GATEWAY: Final = 502
_FAILED: Final = 500
_logger = logging.getLogger(__name__)


def render(template: str, values: Mapping[str, object]) -> str:
    """A line: each ``$context.<name>`` replaced by its value; what has none is ``-``.

    It is plain substitution, as at API Gateway: a quotation mark in a value is not escaped.
    """

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match["braced"] or match["bare"])
        return ABSENT if value in (None, "") else str(value)

    return _VARIABLE.sub(value_of, template)


def values_of(event: Json, outcome: Outcome) -> dict[str, object]:
    """What the ``$context`` variables of an event stand for (developer guide, "Configure logging")."""
    message = outcome.problem or outcome.refusal
    context = event["requestContext"]
    broken = outcome.problem is not None and context.get("eventType") == "MESSAGE" and outcome.status == _BAD_GATEWAY
    return {
        **flatten("", context),
        "status": _FAILED if broken else outcome.status,  # 502 is what a refused handshake shows
        "error.message": message,
        "error.messageString": json.dumps(message) if message else None,
        "integration.status": outcome.integration_status,
        "integrationStatus": outcome.integration_status,
        "integration.latency": outcome.latency_ms,
        "integrationLatency": outcome.latency_ms,
        "authorizer.latency": context.get("authorizer", {}).get("integrationLatency"),
    }


class AccessLogs:
    """Writes the lines, in order, one flush at a time per log group.

    Args:
        aws: Writes to the log groups of the APIs' accounts.
        clock: Dates the lines.
        permissions: Judges whether the account's role for logs may write.
        meter: Counts their bytes.
    """

    def __init__(self, aws: AwsClient, clock: Clock, permissions: Permissions, meter: Meter) -> None:
        self._aws = aws
        self._clock = clock
        self._permissions = permissions
        self._meter = meter
        self._stream = secrets.token_hex(16)
        self._waiting: defaultdict[str, list[Json]] = defaultdict(list)
        self._flushing: dict[str, asyncio.Task[None]] = {}
        self._streams: set[str] = set()

    def write(self, served: Served, event: Json, outcome: Outcome) -> None:
        """Log one event, if its stage has an access log."""
        log = served.stage.access_log
        if log is None:
            return
        line = render(log.format, values_of(event, outcome))
        self._waiting[log.destination_arn].append({"timestamp": self._clock.now_ms(), "message": line})
        if log.destination_arn not in self._flushing:
            self._flushing[log.destination_arn] = asyncio.create_task(self._flush(log.destination_arn))

    async def stop(self) -> None:
        """Drop what is not written yet."""
        for task in self._flushing.values():
            task.cancel()
        await asyncio.gather(*self._flushing.values(), return_exceptions=True)

    async def _flush(self, arn: str) -> None:
        try:
            # Lines that come while a put is under way go with the next one: two puts at once could change their order.
            while lines := self._waiting.pop(arn, None):
                await self._put(arn, lines)
        except (AwsRefusedError, aiohttp.ClientError, TimeoutError) as error:
            _logger.warning("Access log lines for %s are lost: %s", arn, error)
        finally:
            del self._flushing[arn]

    async def _put(self, arn: str, lines: list[Json]) -> None:
        # A log group's ARN is written with `:*` (DescribeLogGroups) and without (Pulumi): both are taken.
        _, _, _, region, account, _, group = arn.removesuffix(":*").split(":", 6)
        stream = f"{arn.removesuffix(':*')}:log-stream:{self._stream}"
        await self._check_role(stream, region=region, account=account)
        place: Json = {"logGroupName": group, "logStreamName": self._stream}
        if arn not in self._streams:
            await self._aws.call(f"{_LOGS}.CreateLogStream", place, service="logs", region=region, account=account)
            self._streams.add(arn)
        document = {**place, "logEvents": lines}
        await self._aws.call(f"{_LOGS}.PutLogEvents", document, service="logs", region=region, account=account)
        size = sum(len(line["message"].encode()) for line in lines)
        self._meter.count(LOG_BYTES, Place(account, region, group), "access log", size)

    async def _check_role(self, stream_arn: str, *, region: str, account: str) -> None:
        """API Gateway writes in the role that its account settings name.

        Raises:
            AwsRefusedError: There is none, API Gateway cannot take it, or it may not write.
        """
        # Asked for each put: the role is a setting of the account, which can change at any time.
        settings = await self._aws.get_json("/account", service="apigateway", region=region, account=account)
        role = settings.get("cloudwatchRoleArn") or "none (account settings, cloudwatchRoleArn)"
        reason = await self._permissions.judge_role(role, API_GATEWAY, LOG_ACTIONS, stream_arn)
        if reason is not None:
            raise AwsRefusedError(403, "AccessDeniedException", reason)
