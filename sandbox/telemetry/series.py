"""One metric of one resource: values by the minute, and the statistics that CloudWatch takes of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

MINUTE: Final = 60
Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """Which metric: the same name with other dimensions is another one."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions = ()


def in_order(dimensions: Mapping[str, str]) -> Dimensions:
    """Dimensions in the order in which they are compared."""
    return tuple(sorted(dimensions.items()))


@dataclass(frozen=True, slots=True)
class Summary:
    """Values of which only this is known: a statistic set that somebody has put."""

    count: float
    total: float
    low: float
    high: float


@dataclass(slots=True)
class Points:
    """Values of a time: how often each came. Equal ones cost no more room, so that hours of traffic fit."""

    values: Counter[float] = field(default_factory=Counter)
    summaries: list[Summary] = field(default_factory=list)

    @classmethod
    def of(cls, *values: float) -> Self:
        """Points with these values."""
        return cls(Counter(values))

    def add(self, other: "Points") -> None:
        """Take over another time's values."""
        self.values.update(other.values)
        self.summaries.extend(other.summaries)

    def statistic(self, name: str) -> float | None:
        """A statistic by CloudWatch's name, e.g. ``Sum`` or ``p99``.

        None when there are no values, or no percentile because a statistic set or a negative value is among them
        (CloudWatch user guide, "Percentiles").
        """
        parts = [Summary(count, value * count, value, value) for value, count in self.values.items() if count > 0]
        parts += [summary for summary in self.summaries if summary.count > 0]
        count = sum(part.count for part in parts)
        if not count:
            return None
        if name.startswith("p"):
            return self._percentile(float(name[1:]))
        total = sum(part.total for part in parts)
        known = {
            "SampleCount": count,
            "Sum": total,
            "Average": total / count,
            "Minimum": min(part.low for part in parts),
            "Maximum": max(part.high for part in parts),
        }
        return known[name]

    def _percentile(self, percent: float) -> float | None:
        """Between the two nearest ranks, in proportion."""
        if self.summaries or min(self.values) < 0:
            return None
        rank = percent / 100 * (sum(self.values.values()) - 1)
        low, high = self._at(int(rank)), self._at(int(rank) + 1)
        return low + (high - low) * (rank - int(rank))

    def _at(self, rank: int) -> float:
        seen = 0.0
        ordered = sorted(self.values.items())
        for value, count in ordered:
            seen += count
            if rank < seen:
                return value
        return ordered[-1][0]


def merged(points: Iterable[Points]) -> Points:
    """All values of several times."""
    together = Points()
    for one in points:
        together.add(one)
    return together
