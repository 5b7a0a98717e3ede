"""Requests for items on their way to the emulator, and what they consumed."""

import hashlib
import json
import time
from typing import Final

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer, Json
from sandbox.front.proxy import Proxy
from sandbox.front.signature import Callers
from sandbox.telemetry.table_metrics import READS, WRITES, TableMetrics, TableRequest

_TARGET: Final = "DynamoDB_20120810."
_ASKED: Final = b'"ReturnConsumedCapacity"'
_ASK: Final = b'{"ReturnConsumedCapacity":"INDEXES",'
_CHECKSUM: Final = "X-Amz-Crc32"


class MeteredTables:
    """Sends requests for items on, and counts them.

    Args:
        metrics: Where they are counted.
        callers: Tell whose tables are meant.
        proxy: Reaches the emulator.
    """

    def __init__(self, metrics: TableMetrics, callers: Callers, proxy: Proxy) -> None:
        self._metrics = metrics
        self._callers = callers
        self._proxy = proxy

    def meters(self, request: web.BaseRequest) -> bool:
        """Whether a request is for items."""
        operation = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
        return operation in READS or operation in WRITES

    async def send(self, request: web.BaseRequest, body: bytes) -> Answer:
        """Send one request on; the answer is the one that the caller is to get."""
        operation = request.headers["X-Amz-Target"].removeprefix(_TARGET)
        # Only writes: for reads the emulator tells one figure whatever the size, so these units are computed.
        asks = operation in WRITES and _ASKED not in body and body.startswith(b"{") and len(body) > len("{}")
        started = time.perf_counter()
        answer = await (self._ask(request, body) if asks else self._proxy.send(request, body))
        latency = (time.perf_counter() - started) * 1000
        document, content = _parse(body), _parse(answer.body)
        if document is None or content is None:
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
        )
        self._metrics.record(metered)
        return _without_capacity(answer, content) if asks and answer.status == 200 else answer

    async def _ask(self, request: web.BaseRequest, body: bytes) -> Answer:
        """Ask for the consumed capacity, too; the hash of the true body keeps the caller's signature valid."""
        headers = CIMultiDict(request.headers)
        headers.setdefault("X-Amz-Content-SHA256", hashlib.sha256(body).hexdigest())
        return await self._proxy.send(request, _ASK + body[1:], headers=headers)


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
