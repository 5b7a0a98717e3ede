"""All metrics that there are."""

from collections.abc import Iterator
from typing import Final

from sandbox.telemetry.series import MINUTE, Metric, Points, merged

KEPT_SECONDS: Final = 15 * 24 * 3600
"""How long CloudWatch keeps values by the minute."""


class MetricStore:
    """Values by metric and minute of the sandbox's clock."""

    def __init__(self) -> None:
        self._series: dict[Metric, dict[int, Points]] = {}
        self._units: dict[Metric, str] = {}

    def put(self, metric: Metric, at: float, points: Points, unit: str = "None") -> None:
        """Add values.

        Args:
            metric: Which one.
            at: Seconds since the epoch.
            points: The values.
            unit: CloudWatch's name of it, e.g. ``Count``.
        """
        minutes = self._series.setdefault(metric, {})
        minute = int(at // MINUTE) * MINUTE
        if minute not in minutes:
            # Once per metric and minute is enough; for every value it would be slow.
            self._drop_old(minutes, minute)
        minutes.setdefault(minute, Points()).add(points)
        self._units[metric] = unit

    def replace(self, metric: Metric, minute: int, points: Points, unit: str) -> None:
        """Have exactly these values in a minute."""
        self._series.setdefault(metric, {})[minute] = points
        self._units[metric] = unit

    def count(self, metric: Metric, at: float, value: float = 1.0) -> None:
        """Add one value with unit ``Count``."""
        self.put(metric, at, Points.of(value), "Count")

    def metrics(self) -> Iterator[Metric]:
        """Every metric that has values."""
        return iter(list(self._series))

    def unit(self, metric: Metric) -> str:
        """In which its values are."""
        return self._units.get(metric, "None")

    def between(self, metric: Metric, start: float, end: float) -> Points:
        """All values of the minutes that begin at ``start`` or later, and before ``end``."""
        minutes = self._series.get(metric, {})
        return merged(points for minute, points in minutes.items() if start <= minute < end)

    def periods(self, metric: Metric, start: float, end: float, period: int) -> list[tuple[int, Points]]:
        """Values by period, oldest first; a period begins at a multiple of its length."""
        found: dict[int, Points] = {}
        for minute, points in self._series.get(metric, {}).items():
            if start <= minute < end:
                found.setdefault(minute // period * period, Points()).add(points)
        return sorted(found.items(), key=lambda entry: entry[0])

    def _drop_old(self, minutes: dict[int, Points], now: int) -> None:
        for minute in [minute for minute in minutes if minute < now - KEPT_SECONDS]:
            del minutes[minute]
