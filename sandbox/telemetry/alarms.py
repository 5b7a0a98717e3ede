"""All alarms: their definitions as they were put, their states, and what a change of state sets off."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.aws import Json
from sandbox.telemetry.calculation import Calculation
from sandbox.telemetry.evaluation import EXTRA_PERIODS, Rule, State, evaluate, supports
from sandbox.telemetry.metric_math import MathError, Series
from sandbox.telemetry.queries import metric_of, period_of
from sandbox.telemetry.series import MINUTE, Metric, in_order
from sandbox.telemetry.store import MetricStore

INITIAL: Final = "Unchecked: Initial alarm creation"
_ACTIONS: Final[dict[str, str]] = {
    "OK": "OKActions",
    "ALARM": "AlarmActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}
_REGION_NAMES: Final = {
    "us-east-1": "US East (N. Virginia)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
}
_WORDS: Final = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass(slots=True)
class Alarm:
    """One alarm; ``document`` is the request that put it, times are the sandbox's clock's."""

    account: str
    region: str
    document: Json
    configured: float
    state: State = "INSUFFICIENT_DATA"
    reason: str = INITIAL
    updated: float = 0.0
    enabled: bool = True

    @property
    def name(self) -> str:
        """Its name; unique in account and region."""
        return str(self.document["AlarmName"])

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{self.name}"

    @property
    def metric(self) -> Metric | None:
        """What it watches; None when that is an expression, or a comparison with a moving band."""
        document = self.document
        if not document.get("MetricName") or not supports(document.get("ComparisonOperator", "")):
            return None
        dimensions = in_order({entry["Name"]: entry["Value"] for entry in document.get("Dimensions") or []})
        return Metric(self.account, self.region, document["Namespace"], document["MetricName"], dimensions)

    @property
    def queries(self) -> list[Json]:
        """Metrics and expressions of an alarm on metric math; the one with ``ReturnData`` is watched."""
        return self.document.get("Metrics") or [] if supports(self.document.get("ComparisonOperator", "")) else []

    @property
    def metrics(self) -> list[Metric]:
        """All metrics that it depends on."""
        used = [metric_of(self, query["MetricStat"]["Metric"]) for query in self.queries if "MetricStat" in query]
        return used if self.metric is None else [self.metric]

    @property
    def period(self) -> int:
        """Seconds; shorter ones than a minute are kept by the minute."""
        return period_of(self.queries) if self.queries else max(MINUTE, int(self.document.get("Period", MINUTE)))

    @property
    def rule(self) -> Rule:
        """What must hold for the alarm."""
        periods = int(self.document.get("EvaluationPeriods", 1))
        return Rule(
            comparison=self.document["ComparisonOperator"],
            threshold=float(self.document["Threshold"]),
            periods=periods,
            to_alarm=int(self.document.get("DatapointsToAlarm") or periods),
            missing=self.document.get("TreatMissingData") or "missing",
        )

    @property
    def statistic(self) -> str:
        """The statistic of each period."""
        return str(self.document.get("ExtendedStatistic") or self.document.get("Statistic"))

    @property
    def topics(self) -> list[str]:
        """Who is told of the state it is in."""
        actions = self.document.get(_ACTIONS[self.state]) or [] if self.enabled else []
        # Of the actions only topics are served (docs/sandbox.md, alarm-actions).
        return [action for action in actions if action.split(":")[2] == "sns"]


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm that has just changed its state."""

    alarm: Alarm
    before: State

    @property
    def subject(self) -> str:
        """Of the message, at most 100 characters."""
        return f'{self.alarm.state}: "{self.alarm.name}" in {_place(self.alarm.region)}'[:100]

    @property
    def message(self) -> str:
        """What AWS publishes to the alarm's topics (CloudWatch user guide, "Notifications")."""
        alarm, document = self.alarm, self.alarm.document
        return json.dumps(
            {
                "AlarmName": alarm.name,
                "AlarmDescription": document.get("AlarmDescription"),
                "AWSAccountId": alarm.account,
                "AlarmConfigurationUpdatedTimestamp": _stamp(alarm.configured),
                "NewStateValue": alarm.state,
                "NewStateReason": alarm.reason,
                "StateChangeTime": _stamp(alarm.updated),
                "Region": _place(alarm.region),
                "AlarmArn": alarm.arn,
                "OldStateValue": self.before,
                "OKActions": document.get("OKActions") or [],
                "AlarmActions": document.get("AlarmActions") or [],
                "InsufficientDataActions": document.get("InsufficientDataActions") or [],
                "Trigger": _trigger(alarm),
            }
        )


