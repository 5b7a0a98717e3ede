"""Alarms and their series, minute by minute; without a sandbox, so that each value's time is known."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from sandbox.aws import AwsClient
from sandbox.quotas import Quotas
from sandbox.services import services_on
from sandbox.telemetry.alarm import Alarm
from sandbox.telemetry.alarms import Alarms
from sandbox.telemetry.notices import Change
from sandbox.telemetry.series import Metric, Points, in_order
from sandbox.telemetry.store import MetricStore
from tests.support.sandbox import ACCOUNT, REGION, Json

BEGIN = 1_795_000_200
"""An hour's tenth minute."""
SIZE = Metric(ACCOUNT, REGION, "Mine", "Size")


ALARM: Json = {
    "AlarmName": "rising",
    "Namespace": "Mine",
    "MetricName": "Size",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


class Watch:
    """Alarms over a store, looked at when a test says so."""

    def __init__(self) -> None:
        self.store = MetricStore()
        self.alarms = Alarms(self.store)

    def put(self, **changes: Any) -> Alarm:
        """An alarm on more than 5 in a minute, once."""
        return self.alarms.put(ACCOUNT, REGION, ALARM | changes, BEGIN)

    def value(self, *values: float, minute: int = 0, metric: Metric = SIZE, unit: str = "None") -> None:
        """Values so many minutes after the beginning."""
        self.store.put(metric, BEGIN + 60 * minute, Points.of(*values), unit)

    def state(self, alarm: Alarm, minute: int = 1) -> str:
        """The state after it was looked at when so many minutes were over."""
        self.alarms.evaluate(alarm, BEGIN + 60 * minute)
        return alarm.state


def test_only_values_in_the_alarms_unit_count() -> None:
    """In another unit there are none for it; without one, all count."""
    watch = Watch()
    watch.value(9, unit="Count")
    assert [watch.state(watch.put(AlarmName=unit, Unit=unit)) for unit in ("Bytes", "Count")] == [
        "INSUFFICIENT_DATA",
        "ALARM",
    ]
    assert watch.state(watch.put()) == "ALARM"


def test_extended_statistics_raise_alarms() -> None:
    """Nine small values and a large one: large on average, and small when the largest tenth is left out."""
    watch = Watch()
    watch.value(*[1.0] * 9, 100.0)
    assert watch.state(watch.put(Statistic="Average")) == "ALARM"
    assert watch.state(watch.put(AlarmName="trimmed", Statistic=None, ExtendedStatistic="tm90")) == "OK"
    assert watch.state(watch.put(AlarmName="share", Statistic=None, ExtendedStatistic="PR(50:)")) == "ALARM"


@pytest.mark.parametrize(("samples", "state"), [(999, "INSUFFICIENT_DATA"), (1000, "ALARM")])
def test_a_percentile_of_too_few_values_changes_nothing(samples: int, state: str) -> None:
    """Of p99 ten times a hundred, if the alarm is to ignore fewer."""
    watch = Watch()
    watch.value(*[9.0] * samples)
    wish: Json = {"Statistic": None, "ExtendedStatistic": "p99"}
    assert watch.state(watch.put(**wish, EvaluateLowSampleCountPercentile="ignore")) == state
    assert watch.state(watch.put(AlarmName="any", **wish)) == "ALARM"


def test_missing_data_of_tables_is_ignored() -> None:
    """DynamoDB reports throttles only when there are some: an alarm keeps its state unless it was told otherwise."""
    watch = Watch()
    table = Metric(ACCOUNT, REGION, "AWS/DynamoDB", "WriteThrottleEvents", in_order({"TableName": "t"}))
    watch.value(9, metric=table)
    wish: Json = {
        "Namespace": table.namespace,
        "MetricName": table.name,
        "Dimensions": [{"Name": "TableName", "Value": "t"}],
    }
    usual, told = watch.put(**wish), watch.put(AlarmName="told", **wish, TreatMissingData="notBreaching")
    assert [watch.state(alarm) for alarm in (usual, told)] == ["ALARM", "ALARM"]
    assert [watch.state(alarm, minute=30) for alarm in (usual, told)] == ["ALARM", "OK"]


def test_an_alarm_of_several_days_looks_at_whole_hours() -> None:
    """Two days of values by the day: what came after the full hour counts at the next one."""
    watch = Watch()
    alarm = watch.put(Period=86_400, EvaluationPeriods=2, DatapointsToAlarm=1)
    watch.value(9, minute=1)
    assert watch.state(alarm, minute=49) == "INSUFFICIENT_DATA"
    assert watch.state(alarm, minute=50) == "ALARM"


def test_windows_end_with_the_minute_whatever_their_length() -> None:
    """Five minutes are the last five, not those of the clock's dial; the minute that runs does not count."""
    watch = Watch()
    alarm = watch.put(Period=300)
    watch.value(9, minute=3)
    assert watch.state(alarm, minute=3) == "INSUFFICIENT_DATA"
    assert [watch.state(alarm, minute) for minute in (4, 8)] == ["ALARM", "ALARM"]


def test_an_alarm_that_fails_holds_up_no_other() -> None:
    """Whatever is wrong with the first one, those behind it are looked at."""

    async def main() -> str:
        async with aiohttp.ClientSession() as session:
            services = services_on(AwsClient(session, "http://127.0.0.1:1"), Quotas())
            telemetry = services.telemetry
            telemetry.alarms.put(ACCOUNT, REGION, ALARM | {"Statistic": "Foo"}, services.clock.now())
            await telemetry.watch(ACCOUNT, REGION, ALARM | {"AlarmName": "good"})
            telemetry.store.put(SIZE, services.clock.now(), Points.of(9))
            await services.clock.pass_time(60)
            await telemetry.stop()
            good = telemetry.alarms.find(ACCOUNT, REGION, "good")
            return "" if good is None else good.state

    assert asyncio.run(main()) == "ALARM"


def test_an_expression_that_comes_to_no_series_leaves_too_little_to_judge() -> None:
    """It did when the alarm was put, and no longer does with these values."""
    watch = Watch()
    stat: Json = {"Metric": {"Namespace": "Mine", "MetricName": "Size"}, "Period": 60, "Stat": "Sum"}
    queries: list[Json] = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
        {"Id": "e1", "Expression": "IF(SUM(m1) < 8, m1, 0)"},
    ]
    alarm = watch.put(MetricName=None, Namespace=None, Statistic=None, Period=None, Metrics=queries)
    watch.value(6)
    assert watch.state(alarm) == "ALARM"
    watch.value(6, minute=1)
    assert watch.state(alarm, minute=2) == "INSUFFICIENT_DATA"
    assert "'e1': it is a number, not a time series" in alarm.reason


