"""CloudWatch's API for metrics and alarms; dashboards, tags and composite alarms are the emulator's.

The emulator judges every caller: it gets each request, with the caller's own signature. It never sees a metric, and it
keeps every alarm with its actions off: it would mix up the metrics of different resources and act on them.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web
from multidict import CIMultiDict

from sandbox.aws import Answer, Json
from sandbox.clock import Clock
from sandbox.front.proxy import Proxy
from sandbox.front.signature import Owner
from sandbox.telemetry import Telemetry, cbor
from sandbox.telemetry.alarms import Alarm, check
from sandbox.telemetry.metric_math import MathError
from sandbox.telemetry.queries import get_metric_data, get_metric_statistics, list_metrics, put_metric_data, queried

# Of CloudWatch's protocols botocore speaks this one first (from 1.43 on).
_CBOR_PATH: Final = re.compile(r"/service/GraniteServiceVersion20100801/operation/(?P<operation>\w+)/?")
_JSON_TARGET: Final = re.compile(r"GraniteServiceVersion20100801\.(?P<operation>\w+)")
_NOT_AN_OBJECT: Final = [1]
"""As a request, refused by the emulator after it has judged the caller, and before it does anything."""


class MetricsApi:
    """Serves what SDKs send to ``monitoring``, in CBOR and in JSON.

    Args:
        telemetry: Metrics and alarms.
        clock: Stamps metrics that come without a time.
        proxy: Reaches the emulator.
    """

    def __init__(self, telemetry: Telemetry, clock: Clock, proxy: Proxy) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._proxy = proxy
        self._served: dict[str, Callable[[_Exchange], Awaitable[web.StreamResponse]]] = {
            "PutMetricData": self._put_data,
            "GetMetricStatistics": self._get_statistics,
            "GetMetricData": self._get_data,
            "ListMetrics": self._list,
            "PutMetricAlarm": self._put_alarm,
            "DescribeAlarms": self._describe,
            "DescribeAlarmsForMetric": self._describe,
            "DeleteAlarms": self._delete,
            "SetAlarmState": self._set_state,
            "EnableAlarmActions": self._switch_actions,
            "DisableAlarmActions": self._switch_actions,
        }

    def serves(self, request: web.BaseRequest) -> str | None:
        """The operation that a request asks for, if it is one of ours."""
        match = _CBOR_PATH.fullmatch(request.path) or _JSON_TARGET.fullmatch(request.headers.get("X-Amz-Target", ""))
        return match["operation"] if match and match["operation"] in self._served else None

    async def handle(self, request: web.BaseRequest, operation: str, owner: Owner) -> web.StreamResponse:
        """Answer one request as CloudWatch does."""
        body = await request.content.read()
        exchange = _Exchange(request, body, operation, owner)
        if exchange.document is None:
            return self._proxy.respond(request, await self._proxy.send(request, body))
        return await self._served[operation](exchange)

    async def _put_data(self, exchange: "_Exchange") -> web.StreamResponse:
        verdict = await self._send(exchange, _NOT_AN_OBJECT)
        if verdict.status != 500:
            return self._proxy.respond(exchange.request, verdict)
        put_metric_data(self._telemetry.store, exchange.owner, exchange.given, self._clock.now())
        return exchange.answer({})

    async def _get_statistics(self, exchange: "_Exchange") -> web.StreamResponse:
        return await self._read(exchange, get_metric_statistics)

    async def _get_data(self, exchange: "_Exchange") -> web.StreamResponse:
        return await self._read(exchange, get_metric_data)

    async def _list(self, exchange: "_Exchange") -> web.StreamResponse:
        return await self._read(exchange, list_metrics)

    async def _read(self, exchange: "_Exchange", query: Callable[..., Json]) -> web.StreamResponse:
        judged = await self._send(exchange, exchange.given)
        if judged.status != 200:
            return self._proxy.respond(exchange.request, judged)
        for metric in queried(exchange.owner, exchange.given):
            await self._telemetry.queues.measure(metric, self._clock.now())
        try:
            return exchange.answer(query(self._telemetry.store, exchange.owner, exchange.given))
        except MathError as error:
            return exchange.refuse(str(error))

    async def _put_alarm(self, exchange: "_Exchange") -> web.StreamResponse:
        try:
            check(exchange.given.get("Metrics") or [])
        except MathError as error:
            return exchange.refuse(str(error))
        answer = await self._send(exchange, exchange.given | {"ActionsEnabled": False})
        if answer.status == 200:
            await self._telemetry.watch(exchange.owner.account, exchange.owner.region, exchange.given)
        return self._proxy.respond(exchange.request, answer)

    async def _describe(self, exchange: "_Exchange") -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        document = exchange.read(answer) if answer.status == 200 else None
        if document is None:
            return self._proxy.respond(exchange.request, answer)
        for shown in document.get("MetricAlarms") or []:
            alarm = self._find(exchange, shown.get("AlarmName", ""))
            if alarm is not None:
                shown |= {
                    "ActionsEnabled": alarm.enabled,
                    "StateReason": alarm.reason,
                    "StateUpdatedTimestamp": exchange.time(alarm.updated),
                    "AlarmConfigurationUpdatedTimestamp": exchange.time(alarm.configured),
                }
        return exchange.answer(document)

    async def _delete(self, exchange: "_Exchange") -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        if answer.status == 200:
            for name in exchange.given.get("AlarmNames") or []:
                self._telemetry.alarms.delete(exchange.owner.account, exchange.owner.region, name)
        return self._proxy.respond(exchange.request, answer)

    async def _set_state(self, exchange: "_Exchange") -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        alarm = self._find(exchange, exchange.given.get("AlarmName", ""))
        if answer.status == 200 and alarm is not None:
            given = exchange.given
            await self._telemetry.set_state(alarm, given["StateValue"], given["StateReason"])
        return self._proxy.respond(exchange.request, answer)

    async def _switch_actions(self, exchange: "_Exchange") -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        if answer.status == 200:
            for name in exchange.given.get("AlarmNames") or []:
                alarm = self._find(exchange, name)
                if alarm is not None:
                    await self._telemetry.switch_actions(alarm, on=exchange.operation == "EnableAlarmActions")
        return self._proxy.respond(exchange.request, answer)

    def _find(self, exchange: "_Exchange", name: str) -> Alarm | None:
        return self._telemetry.alarms.find(exchange.owner.account, exchange.owner.region, name)

    async def _send(self, exchange: "_Exchange", document: object) -> Answer:
        """Send the caller's request with another content; the hash of the true one keeps the signature valid."""
        headers = CIMultiDict(exchange.request.headers)
        headers.setdefault("X-Amz-Content-SHA256", hashlib.sha256(exchange.body).hexdigest())
        return await self._proxy.send(exchange.request, exchange.write(document), headers=headers)