@dataclass(slots=True)
class Alarms:
    """Every alarm of the sandbox.

    Args:
        store: Where their metrics are.
    """

    store: MetricStore
    _known: dict[tuple[str, str, str], Alarm] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Alarm]:
        return iter(list(self._known.values()))

    def find(self, account: str, region: str, name: str) -> Alarm | None:
        """The alarm with this name."""
        return self._known.get((account, region, name))

    def put(self, account: str, region: str, document: Json, now: float) -> Alarm:
        """Make an alarm, or give one another definition; its state stays."""
        before = self.find(account, region, document["AlarmName"])
        alarm = Alarm(
            account, region, document, configured=now, updated=now, enabled=document.get("ActionsEnabled", True)
        )
        if before is not None:
            alarm.state, alarm.reason, alarm.updated = before.state, before.reason, before.updated
        self._known[account, region, alarm.name] = alarm
        return alarm

    def delete(self, account: str, region: str, name: str) -> None:
        """Forget an alarm."""
        self._known.pop((account, region, name), None)

    def evaluate(self, alarm: Alarm, now: float) -> Change | None:
        """Look at one alarm's series up to ``now``; None: its state stays what it is."""
        if alarm.metric is None and not alarm.queries:
            return None
        rule, count = alarm.rule, alarm.rule.periods + EXTRA_PERIODS
        # Whole minutes only: in the one that runs values are still to come.
        end = int(now // MINUTE) * MINUTE
        starts = [end - alarm.period * number for number in range(count, 0, -1)]
        found = self._series(alarm, starts)
        series = [found.get(start) for start in starts]
        return self.change(alarm, evaluate(rule, series, alarm.state), _reason(alarm, series), now)

    def _series(self, alarm: Alarm, starts: Sequence[int]) -> Series:
        """The values of the periods that begin at these times."""

        def sample(metric: Metric, statistic: str) -> Series:
            windows = {start: self.store.between(metric, start, start + alarm.period) for start in starts}
            values = {start: points.statistic(statistic) for start, points in windows.items()}
            return {start: value for start, value in values.items() if value is not None}

        if alarm.metric is not None:
            return sample(alarm.metric, alarm.statistic)
        calculation = Calculation(
            alarm.queries, lambda stat: sample(metric_of(alarm, stat["Metric"]), stat["Stat"]), starts
        )
        return calculation.series(watched(alarm.queries))[0]

    def change(self, alarm: Alarm, state: State, reason: str, now: float) -> Change | None:
        """Give an alarm a state; None when it has it already."""
        before = alarm.state
        if state == before:
            return None
        alarm.state, alarm.reason, alarm.updated = state, reason, now
        return Change(alarm, before)


def watched(queries: Sequence[Json]) -> str:
    """The id of the query that an alarm compares with its threshold.

    Raises:
        MathError: There is none, or there are several.
    """
    found = [str(query["Id"]) for query in queries if query.get("ReturnData", True)]
    if len(found) != 1:
        raise MathError("Exactly one element of the metrics list should return data.")
    return found[0]


def check(queries: Sequence[Json]) -> None:
    """Refuse an alarm whose expressions cannot be calculated, or come to several series.

    Raises:
        MathError: The text says why.
    """
    # Calculated once with made-up values: a mistake is told now, and not at each evaluation.
    if queries and len(Calculation(queries, lambda _: {0: 1.0}, (0,)).series(watched(queries))) != 1:
        raise MathError("The expression of an alarm must come to a single time series")


def _reason(alarm: Alarm, series: list[float | None]) -> str:
    """Why, in CloudWatch's words."""
    rule = alarm.rule
    found = [value for value in series if value is not None][-rule.periods :]
    if not found:
        return f"Insufficient Data: {rule.periods} datapoints were unknown."
    threshold = f"the threshold ({rule.threshold})"
    values = ", ".join(str(value) for value in reversed(found))
    return (
        f"Threshold Crossed: {len(found)} out of the last {rule.periods} datapoints [{values}] compared with: "
        f"{_WORDS[rule.comparison]} {threshold} (minimum {rule.to_alarm} datapoints for an alarm)."
    )


def _trigger(alarm: Alarm) -> dict[str, Any]:
    document = alarm.document
    extended = document.get("ExtendedStatistic")
    which = (
        {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended}
        if extended
        # In a message it is in capitals, unlike in the API; the dimensions below are in small letters.
        else {"StatisticType": "Statistic", "Statistic": str(document.get("Statistic")).upper()}
    )
    dimensions = document.get("Dimensions") or []
    return {
        "MetricName": document.get("MetricName"),
        "Namespace": document.get("Namespace"),
        **which,
        "Unit": document.get("Unit"),
        "Dimensions": [{"value": entry["Value"], "name": entry["Name"]} for entry in dimensions],
        "Period": document.get("Period"),
        "EvaluationPeriods": document.get("EvaluationPeriods"),
        "DatapointsToAlarm": document.get("DatapointsToAlarm"),
        "ComparisonOperator": document.get("ComparisonOperator"),
        "Threshold": document.get("Threshold"),
        "TreatMissingData": document.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": document.get("EvaluateLowSampleCountPercentile") or "",
    }


def _place(region: str) -> str:
    return _REGION_NAMES.get(region, region)


def _stamp(seconds: float) -> str:
    # In messages the zone has no colon.
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
