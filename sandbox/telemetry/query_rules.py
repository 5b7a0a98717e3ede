"""Which requests for values CloudWatch accepts (API reference, GetMetricStatistics, MetricDataQuery). Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from sandbox.aws import Json
from sandbox.telemetry.refusal import INVALID, INVALID_COMBINATION, INVALID_VALUE, RefusedError
from sandbox.telemetry.series import MINUTE
from sandbox.telemetry.statistics import UnknownStatisticError, read_statistic

MOST_DATAPOINTS: Final = 1440
_SHORT_PERIODS: Final = (1, 5, 10, 20, 30)
_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*")


def check_statistics(request: Json, span: tuple[float, float]) -> None:
    """Refuse a request of GetMetricStatistics for this span of seconds.

    Raises:
        RefusedError: The text names the parameter.
    """
    start, end = span
    if start >= end:
        raise RefusedError(INVALID_COMBINATION, "The parameter StartTime must be less than the parameter EndTime.")
    if bool(request.get("Statistics")) == bool(request.get("ExtendedStatistics")):
        text = "Exactly one of the parameters Statistics and ExtendedStatistics must be specified."
        raise RefusedError(INVALID_COMBINATION, text)
    for name in request.get("ExtendedStatistics") or []:
        _check_statistic(name, "ExtendedStatistics")
    _check_period(request["Period"], "Period")
    asked = (end - start) / request["Period"]
    if asked > MOST_DATAPOINTS:
        text = f"You have requested up to {asked:,.0f} datapoints, which exceeds the limit of {MOST_DATAPOINTS:,}."
        raise RefusedError(INVALID_COMBINATION, text)


def check_queries(queries: Sequence[Json]) -> None:
    """Refuse queries of GetMetricData or of an alarm.

    Raises:
        RefusedError: The text names the query.
    """
    for name, count in Counter(query["Id"] for query in queries).items():
        if count > 1 or not _ID.fullmatch(name):
            raise RefusedError(INVALID, f"The id '{name}' must be unique, and begin with a small letter.")
    for query in queries:
        if ("Expression" in query) == ("MetricStat" in query):
            raise RefusedError(INVALID, f"The query '{query['Id']}' must have either an Expression or a MetricStat.")
        if stat := query.get("MetricStat"):
            metric = stat["Metric"]
            if not metric.get("Namespace") or not metric.get("MetricName"):
                raise RefusedError(INVALID, f"The metric of '{query['Id']}' must have a Namespace and a MetricName.")
            _check_statistic(stat["Stat"], f"{query['Id']}.MetricStat.Stat")
            _check_period(stat["Period"], f"{query['Id']}.MetricStat.Period")


def _check_statistic(name: str, parameter: str) -> None:
    try:
        read_statistic(name)
    except UnknownStatisticError as error:
        raise RefusedError(INVALID_VALUE, f"The value {name} for parameter {parameter} is invalid.") from error


def _check_period(period: int, parameter: str) -> None:
    if period not in _SHORT_PERIODS and period % MINUTE:
        text = f"The parameter {parameter} must be 1, 5, 10, 20, 30 or a multiple of 60, got {period}."
        raise RefusedError(INVALID_VALUE, text)
