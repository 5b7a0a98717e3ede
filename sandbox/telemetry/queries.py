"""Reading and putting metrics, request document in, answer document out."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from sandbox.aws import Json
from sandbox.telemetry.series import MINUTE, Dimensions, Metric, Points, Summary, in_order
from sandbox.telemetry.store import MetricStore


class Caller(Protocol):
    """Whose metrics are meant."""

    @property
    def account(self) -> str:
        """Twelve digits."""

    @property
    def region(self) -> str:
        """As signed for."""


def put_metric_data(store: MetricStore, caller: Caller, request: Json, now: float) -> None:
    """``PutMetricData``: single values, values with counts, statistic sets."""
    for datum in request.get("MetricData") or []:
        metric = _metric(caller, {**datum, "Namespace": request.get("Namespace")})
        at = now if datum.get("Timestamp") is None else _time(datum["Timestamp"])
        store.put(metric, at, _points(datum), datum.get("Unit") or "None")


def get_metric_statistics(store: MetricStore, caller: Caller, request: Json) -> Json:
    """``GetMetricStatistics``: one metric, several statistics per period."""
    metric, period = _metric(caller, request), max(MINUTE, int(request["Period"]))
    simple, extended = request.get("Statistics") or [], request.get("ExtendedStatistics") or []
    start, end = _time(request["StartTime"]), _time(request["EndTime"])
    datapoints = []
    for begin, points in store.periods(metric, start // MINUTE * MINUTE, end, period):
        shown: Json = {"Timestamp": datetime.fromtimestamp(begin, UTC), "Unit": store.unit(metric)}
        shown |= {name: points.statistic(name) for name in simple}
        percentiles = {name: points.statistic(name) for name in extended}
        if percentiles := {name: value for name, value in percentiles.items() if value is not None}:
            shown["ExtendedStatistics"] = percentiles
        datapoints.append(shown)
    return {"Label": metric.name, "Datapoints": datapoints}


def get_metric_data(store: MetricStore, caller: Caller, request: Json) -> Json:
    """``GetMetricData``: several metrics at once; expressions are not calculated."""
    start, end = _time(request["StartTime"]), _time(request["EndTime"])
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    results = []
    for query in request.get("MetricDataQueries") or []:
        if query.get("ReturnData") is False:
            continue
        found = [] if "MetricStat" not in query else _values(store, caller, query["MetricStat"], (start, end))
        found.sort(reverse=newest_first)
        results.append(
            {
                "Id": query["Id"],
                "Label": query.get("Label") or query["Id"],
                "Timestamps": [datetime.fromtimestamp(begin, UTC) for begin, _ in found],
                "Values": [value for _, value in found],
                **_status(query),
            }
        )
    return {"MetricDataResults": results}


def list_metrics(store: MetricStore, caller: Caller, request: Json) -> Json:
    """``ListMetrics``: by namespace, name and dimensions; a dimension without a value matches any."""
    shown = []
    for metric in store.metrics():
        if (metric.account, metric.region) != (caller.account, caller.region) or not _asked_for(metric, request):
            continue
        dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
        shown.append({"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions})
    return {"Metrics": shown}


def queried(caller: Caller, request: Json) -> Iterator[Metric]:
    """The metrics whose values a request asks for."""
    if "MetricName" in request and "Period" in request:
        yield _metric(caller, request)
    for query in request.get("MetricDataQueries") or []:
        if "MetricStat" in query:
            yield _metric(caller, query["MetricStat"]["Metric"])


def _values(store: MetricStore, caller: Caller, stat: Json, span: tuple[float, float]) -> list[tuple[int, float]]:
    period = max(MINUTE, int(stat["Period"]))
    periods = store.periods(_metric(caller, stat["Metric"]), span[0] // MINUTE * MINUTE, span[1], period)
    found = [(begin, points.statistic(stat["Stat"])) for begin, points in periods]
    return [(begin, value) for begin, value in found if value is not None]


def _status(query: Json) -> Json:
    if "Expression" not in query:
        return {"StatusCode": "Complete"}
    told = {"Code": "Unsupported", "Value": "The sandbox calculates no expressions; ask for the metrics themselves."}
    return {"StatusCode": "InternalError", "Messages": [told]}


def _asked_for(metric: Metric, request: Json) -> bool:
    if request.get("Namespace") not in (None, metric.namespace) or request.get("MetricName") not in (None, metric.name):
        return False
    has = dict(metric.dimensions)
    wanted = request.get("Dimensions") or []
    return all(entry["Name"] in has and entry.get("Value") in (None, has[entry["Name"]]) for entry in wanted)


def _metric(caller: Caller, document: Json) -> Metric:
    dimensions: Dimensions = in_order({entry["Name"]: entry["Value"] for entry in document.get("Dimensions") or []})
    return Metric(caller.account, caller.region, document["Namespace"], document["MetricName"], dimensions)


def _points(datum: Json) -> Points:
    if datum.get("Values"):
        counts = datum.get("Counts") or [1.0] * len(datum["Values"])
        return Points(Counter({float(value): count for value, count in zip(datum["Values"], counts, strict=True)}))
    if known := datum.get("StatisticValues"):
        summary = Summary(known["SampleCount"], known["Sum"], known["Minimum"], known["Maximum"])
        return Points(summaries=[summary])
    return Points.of(float(datum.get("Value") or 0.0))


def _time(value: Any) -> float:
    """A time of CBOR or of JSON: a tagged one, seconds, or ISO text."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return float(value)
