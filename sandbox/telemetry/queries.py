"""Reading and putting metrics, request document in, answer document out."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from sandbox.aws import Json
from sandbox.telemetry.calculation import Calculation
from sandbox.telemetry.data_rules import check_data
from sandbox.telemetry.metric_math import Series
from sandbox.telemetry.query_rules import check_queries, check_statistics
from sandbox.telemetry.refusal import INVALID_VALUE, RefusedError
from sandbox.telemetry.series import MINUTE, Dimensions, Metric, Points, Summary, in_order
from sandbox.telemetry.statistics import read_statistic
from sandbox.telemetry.store import MetricStore
from sandbox.telemetry.times import seconds_of

PAGE_METRICS: Final = 500


class Caller(Protocol):
    """Whose metrics are meant."""

    @property
    def account(self) -> str:
        """Twelve digits."""

    @property
    def region(self) -> str:
        """As signed for."""


def put_metric_data(store: MetricStore, caller: Caller, request: Json, now: float) -> None:
    """``PutMetricData``: single values, values with counts, statistic sets.

    Raises:
        RefusedError: See ``check_data``.
    """
    check_data(request, now)
    for datum in request.get("MetricData") or []:
        metric = metric_of(caller, {**datum, "Namespace": request.get("Namespace")})
        at = now if datum.get("Timestamp") is None else seconds_of(datum["Timestamp"])
        store.put(metric, at, _points(datum), datum.get("Unit") or "None")


def get_metric_statistics(store: MetricStore, caller: Caller, request: Json) -> Json:
    """``GetMetricStatistics``: one metric, several statistics per period.

    Raises:
        RefusedError: See ``check_statistics``.
    """
    start, end = seconds_of(request["StartTime"]), seconds_of(request["EndTime"])
    check_statistics(request, (start, end))
    metric, period = metric_of(caller, request), max(MINUTE, int(request["Period"]))
    datapoints = []
    for unit in [request["Unit"]] if request.get("Unit") else store.units(metric):
        # CloudWatch rounds a start of the last 15 days down to the minute (API reference, GetMetricStatistics).
        for begin, points in store.periods(metric, start // MINUTE * MINUTE, end, period, unit):
            at = datetime.fromtimestamp(begin, UTC)
            datapoints.append({"Timestamp": at, "Unit": unit, **_shown(points, request)})
    return {"Label": metric.name, "Datapoints": datapoints}


def get_metric_data(store: MetricStore, caller: Caller, request: Json) -> Json:
    """``GetMetricData``: several metrics at once, and expressions over them.

    Raises:
        MathError: An expression cannot be calculated.
        RefusedError: See ``check_queries``.
    """
    check_queries(request.get("MetricDataQueries") or [])
    start, end = seconds_of(request["StartTime"]), seconds_of(request["EndTime"])
    # Newest first is the default (CloudWatch API reference, GetMetricData).
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    queries = request.get("MetricDataQueries") or []
    period = period_of(queries)
    grid = range(int(start // period) * period, math.ceil(end), period)
    calculation = Calculation(queries, lambda stat: _values(store, caller, stat, (start, end)), grid)
    results = []
    for query in queries:
        if query.get("ReturnData") is False:
            continue
        for series in calculation.series(query["Id"]):
            found = sorted(series.items(), reverse=newest_first)
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label") or query["Id"],
                    "Timestamps": [datetime.fromtimestamp(begin, UTC) for begin, _ in found],
                    "Values": [value for _, value in found],
                    "StatusCode": "Complete",
                }
            )
    return {"MetricDataResults": results}


def period_of(queries: Sequence[Json]) -> int:
    """Seconds: the longest period of the metrics, or of the expressions, that are asked for together."""
    given = [query["MetricStat"].get("Period") if "MetricStat" in query else query.get("Period") for query in queries]
    return max([MINUTE, *(int(one) for one in given if one)])


def list_metrics(store: MetricStore, caller: Caller, request: Json) -> Json:
    """``ListMetrics``: by namespace, name and dimensions; a dimension without a value matches any. 500 are a page.

    Raises:
        RefusedError: The token is none of an earlier page's.
    """
    found = [
        metric
        for metric in store.metrics()
        if (metric.account, metric.region) == (caller.account, caller.region) and _asked_for(metric, request)
    ]
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise RefusedError(INVALID_VALUE, "The value for parameter NextToken is invalid.")
    start, end = int(token), int(token) + PAGE_METRICS
    answer: Json = {"Metrics": [_named(metric) for metric in found[start:end]]}
    return answer | ({"NextToken": str(end)} if len(found) > end else {})


def queried(caller: Caller, request: Json) -> Iterator[Metric]:
    """The metrics whose values a request asks for."""
    if "MetricName" in request and "Period" in request:
        yield metric_of(caller, request)
    for query in request.get("MetricDataQueries") or []:
        if "MetricStat" in query:
            yield metric_of(caller, query["MetricStat"]["Metric"])


def _shown(points: Points, request: Json) -> Json:
    """The statistics that were asked for; an extended one that cannot be taken is left out."""
    if simple := request.get("Statistics"):
        return {name: read_statistic(name).of(points) for name in simple}
    taken = {name: read_statistic(name).of(points) for name in request["ExtendedStatistics"]}
    return {"ExtendedStatistics": {name: value for name, value in taken.items() if value is not None}}


def _values(store: MetricStore, caller: Caller, stat: Json, span: tuple[float, float]) -> Series:
    period, statistic = max(MINUTE, int(stat["Period"])), read_statistic(stat["Stat"])
    start = span[0] // MINUTE * MINUTE
    periods = store.periods(metric_of(caller, stat["Metric"]), start, span[1], period, stat.get("Unit"))
    found = [(begin, statistic.of(points)) for begin, points in periods]
    return {begin: value for begin, value in found if value is not None}


def _named(metric: Metric) -> Json:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}


def _asked_for(metric: Metric, request: Json) -> bool:
    if request.get("Namespace") not in (None, metric.namespace) or request.get("MetricName") not in (None, metric.name):
        return False
    has = dict(metric.dimensions)
    wanted = request.get("Dimensions") or []
    return all(entry["Name"] in has and entry.get("Value") in (None, has[entry["Name"]]) for entry in wanted)


def metric_of(caller: Caller, document: Json) -> Metric:
    """The metric that a document names, in a caller's account and Region."""
    dimensions: Dimensions = in_order({entry["Name"]: entry["Value"] for entry in document.get("Dimensions") or []})
    return Metric(caller.account, caller.region, document["Namespace"], document["MetricName"], dimensions)


def _points(datum: Json) -> Points:
    if datum.get("Values"):
        # Each value is listed once, however often it occurred (CloudWatch API reference, MetricDatum).
        counts = datum.get("Counts") or [1.0] * len(datum["Values"])
        return Points(Counter({float(value): count for value, count in zip(datum["Values"], counts, strict=True)}))
    if known := datum.get("StatisticValues"):
        summary = Summary(known["SampleCount"], known["Sum"], known["Minimum"], known["Maximum"])
        return Points(summaries=[summary])
    return Points.of(float(datum["Value"]))