class _Exchange:
    """One request, in the protocol in which it came."""

    def __init__(self, request: web.BaseRequest, body: bytes, operation: str, owner: Owner) -> None:
        self.request = request
        self.body = body
        self.operation = operation
        self.owner = owner
        self._cbor = _CBOR_PATH.fullmatch(request.path) is not None
        self.document = self._parse(body)

    @property
    def given(self) -> Json:
        """The request's members."""
        return self.document or {}

    def read(self, answer: Answer) -> Json | None:
        """The members of an answer."""
        return self._parse(answer.body)

    def write(self, document: object) -> bytes:
        """A document in the protocol's encoding."""
        return cbor.dumps(document) if self._cbor else json.dumps(document, default=_seconds).encode()

    def time(self, seconds: float) -> datetime | float:
        """A time as the protocol writes it."""
        return datetime.fromtimestamp(seconds, UTC) if self._cbor else seconds

    def answer(self, document: Json) -> web.Response:
        """A successful answer."""
        if self._cbor:
            headers = {"smithy-protocol": "rpc-v2-cbor"}
            return web.Response(body=self.write(document), content_type="application/cbor", headers=headers)
        return web.Response(body=self.write(document), content_type="application/x-amz-json-1.0")

    def refuse(self, text: str) -> web.Response:
        """CloudWatch's ValidationError."""
        document = {"__type": "ValidationError", "message": text}
        if self._cbor:
            # SDKs take the code from this header: the service once spoke the query protocol.
            headers = {"smithy-protocol": "rpc-v2-cbor", "x-amzn-query-error": "ValidationError;Sender"}
            body = self.write(document)
            return web.Response(status=400, body=body, content_type="application/cbor", headers=headers)
        return web.Response(status=400, body=self.write(document), content_type="application/x-amz-json-1.0")

    def _parse(self, body: bytes) -> Json | None:
        try:
            document: Any = (cbor.loads(body) if self._cbor else json.loads(body)) if body else {}
        except ValueError:
            return None
        return document if isinstance(document, dict) else None


def _seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON")
