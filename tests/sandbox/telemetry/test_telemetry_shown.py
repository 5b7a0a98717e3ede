"""What CloudWatch shows of alarms: what they are, and what became of them."""

import json
from pathlib import Path
from typing import Any

from sandbox.client import RunningSandbox
from tests.support.front import Turn, on_turnable
from tests.support.sandbox import Aws, Json


def test_an_alarm_is_shown_as_it_was_put(aws: Aws) -> None:
    """With its expression or its extended statistic, and without what nobody gave."""
    watch: Any = aws.client("cloudwatch")
    name = f"shown-{aws.folder.name}"
    common: Json = {"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
    stat: Json = {"Metric": {"Namespace": "Mine", "MetricName": "Size"}, "Period": 60, "Stat": "Sum"}
    metrics: list[Json] = [{"Id": "m1", "MetricStat": stat}]
    watch.put_metric_alarm(AlarmName=name, Metrics=metrics, **common)
    [shown] = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert shown["Metrics"] == metrics
    assert not {"Statistic", "Period", "MetricName"} & set(shown)
    one: Json = {"Namespace": "Mine", "MetricName": "Size", "Period": 60, "ExtendedStatistic": "p99"}
    watch.put_metric_alarm(AlarmName=name, EvaluateLowSampleCountPercentile="ignore", Unit="Bytes", **one, **common)
    [shown] = watch.describe_alarms_for_metric(Namespace="Mine", MetricName="Size", ExtendedStatistic="p99")[
        "MetricAlarms"
    ]
    assert (shown["ExtendedStatistic"], shown["Unit"]) == ("p99", "Bytes")
    assert shown["EvaluateLowSampleCountPercentile"] == "ignore"
    assert "Statistic" not in shown


def test_alarms_are_found_by_what_they_do(aws: Aws) -> None:
    """By the beginning of an action for any state."""
    watch: Any = aws.client("cloudwatch")
    topic = f"arn:aws:sns:us-east-1:{aws.account}:acts-{aws.folder.name}"
    for name, actions in (("quiet", {}), ("loud", {"OKActions": [topic]}), ("other", {"AlarmActions": [topic + "-2"]})):
        watch.put_metric_alarm(
            AlarmName=f"{name}-{aws.folder.name}",
            Namespace="Mine",
            MetricName="Size",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
            **actions,
        )
    for prefix, names in ((topic, ["loud", "other"]), (topic + "-", ["other"])):
        found = watch.describe_alarms(ActionPrefix=prefix)["MetricAlarms"]
        assert sorted(alarm["AlarmName"].partition("-")[0] for alarm in found) == names


def test_alarms_on_a_metric_are_found_by_all_that_it_is(aws: Aws) -> None:
    """Its dimensions, whether asked for or not; the statistic, the period and the unit where they are asked for."""
    watch: Any = aws.client("cloudwatch")
    namespace = f"found-{aws.folder.name}"
    stage: Json = {"Dimensions": [{"Name": "Stage", "Value": "a"}]}
    kinds: dict[str, Json] = {
        "sum": {"Statistic": "Sum"},
        "high": {"ExtendedStatistic": "p99"},
        "slow": {"Statistic": "Sum", "Period": 300},
        "bytes": {"Statistic": "Sum", "Unit": "Bytes"},
        "stage": {"Statistic": "Sum", **stage},
    }
    for name, own in kinds.items():
        watch.put_metric_alarm(
            AlarmName=f"{name}-{namespace}",
            Namespace=namespace,
            MetricName="Size",
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
            **{"Period": 60, **own},
        )
    for asked, names in (
        ({}, ["bytes", "high", "slow", "sum"]),
        ({"Statistic": "Sum"}, ["bytes", "slow", "sum"]),
        ({"ExtendedStatistic": "p99"}, ["high"]),
        ({"Period": 300}, ["slow"]),
        ({"Unit": "Bytes"}, ["bytes"]),
        (stage, ["stage"]),
    ):
        found = watch.describe_alarms_for_metric(Namespace=namespace, MetricName="Size", **asked)["MetricAlarms"]
        assert sorted(alarm["AlarmName"].partition("-")[0] for alarm in found) == names


def test_the_history_of_an_alarm_is_told(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """When it was made, changed its state, acted and was deleted, on the sandbox's clock; the newest first."""
    name = f"told-{tmp_path.name}"

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        watch: Any = aws.client("cloudwatch")
        topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
        gone = topic.replace(name, "gone")
        watch.put_metric_alarm(
            AlarmName=name,
            Namespace=name,
            MetricName="Size",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[topic, gone],
        )
        turn(7200)
        watch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "Size", "Value": 2.0}])
        turn(60)
        watch.delete_alarms(AlarmNames=[name])
        items = watch.describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
        assert [item["HistorySummary"] for item in items] == [
            f'Alarm "{name}" deleted',
            f"Failed to execute action {gone}",
            f"Successfully executed action {topic}",
            "Alarm updated from INSUFFICIENT_DATA to ALARM",
            f'Alarm "{name}" created',
        ]
        assert 7200 < (items[3]["Timestamp"] - items[4]["Timestamp"]).total_seconds() < 7400
        assert json.loads(items[3]["HistoryData"])["newState"]["stateValue"] == "ALARM"
        wish: Json = {"AlarmName": name, "ScanBy": "TimestampAscending", "HistoryItemType": "Action", "MaxRecords": 1}
        [first] = watch.describe_alarm_history(**wish)["AlarmHistoryItems"]
        assert first["HistorySummary"].startswith("Successfully")
        assert watch.describe_alarm_history(StartDate=items[0]["Timestamp"], AlarmName="x")["AlarmHistoryItems"] == []

    on_turnable(sandbox.record.emulator_endpoint, steps)