def test_topics_are_told_what_an_expression_is_made_of() -> None:
    """As CloudWatch does: the queries instead of a metric, and no statistic that nobody asked for."""
    watch = Watch()
    metric: Json = {"Namespace": "Mine", "MetricName": "Size", "Dimensions": [{"Name": "Stage", "Value": "a"}]}
    stat: Json = {"Metric": metric, "Period": 300, "Stat": "Sum"}
    queries: list[Json] = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 2"},
    ]
    alarm = watch.put(MetricName=None, Namespace=None, Statistic=None, Period=None, Metrics=queries)
    trigger = json.loads(Change(alarm, "OK", "").message)["Trigger"]
    shown = metric | {"Dimensions": [{"name": "Stage", "value": "a"}]}
    assert trigger["Metrics"] == [
        {"Id": "m1", "MetricStat": stat | {"Metric": shown}, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 2", "ReturnData": True},
    ]
    assert "Statistic" not in trigger
    assert trigger["Period"] == 300


def test_a_state_without_data_says_how_that_was_treated() -> None:
    """The reason names the treatment, or that nothing is known."""
    watch = Watch()
    for treatment, text in (("breaching", "[Breaching]"), ("notBreaching", "[NonBreaching]")):
        alarm = watch.put(AlarmName=treatment, TreatMissingData=treatment)
        watch.state(alarm)
        assert alarm.reason.startswith("Threshold Crossed: no datapoints were received for 1 periods")
        assert alarm.reason.endswith(f"{text}.")
