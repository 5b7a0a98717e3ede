"""What CloudWatch refuses, so that no alarm is made that AWS would not make, and no value is kept that it would not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.telemetry.alarm_rules import check_alarm
from sandbox.telemetry.data_rules import check_data
from sandbox.telemetry.forms import check_form
from sandbox.telemetry.metric_math import MathError
from sandbox.telemetry.query_rules import check_queries, check_statistics
from sandbox.telemetry.refusal import RefusedError
from tests.support.sandbox import Aws, Json

NOW = 1_795_000_000.0
DAY = 86_400
TOPIC = "arn:aws:sns:us-east-1:000000000000:told"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:called:live"
ALARM: Json = {
    "AlarmName": "rising",
    "Namespace": "Mine",
    "MetricName": "Size",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
DIMENSION: Json = {"Name": "Stage", "Value": "a"}
QUERY: Json = {
    "Id": "m1",
    "MetricStat": {"Metric": {"Namespace": "Mine", "MetricName": "Size"}, "Period": 60, "Stat": "Sum"},
}


def changed(document: Json, changes: Json) -> Json:
    """A request with other members; None takes one away."""
    return {name: value for name, value in (document | changes).items() if value is not None}


def refusal(check: Any, *arguments: Any) -> str:
    """Why a request is refused."""
    with pytest.raises((RefusedError, MathError)) as refused:
        check(*arguments)
    return str(refused.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"Statistic": None}, "Exactly one of Statistic and ExtendedStatistic"),
        ({"ExtendedStatistic": "p99"}, "Exactly one of Statistic and ExtendedStatistic"),
        ({"Statistic": None, "ExtendedStatistic": "pfoo"}, "The value pfoo for parameter ExtendedStatistic"),
        ({"Statistic": None, "ExtendedStatistic": "Sum"}, "The value Sum for parameter ExtendedStatistic"),
        ({"Threshold": None}, "Threshold is required"),
        ({"Threshold": "NaN"}, "The value NaN for parameter Threshold"),
        ({"EvaluationPeriods": None}, "EvaluationPeriods is required"),
        ({"ComparisonOperator": None}, "ComparisonOperator is required"),
        ({"Period": None}, "Period is required"),
        ({"Period": 7}, "Period must be 10, 20, 30 or a multiple of 60, got 7"),
        ({"Period": 300, "EvaluationPeriods": 289}, "more than 86400 seconds"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "more than 604800 seconds"),
        ({"DatapointsToAlarm": 4}, r"DatapointsToAlarm (4) must not be greater than EvaluationPeriods (3)"),
        ({"TreatMissingData": "foo"}, "The value foo for parameter TreatMissingData"),
        ({"EvaluateLowSampleCountPercentile": "foo"}, "The value foo for parameter EvaluateLowSampleCountPercentile"),
        ({"AlarmActions": ["nope"]}, "Invalid arn syntax: nope"),
        ({"OKActions": ["arn:aws:sqs:us-east-1:000000000000:queue"]}, "Invalid arn syntax: arn:aws:sqs"),
        ({"InsufficientDataActions": ["arn:aws:sns:us-east-1:topic"]}, "Invalid arn syntax: arn:aws:sns"),
        ({"MetricName": None}, "An alarm needs MetricName and Namespace, or Metrics"),
        ({"Metrics": [QUERY]}, "An alarm with Metrics has no Namespace, MetricName, Period, Statistic of its own"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "anomaly detection are not evaluated by the sandbox"),
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}}, "EvaluationCriteria is not evaluated"),
        ({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5}}, "WarmUpConfiguration is not evaluated"),
        ({"EvaluationWindow": {"WallClockWindow": {}}}, "WallClockWindow is not evaluated"),
    ],
)
def test_an_alarm_that_aws_does_not_make_is_refused(changes: Json, text: str) -> None:
    """What AWS refuses, and by name what is not evaluated here."""
    assert text in refusal(check_alarm, changed(ALARM, changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Statistic": None, "ExtendedStatistic": "TM(10%:90%)"},
        {"Period": 10},
        {"Period": DAY, "EvaluationPeriods": 7},
        {"Period": 300, "EvaluationPeriods": 288, "DatapointsToAlarm": 288},
        {"AlarmActions": [TOPIC, FUNCTION, "arn:aws:automate:us-east-1:ec2:stop"], "EvaluationWindow": None},
        {"TreatMissingData": "notBreaching", "EvaluateLowSampleCountPercentile": "ignore"},
        dict.fromkeys(("Namespace", "MetricName", "Period", "Statistic")) | {"Metrics": [QUERY]},
    ],
)
def test_an_alarm_that_aws_makes_is_taken(changes: Json) -> None:
    """Nothing is refused that AWS accepts and the sandbox evaluates."""
    check_form("PutMetricAlarm", changed(ALARM, changes))
    check_alarm(changed(ALARM, changes))


@pytest.mark.parametrize(
    ("queries", "text"),
    [
        ([QUERY, QUERY], "The id 'm1' must be unique"),
        ([QUERY | {"Id": "M1"}], "begin with a small letter"),
        ([QUERY | {"Expression": "1"}], "either an Expression or a MetricStat"),
        ([{"Id": "e1"}], "either an Expression or a MetricStat"),
        ([{"Id": "m1", "MetricStat": QUERY["MetricStat"] | {"Stat": "IQR"}}], "The value IQR"),
        ([{"Id": "m1", "MetricStat": QUERY["MetricStat"] | {"Period": 7}}], "m1.MetricStat.Period must be"),
        ([{"Id": "m1", "MetricStat": QUERY["MetricStat"] | {"Metric": {}}}], "a Namespace and a MetricName"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(queries: list[Json], text: str) -> None:
    """In GetMetricData and in alarms."""
    assert text in refusal(check_queries, queries)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"Statistics": None}, "Exactly one of the parameters Statistics and ExtendedStatistics"),
        ({"ExtendedStatistics": ["p50"]}, "Exactly one of the parameters Statistics and ExtendedStatistics"),
        ({"Statistics": None, "ExtendedStatistics": ["p50", "p200"]}, "The value p200"),
        ({"Period": 90}, "The parameter Period must be"),
        ({"Period": 1}, "You have requested up to 3,600 datapoints, which exceeds the limit of 1,440."),
    ],
)
def test_statistics_that_cannot_be_taken_are_refused(changes: Json, text: str) -> None:
    """In GetMetricStatistics."""
    request = changed({"Statistics": ["Sum"], "Period": 60}, changes)
    assert text in refusal(check_statistics, request, (NOW, NOW + 3600))
    assert "must be less than" in refusal(check_statistics, request, (NOW, NOW))


@pytest.mark.parametrize(
    ("datum", "text"),
    [
        ({"Value": "NaN"}, "The value NaN for parameter MetricData.member.1.Value is invalid."),
        ({"Value": float("inf")}, "The value inf for parameter MetricData.member.1.Value is invalid."),
        ({"Values": [1.0, 2.0**361]}, "MetricData.member.1.Values.member.2 is invalid."),
        ({"Values": [1.0], "Counts": [1.0, 2.0]}, "must be of the same size"),
        ({"Values": [1.0], "Counts": [-1.0]}, "must not be negative"),
        ({"Values": [float(value) for value in range(151)]}, "must not have a size greater than 150"),
        ({"StatisticValues": {"SampleCount": 1.0, "Sum": float("nan")}}, "StatisticValues.Sum is invalid."),
        ({"Value": 1.0, "Values": [1.0]}, "exactly one must be given"),
        ({}, "exactly one must be given"),
        ({"Value": 1.0, "Timestamp": NOW - 14 * DAY - 1}, "within the past two weeks"),
        ({"Value": 1.0, "Timestamp": NOW + 7201}, "no more than two hours in the future"),
        ({"Value": 1.0, "StorageResolution": 30}, "must be 1 or 60"),
    ],
)
def test_a_value_that_cloudwatch_does_not_take_is_refused(datum: Json, text: str) -> None:
    """And everything that came with it."""
    request = {"Namespace": "Mine", "MetricData": [datum | {"MetricName": "Size"}]}
    assert text in refusal(check_data, request, NOW)


def test_names_of_services_and_too_many_values_are_refused() -> None:
    """``AWS/`` is for AWS; a request has 1,000 metrics at most; the oldest and the latest time are taken."""
    good: Json = {"MetricName": "Size", "Value": 1.0}
    assert "The value AWS/" in refusal(check_data, {"Namespace": "AWS/Mine", "MetricData": [good]}, NOW)
    assert "greater than 1000" in refusal(check_data, {"Namespace": "Mine", "MetricData": [good] * 1001}, NOW)
    timely = [good | {"Timestamp": datetime.fromtimestamp(at, UTC)} for at in (NOW - 14 * DAY, NOW + 7200)]
    check_data({"Namespace": "Mine", "MetricData": timely}, NOW)


@pytest.mark.parametrize(
    ("operation", "document", "text"),
    [
        ("PutMetricAlarm", ALARM | {"Statistic": "Foo"}, "Value 'Foo' at 'statistic' failed to satisfy"),
        ("PutMetricAlarm", ALARM | {"ComparisonOperator": "Foo"}, "at 'comparisonOperator' failed to satisfy"),
        ("PutMetricAlarm", ALARM | {"AlarmActions": [TOPIC] * 6}, "length less than or equal to 5"),
        ("PutMetricAlarm", {}, "Value null at 'alarmName'"),
        ("PutMetricAlarm", ALARM | {"Period": 0}, "value greater than or equal to 1"),
        ("PutMetricAlarm", ALARM | {"Period": True}, "must be of type integer"),
        ("PutMetricAlarm", ALARM | {"Namespace": ":x"}, "regular expression pattern: [^:].*"),
        ("PutMetricData", {"Namespace": "Mine", "MetricData": [1]}, "at 'metricData.1.member'"),
        (
            "PutMetricData",
            {"Namespace": "Mine", "MetricData": [{"MetricName": "a", "Dimensions": [DIMENSION] * 31}]},
            "length less than or equal to 30",
        ),
        ("DeleteAlarms", {"AlarmNames": 5}, "must be of type list"),
    ],
)
def test_a_request_of_another_form_is_refused(operation: str, document: Json, text: str) -> None:
    """Types, mandatory members, lengths, ranges and words, in AWS's words; all mistakes at once."""
    assert text in refusal(check_form, operation, document)


def test_sdks_are_told_by_the_errors_of_cloudwatch(aws: Aws) -> None:
    """Each with its code, in answer to whoever may call; what was refused is not there."""
    watch = aws.client("cloudwatch")
    span = {"StartTime": datetime(2026, 1, 1, tzinfo=UTC), "EndTime": datetime(2026, 1, 2, tzinfo=UTC)}
    metric: Json = {"Namespace": "Refused", "MetricName": "Size"}
    datum: Json = {"MetricName": "Size", "Value": float("nan")}
    calls: dict[str, Any] = {
        "ValidationError": lambda: watch.put_metric_alarm(**ALARM | {"ExtendedStatistic": "tm90"}),
        "InvalidParameterValue": lambda: watch.put_metric_data(Namespace="Refused", MetricData=[datum]),
        "InvalidParameterCombination": lambda: watch.get_metric_statistics(**metric, **span, Period=60),
    }
    for code, call in calls.items():
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == code
    assert watch.list_metrics(Namespace="Refused")["Metrics"] == []
    assert watch.describe_alarms(AlarmNames=["rising"])["MetricAlarms"] == []
