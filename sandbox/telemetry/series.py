"""One metric of one resource, and the values that it had in some time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

MINUTE: Final = 60
Dimensions = tuple[tuple[str, str], ...]
Distribution = list[tuple[float, float]]
"""Values in order, each with how often it came."""


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

    @property
    def count(self) -> float:
        """How many values there are."""
        return sum(part.count for part in self._parts())

    @property
    def total(self) -> float:
        """Their sum."""
        return sum(part.total for part in self._parts())

    @property
    def low(self) -> float:
        """The lowest one; there must be one."""
        return min(part.low for part in self._parts())

    @property
    def high(self) -> float:
        """The highest one; there must be one."""
        return max(part.high for part in self._parts())

    def distribution(self) -> Distribution | None:
        """Each value, lowest first, and how often it came.

        None when a statistic set hides some, or one is negative: CloudWatch then has no percentile, nor anything that
        is made from one (API reference, GetMetricStatistics).
        """
        parts = self._parts()
        if any(part.low != part.high or part.low < 0 for part in parts):
            return None
        return sorted((part.low, part.count) for part in parts)

    def _parts(self) -> list[Summary]:
        parts = [Summary(often, value * often, value, value) for value, often in self.values.items()]
        return [part for part in [*parts, *self.summaries] if part.count > 0]


def merged(points: Iterable[Points]) -> Points:
    """All values of several times."""
    together = Points()
    for one in points:
        together.add(one)
    return together
