"""Calls of other services that count for something: queues, discovery, log lines that somebody puts himself."""

import base64
import json
import re
from typing import Final

from aiohttp import web

from sandbox.aws import Answer, Json
from sandbox.front.signature import Callers
from sandbox.meter import Meter, Place
from sandbox.meter.units import DISCOVERIES, LOG_BYTES, QUEUE_PIECE_BYTES, QUEUE_REQUESTS, pieces
from sandbox.telemetry import Telemetry

_QUEUES: Final = "AmazonSQS."
_DISCOVER: Final = "Route53AutoNaming_v20170314.DiscoverInstances"
_LOGS: Final = "Logs_20140328.PutLogEvents"
_QUEUE_NAME: Final = re.compile(rb'"QueueUrl"\s*:\s*"[^"]*?(?P<name>[^"/]+)"')
_CARRIES_MESSAGES: Final = ("SendMessage", "SendMessageBatch", "ReceiveMessage")


class MeteredCalls:
    """Counts answered calls.

    Args:
        meter: Where they are counted.
        telemetry: Takes the metrics in log lines.
        callers: Tell whose account pays.
    """

    def __init__(self, meter: Meter, telemetry: Telemetry, callers: Callers) -> None:
        self._meter = meter
        self._telemetry = telemetry
        self._callers = callers

    async def record(self, request: web.BaseRequest, body: bytes, answer: Answer) -> None:
        """Count one call, if it is of a kind that is billed; a refused one is billed only by SQS."""
        target = request.headers.get("X-Amz-Target", "")
        if not target.startswith((_QUEUES, _DISCOVER, _LOGS)):
            return
        owner = await self._callers.owner(request.headers)
        if target.startswith(_QUEUES):
            operation = target.removeprefix(_QUEUES)
            name = _QUEUE_NAME.search(body)
            place = Place(owner.account, owner.region, name["name"].decode() if name else "")
            size = _payload_bytes(operation, body, answer)
            self._meter.count(QUEUE_REQUESTS, place, operation, pieces(size, QUEUE_PIECE_BYTES))
        elif answer.status == 200:
            self._record_other(target, Place(owner.account, owner.region, ""), body)

    def _record_other(self, target: str, place: Place, body: bytes) -> None:
        document = json.loads(body)
        if target == _LOGS:
            messages = [event["message"] for event in document["logEvents"]]
            size = sum(len(message.encode()) for message in messages)
            self._meter.count(LOG_BYTES, place._replace(resource=document["logGroupName"]), "PutLogEvents", size)
            for message in messages:
                self._telemetry.read_event(place.account, place.region, message)
        else:
            self._meter.count(DISCOVERIES, place._replace(resource=document["ServiceName"]), "DiscoverInstances")


def _payload_bytes(operation: str, body: bytes, answer: Answer) -> int:
    """The size of the messages that a call sends or gets: their texts and attributes."""
    content = answer.body if operation.startswith("Receive") else body
    # Most calls are small, whatever is in them.
    if operation not in _CARRIES_MESSAGES or len(content) <= QUEUE_PIECE_BYTES or answer.status != 200:
        return 0
    document = json.loads(content)
    messages = document.get("Entries") or document.get("Messages") or [document]
    return sum(map(_message_bytes, messages))


def _message_bytes(message: Json) -> int:
    text: str = message["MessageBody"] if "MessageBody" in message else message["Body"]
    size = len(text.encode())
    for name, value in (message.get("MessageAttributes") or {}).items():
        content = value.get("StringValue", "").encode() or base64.b64decode(value.get("BinaryValue", ""))
        size += len(name.encode()) + len(value["DataType"]) + len(content)
    return size
