"""All alarms: they are put, looked at, and change their states."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sandbox.aws import Json
from sandbox.telemetry.alarm import Alarm
from sandbox.telemetry.alarm_rules import watched
from sandbox.telemetry.calculation import Calculation
from sandbox.telemetry.evaluation import EXTRA_PERIODS, Rule, State, evaluate
from sandbox.telemetry.metric_math import MathError, Series
from sandbox.telemetry.notices import Change
from sandbox.telemetry.queries import metric_of
from sandbox.telemetry.series import MINUTE, Metric
from sandbox.telemetry.statistics import Statistic, read_statistic
from sandbox.telemetry.store import MetricStore

HOUR: Final = 3600
DAY: Final = 86_400
_WORDS: Final = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED: Final = {"breaching": "Breaching", "notBreaching": "NonBreaching"}
_NOTHING: Final = (
    "Threshold Crossed: no datapoints were received for {0} periods and {0} missing datapoints were treated as [{1}]."
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
        enabled = document.get("ActionsEnabled") is not False
        alarm = Alarm(account, region, document, configured=now, updated=now, enabled=enabled)
        if before is not None:
            alarm.state, alarm.reason, alarm.updated = before.state, before.reason, before.updated
        self._known[account, region, alarm.name] = alarm
        return alarm

    def delete(self, account: str, region: str, name: str) -> Alarm | None:
        """Forget an alarm; returns it."""
        return self._known.pop((account, region, name), None)

    def evaluate(self, alarm: Alarm, now: float) -> Change | None:
        """Look at one alarm's series up to ``now``; None: its state stays what it is."""
        rule = alarm.rule
        # Whole minutes only: in the one that runs values are still to come. Of several days only whole hours count.
        step = HOUR if alarm.period * rule.periods > DAY else MINUTE
        end = int(now // step) * step
        starts = [end - alarm.period * number for number in range(rule.periods + EXTRA_PERIODS, 0, -1)]
        try:
            found = self._series(alarm, starts)
        except MathError as error:  # of values that come to no series
            return self.change(alarm, "INSUFFICIENT_DATA", f"Insufficient Data: {error}", now)
        if self._has_too_few_samples(alarm, starts):
            return None
        series = [found.get(start) for start in starts]
        return self.change(alarm, evaluate(rule, series, alarm.state), _reason(rule, series), now)

    def _has_too_few_samples(self, alarm: Alarm, starts: Sequence[int]) -> bool:
        if alarm.metric is None or not alarm.fewest_samples:
            return False
        evaluated = starts[-alarm.rule.periods :]
        points = self.store.between(alarm.metric, evaluated[0], evaluated[-1] + alarm.period, alarm.unit)
        return 0 < points.count < alarm.fewest_samples

    def _series(self, alarm: Alarm, starts: Sequence[int]) -> Series:
        """The values of the periods that begin at these times."""

        def sample(metric: Metric, statistic: Statistic, unit: str | None) -> Series:
            windows = {start: self.store.between(metric, start, start + alarm.period, unit) for start in starts}
            values = {start: statistic.of(points) for start, points in windows.items()}
            return {start: value for start, value in values.items() if value is not None}

        def sample_query(stat: Json) -> Series:
            return sample(metric_of(alarm, stat["Metric"]), read_statistic(stat["Stat"]), stat.get("Unit"))

        if alarm.metric is not None:
            return sample(alarm.metric, alarm.statistic, alarm.unit)
        return Calculation(alarm.queries, sample_query, starts).series(watched(alarm.queries))[0]

    def change(self, alarm: Alarm, state: State, reason: str, now: float) -> Change | None:
        """Give an alarm a state; None when it has it already, and then it keeps its reason, too."""
        if state == alarm.state:
            return None
        change = Change(alarm, alarm.state, alarm.reason)
        alarm.state, alarm.reason, alarm.updated = state, reason, now
        return change


def _reason(rule: Rule, series: list[float | None]) -> str:
    """Why, in CloudWatch's words."""
    found = [value for value in series if value is not None][-rule.periods :]
    if not found:
        treated = _TREATED.get(rule.missing)
        unknown = f"Insufficient Data: {rule.periods} datapoints were unknown."
        return unknown if treated is None else _NOTHING.format(rule.periods, treated)
    threshold = f"the threshold ({rule.threshold})"
    values = ", ".join(str(value) for value in reversed(found))
    return (
        f"Threshold Crossed: {len(found)} out of the last {rule.periods} datapoints [{values}] compared with: "
        f"{_WORDS[rule.comparison]} {threshold} (minimum {rule.to_alarm} datapoints for an alarm)."
    )
