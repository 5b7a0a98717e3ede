"""Requests for items on their way to the emulator, and what they consumed."""

import hashlib
import json
import re
import time
from typing import Final, Protocol

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer, Json
from sandbox.front.signature import Callers, Owner
from sandbox.front.table_capacity import TableCapacity
from sandbox.meter import Place
from sandbox.meter.units import READ_UNITS, WRITE_UNITS
from sandbox.services import Services
from sandbox.telemetry.item_units import Consumed, read_units, refused_writes, told_units
from sandbox.telemetry.table_metrics import READS, WRITES, TableRequest, tables_of

_TARGET: Final = "DynamoDB_20120810."
_ASKED: Final = b'"ReturnConsumedCapacity"'
_ASK: Final = b'"ReturnConsumedCapacity":"INDEXES"'
_NO: Final = re.compile(rb'"ReturnConsumedCapacity"\s*:\s*"NONE"')
_NARROWED: Final = (
    *(b'"FilterExpression"', b'"ProjectionExpression"', b'"Select"'),
    *(b'"AttributesToGet"', b'"QueryFilter"', b'"ScanFilter"'),
)
"""A read that has one of these answers with less than it has read."""
_TELL: Final = frozenset({"GetItem", "Query", "Scan"})
"""Reads whose answer can say what they consumed."""
_CHECKSUM: Final = "X-Amz-Crc32"
_UNITS: Final = {"read": READ_UNITS, "write": WRITE_UNITS}


class Sender(Protocol):
    """Has requests answered."""

    async def __call__(
        self, request: web.BaseRequest, body: bytes, *, headers: CIMultiDict[str] | None = None
    ) -> Answer:
        """Have one answered; with other headers than its own, if some are given."""


class MeteredTables:
    """Sends requests for items on, and counts them.

    Args:
        services: Count them, as metrics and as what is billed.
        callers: Tell whose tables are meant.
        send: Reaches the emulator, unless a fault stands in the way: what that answers counts like any other answer.
        capacity: What the tables have left.
    """

    def __init__(self, services: Services, callers: Callers, send: Sender, capacity: TableCapacity) -> None:
        self._metrics = services.telemetry.tables
        self._meter = services.meter
        self._aws = services.aws
        self._callers = callers
        self._send = send
        self._capacity = capacity

    def meters(self, request: web.BaseRequest) -> bool:
        """Whether a request is for items."""
        operation = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
        return operation in READS or operation in WRITES

    async def send(self, request: web.BaseRequest, body: bytes) -> Answer:
        """Send one request on; the answer is the one that the caller is to get."""
        operation = request.headers["X-Amz-Target"].removeprefix(_TARGET)
        asks = _must_ask(operation, body)
        started = time.perf_counter()
        answer = await (self._ask(request, body) if asks else self._send(request, body))
        latency = (time.perf_counter() - started) * 1000
        document, content = _parse(body), _parse(answer.body)
        if document is None or content is None or not _is_readable(document):
            return answer
        owner = await self._callers.owner(request.headers)
        metered = TableRequest(
            account=owner.account,
            region=owner.region,
            operation=operation,
            document=document,
            status=answer.status,
            answer=content,
            latency_ms=latency,
            consumed=tuple(await self._consumed(operation, document, answer.status, content, owner)),
        )
        self._metrics.record(metered)
        self._bill(metered)
        self._capacity.take(metered.consumed, owner)
        return _without_capacity(answer, content) if asks and answer.status == 200 else answer

    async def _ask(self, request: web.BaseRequest, body: bytes) -> Answer:
        """Ask for the consumed capacity, too; the hash of the true body keeps the caller's signature valid."""
        headers = CIMultiDict(request.headers)
        headers.setdefault("X-Amz-Content-SHA256", hashlib.sha256(body).hexdigest())
        asking, refused = _NO.subn(_ASK, body)
        return await self._send(request, asking if refused else b"{" + _ASK + b"," + body[1:], headers=headers)

    async def _consumed(
        self, operation: str, document: Json, status: int, answer: Json, owner: Owner
    ) -> list[Consumed]:
        if status == 200:
            if operation in WRITES:
                return list(told_units(answer, "write"))
            return [*told_units(answer, "read")] or [*read_units(operation, document, answer)]
        refused = list(refused_writes(operation, document, answer))
        if not refused:
            return []
        request: Json = {"Items": [{"TableName": one.table, "Key": one.key} for one in refused]}
        sizes = await self._aws.call(
            "AmazonSQS.SandboxMeasureItems", request, service="sqs", region=owner.region, account=owner.account
        )
        return [one.consumed(size) for one, size in zip(refused, sizes["Bytes"], strict=True)]

    def _bill(self, request: TableRequest) -> None:
        cause = request.operation if request.status == 200 else f"{request.operation}, refused"
        for one in request.consumed:
            resource = f"{one.table}/index/{one.index}" if one.index else one.table
            self._meter.count(_UNITS[one.kind], Place(request.account, request.region, resource), cause, one.units)


def _is_readable(document: Json) -> bool:
    """Whether a request says which tables it is for, if it is for any; a malformed one counts for nothing."""
    try:
        tables_of(document)
    except (AttributeError, KeyError, TypeError):
        return False
    return True


def _must_ask(operation: str, body: bytes) -> bool:
    """Whether only the emulator knows what a request consumes."""
    if not body.startswith(b"{") or len(body) <= len("{}") or (_ASKED in body and not _NO.search(body)):
        return False
    return operation in WRITES or (operation in _TELL and any(mark in body for mark in _NARROWED))


def _without_capacity(answer: Answer, content: Json) -> Answer:
    content.pop("ConsumedCapacity", None)
    headers = CIMultiDict(answer.headers)
    # SDKs hold it against the body, which is another one now.
    headers.popall(_CHECKSUM, None)
    return Answer(answer.status, CIMultiDictProxy(headers), json.dumps(content, separators=(",", ":")).encode())


def _parse(body: bytes) -> Json | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
