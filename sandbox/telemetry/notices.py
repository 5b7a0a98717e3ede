"""What the topics of an alarm are told of a change of its state (CloudWatch user guide, "Notifications")."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sandbox.aws import Json
from sandbox.telemetry.alarm import Alarm
from sandbox.telemetry.evaluation import State

_REGION_NAMES: Final = {
    "us-east-1": "US East (N. Virginia)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
}


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm that has just changed its state."""

    alarm: Alarm
    before: State
    reason_before: str

    @property
    def summary(self) -> str:
        """The line in the alarm's history."""
        return f"Alarm updated from {self.before} to {self.alarm.state}"

    @property
    def states(self) -> Json:
        """What the alarm's history says of it."""
        return {
            "oldState": {"stateValue": self.before, "stateReason": self.reason_before},
            "newState": {"stateValue": self.alarm.state, "stateReason": self.alarm.reason},
        }

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


def _trigger(alarm: Alarm) -> Json:
    document = alarm.document
    watched = {"Metrics": [_query(query) for query in alarm.queries]} if alarm.queries else _metric(document)
    return {
        **watched,
        "Period": alarm.period,
        "EvaluationPeriods": document.get("EvaluationPeriods"),
        "DatapointsToAlarm": document.get("DatapointsToAlarm"),
        "ComparisonOperator": document.get("ComparisonOperator"),
        "Threshold": document.get("Threshold"),
        "TreatMissingData": document.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": document.get("EvaluateLowSampleCountPercentile") or "",
    }


def _metric(document: Json) -> Json:
    extended = document.get("ExtendedStatistic")
    which = (
        {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended}
        if extended
        # In a message it is in capitals, unlike in the API.
        else {"StatisticType": "Statistic", "Statistic": str(document.get("Statistic")).upper()}
    )
    return {
        "MetricName": document.get("MetricName"),
        "Namespace": document.get("Namespace"),
        **which,
        "Unit": document.get("Unit"),
        "Dimensions": _dimensions(document),
    }


def _query(query: Json) -> Json:
    shown = {"ReturnData": True} | query
    if stat := query.get("MetricStat"):
        shown["MetricStat"] = stat | {"Metric": stat["Metric"] | {"Dimensions": _dimensions(stat["Metric"])}}
    return shown


def _dimensions(metric: Json) -> list[Json]:
    # In a message they are in small letters, unlike in the API.
    return [{"value": entry["Value"], "name": entry["Name"]} for entry in metric.get("Dimensions") or []]


def _place(region: str) -> str:
    return _REGION_NAMES.get(region, region)


def _stamp(seconds: float) -> str:
    # In messages the zone has no colon.
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
