"""CloudWatch's API for metrics and alarms; tags, composite alarms and the dashboards themselves are the emulator's.

The emulator judges every caller: it gets each request, with the caller's own signature. It never sees a metric, and it
keeps every alarm with its actions off: it would mix up the metrics of different resources and act on them.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from sandbox.aws import Answer, Json
from sandbox.clock import Clock
from sandbox.front.metrics_exchange import CBOR_PATH, Exchange
from sandbox.front.proxy import Proxy
from sandbox.front.signature import Owner
from sandbox.telemetry import Telemetry
from sandbox.telemetry.alarm import Alarm
from sandbox.telemetry.alarm_rules import check_alarm
from sandbox.telemetry.alarm_search import is_found
from sandbox.telemetry.dashboards import check_dashboard
from sandbox.telemetry.forms import check_form
from sandbox.telemetry.history import Entry
from sandbox.telemetry.metric_math import MathError
from sandbox.telemetry.queries import get_metric_data, get_metric_statistics, list_metrics, put_metric_data, queried
from sandbox.telemetry.refusal import INVALID, RefusedError

_JSON_TARGET: Final = re.compile(r"GraniteServiceVersion20100801\.(?P<operation>\w+)")
MOST_RECORDS: Final = 100
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
        self._served: dict[str, Callable[[Exchange], Awaitable[web.StreamResponse]]] = {
            "PutMetricData": self._put_data,
            "GetMetricStatistics": self._get_statistics,
            "GetMetricData": self._get_data,
            "ListMetrics": self._list,
            "PutMetricAlarm": self._put_alarm,
            "DescribeAlarms": self._describe,
            "DescribeAlarmsForMetric": self._describe,
            "DescribeAlarmHistory": self._tell_history,
            "DeleteAlarms": self._delete,
            "SetAlarmState": self._set_state,
            "EnableAlarmActions": self._switch_actions,
            "DisableAlarmActions": self._switch_actions,
            "PutDashboard": self._put_dashboard,
        }

    def serves(self, request: web.BaseRequest) -> str | None:
        """The operation that a request asks for, if it is one of ours."""
        match = CBOR_PATH.fullmatch(request.path) or _JSON_TARGET.fullmatch(request.headers.get("X-Amz-Target", ""))
        return match["operation"] if match and match["operation"] in self._served else None

    async def handle(self, request: web.BaseRequest, operation: str, owner: Owner) -> web.StreamResponse:
        """Answer one request as CloudWatch does."""
        body = await request.read()
        exchange = Exchange(request, body, operation, owner)
        if exchange.document is None:
            verdict = await self._proxy.send(request, body)
            # The emulator, too, makes nothing of it, when it has judged the caller.
            refused = exchange.refuse("SerializationException", "The request is no object in the protocol's encoding.")
            return self._proxy.respond(request, verdict) if verdict.status < 500 else refused
        try:
            check_form(operation, exchange.given)
            return await self._served[operation](exchange)
        except RefusedError as error:
            return exchange.refuse(error.code, str(error))
        except MathError as error:
            return exchange.refuse(INVALID, str(error))

    async def _put_data(self, exchange: Exchange) -> web.StreamResponse:
        verdict = await self._send(exchange, _NOT_AN_OBJECT)
        if verdict.status != 500:
            return self._proxy.respond(exchange.request, verdict)
        put_metric_data(self._telemetry.store, exchange.owner, exchange.given, self._clock.now())
        return exchange.answer({})

    async def _get_statistics(self, exchange: Exchange) -> web.StreamResponse:
        return await self._read(exchange, get_metric_statistics)

    async def _get_data(self, exchange: Exchange) -> web.StreamResponse:
        return await self._read(exchange, get_metric_data)

    async def _list(self, exchange: Exchange) -> web.StreamResponse:
        return await self._read(exchange, list_metrics)

    async def _read(self, exchange: Exchange, query: Callable[..., Json]) -> web.StreamResponse:
        judged = await self._send(exchange, exchange.given)
        if judged.status != 200:
            return self._proxy.respond(exchange.request, judged)
        for metric in queried(exchange.owner, exchange.given):
            await self._telemetry.queues.measure(metric, self._clock.now())
        return exchange.answer(query(self._telemetry.store, exchange.owner, exchange.given))

    async def _put_alarm(self, exchange: Exchange) -> web.StreamResponse:
        check_alarm(exchange.given)
        answer = await self._send(exchange, exchange.given | {"ActionsEnabled": False})
        if answer.status == 200:
            await self._telemetry.watch(exchange.owner.account, exchange.owner.region, exchange.given)
        return self._proxy.respond(exchange.request, answer)

    async def _describe(self, exchange: Exchange) -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        document = exchange.read(answer) if answer.status == 200 else None
        if document is None:
            return self._proxy.respond(exchange.request, answer)
        alarms: list[Json] = document.get("MetricAlarms") or []
        for shown in alarms:
            alarm = self._find(exchange, shown.get("AlarmName", ""))
            if alarm is not None:
                _complete(shown, alarm, exchange)
        document["MetricAlarms"] = [shown for shown in alarms if is_found(shown, exchange.given)]
        return exchange.answer(document)

    async def _tell_history(self, exchange: Exchange) -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        # What became of composite alarms the emulator knows, on its own clock.
        if answer.status != 200 or "MetricAlarm" not in (exchange.given.get("AlarmTypes") or ["MetricAlarm"]):
            return self._proxy.respond(exchange.request, answer)
        found = self._telemetry.history.find(exchange.owner.account, exchange.owner.region, exchange.given)
        found = found[: exchange.given.get("MaxRecords", MOST_RECORDS)]
        return exchange.answer({"AlarmHistoryItems": [_item(entry, exchange) for entry in found]})

    async def _delete(self, exchange: Exchange) -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        if answer.status == 200:
            for name in exchange.given.get("AlarmNames") or []:
                self._telemetry.forget(exchange.owner.account, exchange.owner.region, name)
        return self._proxy.respond(exchange.request, answer)

    async def _set_state(self, exchange: Exchange) -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        alarm = self._find(exchange, exchange.given.get("AlarmName", ""))
        if answer.status == 200 and alarm is not None:
            given = exchange.given
            await self._telemetry.set_state(alarm, given["StateValue"], given["StateReason"])
        return self._proxy.respond(exchange.request, answer)

    async def _switch_actions(self, exchange: Exchange) -> web.StreamResponse:
        answer = await self._send(exchange, exchange.given)
        if answer.status == 200:
            for name in exchange.given.get("AlarmNames") or []:
                alarm = self._find(exchange, name)
                if alarm is not None:
                    await self._telemetry.switch_actions(alarm, on=exchange.operation == "EnableAlarmActions")
        return self._proxy.respond(exchange.request, answer)

    async def _put_dashboard(self, exchange: Exchange) -> web.StreamResponse:
        check_dashboard(exchange.given)
        return self._proxy.respond(exchange.request, await self._send(exchange, exchange.given))

    def _find(self, exchange: Exchange, name: str) -> Alarm | None:
        return self._telemetry.alarms.find(exchange.owner.account, exchange.owner.region, name)

    async def _send(self, exchange: Exchange, document: object) -> Answer:
        """Send the caller's request with another content; the hash of the true one keeps the signature valid."""
        headers = CIMultiDict(exchange.request.headers)
        headers.setdefault("X-Amz-Content-SHA256", hashlib.sha256(exchange.body).hexdigest())
        return await self._proxy.send(exchange.request, exchange.pack(document), headers=headers)


def _complete(shown: Json, alarm: Alarm, exchange: Exchange) -> None:
    """Show an alarm as it was put: the emulator keeps no metric math, and a statistic also where none was given."""
    for name in ("Statistic", "Period"):
        shown.pop(name, None)
    shown |= {name: value for name, value in alarm.document.items() if value is not None and name != "Tags"}
    updated = exchange.time(alarm.updated)
    shown |= {
        "ActionsEnabled": alarm.enabled,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": updated,
        "StateTransitionedTimestamp": updated,
        "AlarmConfigurationUpdatedTimestamp": exchange.time(alarm.configured),
    }


def _item(entry: Entry, exchange: Exchange) -> Json:
    return {
        "AlarmName": entry.alarm,
        "AlarmType": "MetricAlarm",
        "Timestamp": exchange.time(entry.at),
        "HistoryItemType": entry.kind,
        "HistorySummary": entry.summary,
        "HistoryData": json.dumps(entry.details),
    }
