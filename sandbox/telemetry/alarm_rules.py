"""Which alarms CloudWatch accepts (API reference, PutMetricAlarm), where a request has the right form. Pure."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

from sandbox.aws import Json
from sandbox.telemetry.calculation import Calculation
from sandbox.telemetry.metric_math import MathError
from sandbox.telemetry.query_rules import check_queries
from sandbox.telemetry.refusal import INVALID, RefusedError
from sandbox.telemetry.series import MINUTE
from sandbox.telemetry.statistics import UnknownStatisticError, read_statistic

ACTIONS: Final = ("OKActions", "AlarmActions", "InsufficientDataActions")
_OF_ONE_METRIC: Final = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
_NEEDED: Final = ("EvaluationPeriods", "ComparisonOperator", "Threshold")
_NOT_EVALUATED: Final = ("EvaluationCriteria", "EvaluationInterval", "WarmUpConfiguration", "ActionConfiguration")
_MISSING_DATA: Final = ("breaching", "notBreaching", "ignore", "missing")
_LOW_SAMPLES: Final = ("evaluate", "ignore")
_BANDS: Final = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
_SHORT_PERIODS: Final = (10, 20, 30)
_HOUR: Final = 3600
_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY
_ACTION: Final = re.compile(
    r"arn:aws[a-z-]*:(?:(?:sns|lambda|autoscaling|swf|ssm|aiops):[a-z0-9-]+:\d{12}:.+"
    r"|automate:[a-z0-9-]+:ec2:(?:stop|terminate|reboot|recover)|ssm-incidents::\d{12}:.+)"
)


def check_alarm(document: Json) -> None:
    """Refuse an alarm that AWS does not make, or that is not evaluated here.

    Raises:
        RefusedError: The text says what is wrong with it.
        MathError: Its expression cannot be calculated.
    """
    for text in _mistakes(document):
        raise RefusedError(INVALID, text)
    if queries := document.get("Metrics") or []:
        check_queries(queries)
        # Calculated once with made-up values: a mistake is told now, and not at each evaluation.
        if len(Calculation(queries, lambda _: {0: 1.0}, (0,)).series(watched(queries))) != 1:
            raise MathError("The expression of an alarm must come to a single time series")


def watched(queries: Sequence[Json]) -> str:
    """The id of the query that an alarm compares with its threshold.

    Raises:
        MathError: There is none, or there are several.
    """
    found = [str(query["Id"]) for query in queries if query.get("ReturnData", True)]
    if len(found) != 1:
        raise MathError("Exactly one element of the metrics list should return data.")
    return found[0]


def _mistakes(document: Json) -> Iterator[str]:
    """What is wrong, the first first; where a text of AWS is not known, it is ours."""
    for name in _NOT_EVALUATED:
        if document.get(name):
            yield f"{name} is not evaluated by the sandbox"
    if "WallClockWindow" in (document.get("EvaluationWindow") or {}):
        yield "An EvaluationWindow of WallClockWindow is not evaluated by the sandbox; it knows SlidingWindow"
    if document.get("ComparisonOperator") in _BANDS or document.get("ThresholdMetricId"):
        yield "Alarms on anomaly detection are not evaluated by the sandbox"
    for name in _NEEDED:
        if document.get(name) is None:
            yield f"{name} is required for alarms based on static thresholds"
    if not math.isfinite(float(document["Threshold"])):
        yield f"The value {document['Threshold']} for parameter Threshold is invalid"
    yield from _mistakes_of_metrics(document) if document.get("Metrics") else _mistakes_of_one_metric(document)
    yield from _mistakes_of_treatment(document)
    for action in (action for name in ACTIONS for action in document.get(name) or []):
        if not _ACTION.fullmatch(action):
            yield f"Invalid arn syntax: {action}"


def _mistakes_of_metrics(document: Json) -> Iterator[str]:
    given = [name for name in _OF_ONE_METRIC if document.get(name)]
    if given:
        yield f"An alarm with Metrics has no {', '.join(given)} of its own"


def _mistakes_of_one_metric(document: Json) -> Iterator[str]:
    if not document.get("MetricName") or not document.get("Namespace"):
        yield "An alarm needs MetricName and Namespace, or Metrics"
    statistic, extended = document.get("Statistic"), document.get("ExtendedStatistic")
    if (statistic is None) == (extended is None):
        yield "Exactly one of Statistic and ExtendedStatistic must be specified"
    if extended is not None and not _is_extended(extended):
        yield f"The value {extended} for parameter ExtendedStatistic is invalid"
    period = document.get("Period")
    if period is None:
        yield "Period is required for alarms based on static thresholds"
    elif period not in _SHORT_PERIODS and period % MINUTE:
        yield f"Period must be 10, 20, 30 or a multiple of 60, got {period}"
    else:
        longest = _WEEK if period >= _HOUR else _DAY
        if period * document["EvaluationPeriods"] > longest:
            yield f"Metrics cannot be checked across more than {longest} seconds (EvaluationPeriods * Period)"


def _mistakes_of_treatment(document: Json) -> Iterator[str]:
    to_alarm, periods = document.get("DatapointsToAlarm"), document["EvaluationPeriods"]
    if to_alarm is not None and to_alarm > periods:
        yield f"DatapointsToAlarm ({to_alarm}) must not be greater than EvaluationPeriods ({periods})"
    for name, words in (("TreatMissingData", _MISSING_DATA), ("EvaluateLowSampleCountPercentile", _LOW_SAMPLES)):
        if document.get(name) not in (None, *words):
            yield f"The value {document[name]} for parameter {name} is invalid; valid are {', '.join(words)}"


def _is_extended(name: str) -> bool:
    try:
        return read_statistic(name).extended
    except UnknownStatisticError:
        return False
