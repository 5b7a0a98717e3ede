"""A bill: what so many units cost, by service. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cli.cost.prices import MONTH_HOURS, PRICES

SEED_LOW: Final = 0.15
SEED_HIGH: Final = 0.25
"""What the page calls typical, in US dollars per user and month."""


@dataclass(frozen=True, slots=True)
class Line:
    """So many units for one cause, and what they cost in US dollars; ``resource`` is empty in a prediction."""

    unit: str
    cause: str
    amount: float
    usd: float
    resource: str = ""

    @property
    def service(self) -> str:
        """On whose bill it is."""
        return PRICES[self.unit].service


@dataclass(frozen=True, slots=True)
class Bill:
    """Lines with their sum.

    Args:
        lines: What is billed by use.
        standing: What is billed by the month for being there, for the same time.
    """

    lines: Sequence[Line]
    standing: Sequence[Line] = field(default_factory=tuple)

    @property
    def all_lines(self) -> list[Line]:
        """Use and standing together."""
        return [*self.lines, *self.standing]

    @property
    def usd(self) -> float:
        """The sum of everything."""
        return sum(line.usd for line in self.all_lines)

    def by_service(self) -> dict[str, float]:
        """US dollars of each service, the dearest first."""
        sums: defaultdict[str, float] = defaultdict(float)
        for line in self.all_lines:
            sums[line.service] += line.usd
        return dict(sorted(sums.items(), key=lambda one: -one[1]))

    def by_unit(self) -> dict[str, tuple[float, float]]:
        """Amount and US dollars of each unit, the dearest first."""
        sums: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for line in self.all_lines:
            amount, usd = sums[line.unit]
            sums[line.unit] = amount + line.amount, usd + line.usd
        return dict(sorted(sums.items(), key=lambda one: -one[1][1]))

    def by_cause(self, causes: Iterable[str]) -> dict[str, float]:
        """US dollars of those causes that have any."""
        sums = {cause: sum(line.usd for line in self.lines if line.cause == cause) for cause in causes}
        return {cause: usd for cause, usd in sums.items() if usd}

    def per_user_and_month(self, users: float, hours: float) -> float:
        """US dollars, if it goes on like that all month: the bill is of so many users in so many hours."""
        return self.usd / users * MONTH_HOURS / hours


def bill_of(counts: Iterable[Mapping[str, Any]], scale: float = 1.0, *, monthly: bool = False) -> list[Line]:
    """Lines for a meter's counts (members ``unit``, ``resource``, ``cause``, ``amount``), each so many times."""
    return [
        Line(
            one["unit"],
            one.get("cause", ""),
            one["amount"] * scale,
            PRICES[one["unit"]].of(one["amount"] * scale, monthly),
            one.get("resource", ""),
        )
        for one in counts
    ]


def standing_bill(standing: Iterable[Mapping[str, Any]], hours: float) -> list[Line]:
    """Lines for what costs by the month, for so many hours of one."""
    share = hours / MONTH_HOURS
    return [
        Line(
            one["unit"],
            "per month",
            one["amount"] * share,
            PRICES[one["unit"]].of(one["amount"] * share),
            one.get("resource", ""),
        )
        for one in standing
    ]
