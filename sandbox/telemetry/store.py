"""All metrics that there are."""

import math
from collections.abc import Iterator
from typing import Final

from sandbox.telemetry.series import MINUTE, Metric, Points, merged

KEPT_SECONDS: Final = 15 * 24 * 3600
"""How long CloudWatch keeps values by the minute."""


class MetricStore:
    """Values by metric and minute of the sandbox's clock."""

    def __init__(self) -> None:
        # Values in different units are kept apart (API reference, PutMetricAlarm).
        self._series: dict[Metric, dict[str, dict[int, Points]]] = {}

    def put(self, metric: Metric, at: float, points: Points, unit: str = "None") -> None:
        """Add values.

        Args:
            metric: Which one.
            at: Seconds since the epoch.
            points: The values.
            unit: CloudWatch's name of it, e.g. ``Count``.
        """
        self._points(metric, at, unit).add(points)

    def add(self, metric: Metric, at: float, value: float, unit: str) -> None:
        """Add one value, as cheaply as can be: a message on a socket adds two dozen.

        Args:
            metric: Which one.
            at: Seconds since the epoch.
            value: The value.
            unit: CloudWatch's name of it.
        """
        self._points(metric, at, unit).values[value] += 1

    def replace(self, metric: Metric, minute: int, points: Points, unit: str) -> None:
        """Have exactly these values in a minute."""
        self._series.setdefault(metric, {}).setdefault(unit, {})[minute] = points

    def count(self, metric: Metric, at: float, value: float = 1.0) -> None:
        """Add one value with unit ``Count``."""
        self.add(metric, at, value, "Count")

    def metrics(self) -> Iterator[Metric]:
        """Every metric that has values."""
        return iter(list(self._series))

    def units(self, metric: Metric) -> list[str]:
        """In which its values are."""
        return list(self._series.get(metric, {}))

    def between(self, metric: Metric, start: float, end: float, unit: str | None = None) -> Points:
        """All values of the minutes that begin at ``start`` or later, and before ``end``; in any unit, or in one."""
        found = []
        for minutes in self._of(metric, unit):
            # Alarms ask for a few minutes, each minute, of as many as there are.
            begins = range(math.ceil(start / MINUTE) * MINUTE, math.ceil(end), MINUTE)
            if len(begins) < len(minutes):
                found += [minutes[minute] for minute in begins if minute in minutes]
            else:
                found += [points for minute, points in minutes.items() if start <= minute < end]
        return merged(found)

    def periods(
        self, metric: Metric, start: float, end: float, period: int, unit: str | None = None
    ) -> list[tuple[int, Points]]:
        """Values by period, oldest first; a period begins at a multiple of its length."""
        found: dict[int, Points] = {}
        for minutes in self._of(metric, unit):
            for minute, points in minutes.items():
                if start <= minute < end:
                    found.setdefault(minute // period * period, Points()).add(points)
        return sorted(found.items(), key=lambda entry: entry[0])

    def _of(self, metric: Metric, unit: str | None) -> list[dict[int, Points]]:
        """The minutes of a metric in each of its units, or in one."""
        return [minutes for known, minutes in self._series.get(metric, {}).items() if unit in (None, known)]

    def _points(self, metric: Metric, at: float, unit: str) -> Points:
        """The values of the minute, which is begun if need be."""
        minutes = self._series.setdefault(metric, {}).setdefault(unit, {})
        minute = int(at // MINUTE) * MINUTE
        points = minutes.get(minute)
        if points is None:
            # Once per metric and minute is enough; for every value it would be slow.
            self._drop_old(minutes, minute)
            points = minutes[minute] = Points()
        return points

    def _drop_old(self, minutes: dict[int, Points], now: int) -> None:
        # They come in order, but for a few, which may stay longer.
        while minutes and (oldest := next(iter(minutes))) < now - KEPT_SECONDS:
            del minutes[oldest]
