"""One alarm: what was asked for, and the state it is in."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sandbox.aws import Json
from sandbox.telemetry.evaluation import Rule, State
from sandbox.telemetry.queries import metric_of, period_of
from sandbox.telemetry.series import MINUTE, Metric
from sandbox.telemetry.statistics import Statistic, read_statistic

INITIAL: Final = "Unchecked: Initial alarm creation"
_ACTIONS: Final[dict[str, str]] = {
    "OK": "OKActions",
    "ALARM": "AlarmActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}


@dataclass
class Alarm:
    """One alarm; ``document`` is the request that put it and stays as it is, times are the sandbox's clock's."""

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

    @cached_property
    def metric(self) -> Metric | None:
        """What it watches; None when that is an expression."""
        return metric_of(self, self.document) if self.document.get("MetricName") else None

    @cached_property
    def queries(self) -> list[Json]:
        """Metrics and expressions of an alarm on metric math; the one with ``ReturnData`` is watched."""
        return self.document.get("Metrics") or []

    @cached_property
    def metrics(self) -> list[Metric]:
        """All metrics that it depends on."""
        used = [metric_of(self, query["MetricStat"]["Metric"]) for query in self.queries if "MetricStat" in query]
        return used if self.metric is None else [self.metric]

    @cached_property
    def period(self) -> int:
        """Seconds; shorter ones than a minute are kept by the minute."""
        return period_of(self.queries) if self.queries else max(MINUTE, int(self.document.get("Period", MINUTE)))

    @cached_property
    def rule(self) -> Rule:
        """What must hold for the alarm."""
        periods = int(self.document.get("EvaluationPeriods", 1))
        return Rule(
            comparison=self.document["ComparisonOperator"],
            threshold=float(self.document["Threshold"]),
            periods=periods,
            to_alarm=int(self.document.get("DatapointsToAlarm") or periods),
            missing=self.document.get("TreatMissingData") or self._usual_treatment,
        )

    @cached_property
    def statistic(self) -> Statistic:
        """The statistic of each period of its metric."""
        return read_statistic(str(self.document.get("ExtendedStatistic") or self.document.get("Statistic")))

    @property
    def unit(self) -> str | None:
        """In which the values of its metric must be; None: in any."""
        return self.document.get("Unit")

    @cached_property
    def fewest_samples(self) -> float:
        """How many values its percentile must be taken of for the state to change; usually any number will do.

        CloudWatch user guide, "Percentile-based alarms and low data samples".
        """
        if self.document.get("EvaluateLowSampleCountPercentile") != "ignore" or self.queries:
            return 0.0
        statistic = self.statistic
        rarest = min(statistic.high, 100 - statistic.high) / 100
        return 10 / rarest if statistic.kind == "p" and rarest else 0.0

    @property
    def _usual_treatment(self) -> str:
        """What is done about missing data when nothing is said: it is ignored where DynamoDB reports errors only."""
        return "ignore" if any(metric.namespace == "AWS/DynamoDB" for metric in self.metrics) else "missing"

    @property
    def topics(self) -> list[str]:
        """Who is told of the state it is in."""
        actions = self.document.get(_ACTIONS[self.state]) or [] if self.enabled else []
        # Of the actions only topics are served (docs/sandbox.md, alarm-actions).
        return [action for action in actions if action.split(":")[2] == "sns"]
