"""Metric math: what expressions come to, what is refused, and alarms on them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from sandbox.telemetry.calculation import Calculation
from sandbox.telemetry.metric_math import MathError, Series
from tests.support.front import Turn, on_turnable
from tests.support.sandbox import Aws, Json

GRID = (0, 60, 120, 180)
KNOWN: dict[str, Series] = {"m1": {0: 1.0, 60: 2.0, 180: 6.0}, "m2": {0: 4.0, 60: 0.0, 120: 8.0}, "errors": {60: -1.5}}


def calculated(expression: str) -> list[Series]:
    """What an expression over the known metrics comes to."""
    metrics = [{"Id": name, "MetricStat": name} for name in KNOWN]
    queries: list[Json] = [*metrics, {"Id": "twice", "Expression": "m1 * 2"}, {"Id": "e", "Expression": expression}]
    return Calculation(queries, lambda name: KNOWN[str(name)], GRID).series("e")


@pytest.mark.parametrize(
    ("expression", "series"),
    [
        ("m1 + m2", {0: 5.0, 60: 2.0}),
        ("m1 - m2 * 2 ^ 2", {0: -15.0, 60: 2.0}),
        ("(m1 + 1) / m2", {0: 0.5}),
        ("errors ^ 0.5", {}),
        ("m1 ^ 1000", {0: 1.0, 60: 2.0**1000}),
        ("-m1", {0: -1.0, 60: -2.0, 180: -6.0}),
        ("twice", {0: 2.0, 60: 4.0, 180: 12.0}),
        ("m1 >= 2 AND m1 < 6", {0: 0.0, 60: 1.0, 180: 0.0}),
        ("SUM([m1, m2])", {0: 5.0, 60: 2.0, 120: 8.0, 180: 6.0}),
        ("AVG([m1, m2])", {0: 2.5, 60: 1.0, 120: 8.0, 180: 6.0}),
        ('SUM(METRICS("m"))', {0: 5.0, 60: 2.0, 120: 8.0, 180: 6.0}),
        ("MAX(METRICS())", {0: 4.0, 60: 2.0, 120: 8.0, 180: 6.0}),
        ("m1 / SUM(m1)", {0: 1 / 9, 60: 2 / 9, 180: 6 / 9}),
        ("FILL(m1, 0)", {0: 1.0, 60: 2.0, 120: 0.0, 180: 6.0}),
        ("FILL(m1, REPEAT)", {0: 1.0, 60: 2.0, 120: 2.0, 180: 6.0}),
        ("FILL(errors, m2)", {0: 4.0, 60: -1.5, 120: 8.0}),
        ("RATE(m1)", {60: 1 / 60, 180: 4 / 120}),
        ("DIFF(m1)", {60: 1.0, 180: 4.0}),
        ("IF(m1 > 1, m1, 0)", {0: 0.0, 60: 2.0, 180: 6.0}),
        ("IF(m2 > 1, m1)", {0: 1.0}),
        ("ABS(CEIL(errors))", {60: 1.0}),
    ],
)
def test_expression_comes_to(expression: str, series: Series) -> None:
    """Point by point, as CloudWatch calculates; where a value is missing there is none, unless it is filled."""
    [found] = calculated(expression)
    assert found == pytest.approx(series)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("ANOMALY_DETECTION_BAND(m1, 2)", "ANOMALY_DETECTION_BAND is not calculated by the sandbox"),
        ("m1 +", "unexpected 'end of the expression'"),
        ("m1 % 2", "unexpected '%'"),
        ("m9", "id 'm9'"),
        ("SUM(m1)", "a number, not a time series"),
        ("(m1", "expected ')'"),
        ("e + 1", "refers to itself"),
    ],
)
def test_expression_is_refused_by_name(expression: str, text: str) -> None:
    """What is not calculated is named, and nothing is guessed."""
    with pytest.raises(MathError, match="Error in expression") as refused:
        calculated(expression)
    assert text in str(refused.value)


def stat(namespace: str, name: str) -> Json:
    """The sum of a metric without dimensions, by the minute."""
    return {"Metric": {"Namespace": namespace, "MetricName": name}, "Period": 60, "Stat": "Sum"}


def test_an_alarm_on_an_expression_follows_the_clock(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A rate of errors raises it, and GetMetricData tells the same numbers; an expression nobody knows is refused."""
    name = f"rate-{tmp_path.name}"

    def steps(endpoint: str, turn: Turn) -> None:
        metrics: Any = Aws(endpoint, tmp_path).client("cloudwatch")
        queries: list[Json] = [
            {"Id": "errors", "MetricStat": stat(name, "Errors"), "ReturnData": False},
            {"Id": "calls", "MetricStat": stat(name, "Calls"), "ReturnData": False},
            {"Id": "rate", "Expression": "100 * errors / calls"},
        ]
        alarm: Json = {
            "AlarmName": name,
            "EvaluationPeriods": 1,
            "Threshold": 10,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        metrics.put_metric_alarm(**alarm, Metrics=queries)
        for errors in (5.0, 20.0):
            data = [{"MetricName": "Errors", "Value": errors}, {"MetricName": "Calls", "Value": 100.0}]
            metrics.put_metric_data(Namespace=name, MetricData=data)
            turn(60)
            [shown] = metrics.describe_alarms(AlarmNames=[name])["MetricAlarms"]
            assert shown["StateValue"] == ("OK" if errors < 10 else "ALARM")
        now = datetime.now(UTC)
        span = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=10)}
        [result] = metrics.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]
        assert (result["Id"], sorted(result["Values"])) == ("rate", [5.0, 20.0])
        unknown = [{"Id": "e", "Expression": "SEARCH('{AWS/Lambda}', 'Sum')"}]
        with pytest.raises(ClientError, match="SEARCH") as refused:
            metrics.get_metric_data(MetricDataQueries=unknown, **span)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        with pytest.raises(ClientError, match="SEARCH"):
            metrics.put_metric_alarm(**alarm, Metrics=unknown)

    on_turnable(sandbox.record.emulator_endpoint, steps)
