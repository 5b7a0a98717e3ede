"""The statistics that CloudWatch takes of a period's values (user guide, "CloudWatch statistics definitions"). Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from sandbox.telemetry.series import Distribution, Points

_SIMPLE: Final[Mapping[str, Callable[[Points], float]]] = {
    "SampleCount": lambda points: points.count,
    "Sum": lambda points: points.total,
    "Average": lambda points: points.total / points.count,
    "Minimum": lambda points: points.low,
    "Maximum": lambda points: points.high,
}
_NUMBER: Final = r"\d+(?:\.\d{1,10})?"
_SHORT: Final = re.compile(rf"(?P<kind>p|tm|tc|ts|wm)(?P<high>{_NUMBER})")
_PERCENTS: Final = re.compile(rf"(?P<kind>TM|TC|TS|WM)\((?:(?P<low>{_NUMBER})%)?:(?:(?P<high>{_NUMBER})%)?\)")
_VALUES: Final = re.compile(rf"(?P<kind>TM|TC|TS|WM|PR)\((?P<low>{_NUMBER})?:(?P<high>{_NUMBER})?\)")
_INTERQUARTILE_MEAN: Final = "TM(25%:75%)"


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic of some values.

    Args:
        kind: A simple one's name, or ``p``, ``tm``, ``tc``, ``ts``, ``wm``, ``pr``.
        low: Where the range begins that counts.
        high: Where it ends.
        percents: Whether both are percentages of the values, in order, or values themselves.
    """

    kind: str
    low: float = 0.0
    high: float = 100.0
    percents: bool = False

    @property
    def extended(self) -> bool:
        """Whether it takes more than counts, sums and bounds."""
        return self.kind not in _SIMPLE

    def of(self, points: Points) -> float | None:
        """Take it; None where there are no values, or where they are not known one by one but would have to be."""
        if not points.count:
            return None
        if not self.extended:
            return _SIMPLE[self.kind](points)
        values = points.distribution()
        return None if values is None else self._extended(values)

    def _extended(self, values: Distribution) -> float | None:
        if self.kind == "p":
            return _percentile(values, self.high)
        if self.kind == "wm":
            return self._winsorized(values)
        inside = self._inside(values)
        count = sum(share for _, share in inside)
        total = sum(value * share for value, share in inside)
        if self.kind == "tm":
            return total / count if count else None
        if self.kind == "pr":
            return 100 * count / sum(often for _, often in values)
        return count if self.kind == "tc" else total

    def _inside(self, values: Distribution) -> Distribution:
        """What lies in the range: above its begin, and up to its end. Of percentages a value counts in part."""
        if not self.percents:
            return [(value, often) for value, often in values if self.low < value <= self.high]
        number = sum(often for _, often in values)
        first, last, seen = number * self.low / 100, number * self.high / 100, 0.0
        inside = []
        for value, often in values:
            share = min(seen + often, last) - max(seen, first)
            seen += often
            if share > 0:
                inside.append((value, share))
        return inside

    def _winsorized(self, values: Distribution) -> float:
        """The mean, with the range's edges in place of what lies outside."""
        low, high = self.low, self.high
        if self.percents:
            low, high = _percentile(values, low), _percentile(values, high)
        number = sum(often for _, often in values)
        return sum(min(max(value, low), high) * often for value, often in values) / number


class UnknownStatisticError(ValueError):
    """A name that CloudWatch has for no statistic."""


@cache
def read_statistic(name: str) -> Statistic:
    """The statistic of CloudWatch's name, e.g. ``Sum``, ``p99``, ``tm90``, ``TM(10%:90%)``, ``PR(:300)``, ``IQM``.

    Raises:
        UnknownStatisticError: There is none of this name.
    """
    if name in _SIMPLE:
        return Statistic(name)
    short = _SHORT.fullmatch(name)
    ranges = _PERCENTS.fullmatch(_INTERQUARTILE_MEAN if name == "IQM" else name)
    match = short or ranges or _VALUES.fullmatch(name)
    if match is None:
        raise UnknownStatisticError(name)
    percents = bool(short or ranges)
    bounds = match.groupdict()
    low = float(bounds.get("low") or (0 if percents else "-inf"))
    high = float(bounds["high"] or (100 if percents else "inf"))
    kind = match["kind"].lower()
    empty = kind != "p" and not low < high
    # A range without an end on either side is all there is, and no range.
    if empty or (percents and high > 100) or not (bounds.get("low") or bounds["high"]):
        raise UnknownStatisticError(name)
    return Statistic(kind, low, high, percents=percents)


def _percentile(values: Distribution, percent: float) -> float:
    """Between the two nearest ranks, in proportion."""
    rank = percent / 100 * (sum(often for _, often in values) - 1)
    low, high = _at(values, int(rank)), _at(values, int(rank) + 1)
    return low + (high - low) * (rank - int(rank))


def _at(values: Distribution, rank: int) -> float:
    seen = 0.0
    for value, often in values:
        seen += often
        if rank < seen:
            return value
    return values[-1][0]
