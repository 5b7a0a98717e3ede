"""Which alarms a search finds, beyond what the emulator looks at."""

from typing import Final

from sandbox.aws import Json
from sandbox.telemetry.alarm_rules import ACTIONS

_OF_THE_METRIC: Final = ("Statistic", "ExtendedStatistic", "Period", "Unit")


def is_found(shown: Json, request: Json) -> bool:
    """Whether ``DescribeAlarms`` or ``DescribeAlarmsForMetric`` means an alarm, as it was put.

    Only the second one names a metric: its dimensions all count, also when there are none; the rest narrows the search.
    """
    if "MetricName" in request:
        asked = [name for name in _OF_THE_METRIC if request.get(name) is not None]
        same = all(shown.get(name) == request[name] for name in asked)
        return same and _dimensions(shown) == _dimensions(request)
    prefix = request.get("ActionPrefix", "")
    return not prefix or any(action.startswith(prefix) for name in ACTIONS for action in shown.get(name) or [])


def _dimensions(document: Json) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in document.get("Dimensions") or []}
