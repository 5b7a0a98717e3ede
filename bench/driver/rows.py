"""What a benchmark says in the end: one figure of ours beside its rival's, and whether that is good enough. Pure."""

from dataclasses import asdict, dataclass
from typing import Any, Final

GOOD: Final = "good"
MISSED: Final = "MISSED"
UNJUDGED: Final = "told"
"""The verdict on a figure that nothing is promised of."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure has to keep to.

    Args:
        bound: The least or the most that it may be.
        most: Whether it is the most.
        of_ratio: Whether it is about the ratio; else about our figure.
    """

    bound: float
    most: bool
    of_ratio: bool = True

    def holds(self, row: "Row") -> bool:
        """Whether a row keeps to it."""
        value = row.times if self.of_ratio else row.ours
        return value is not None and (value <= self.bound if self.most else value >= self.bound)

    def __str__(self) -> str:
        return f"{'<=' if self.most else '>='} {self.bound:g}{' times' if self.of_ratio else ''}"


def at_least(bound: float, *, of_ratio: bool = True) -> Limit:
    """A limit from below."""
    return Limit(bound, most=False, of_ratio=of_ratio)


def at_most(bound: float, *, of_ratio: bool = True) -> Limit:
    """A limit from above."""
    return Limit(bound, most=True, of_ratio=of_ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Args:
        what: That was measured.
        unit: Of both figures.
        ours: Our figure.
        against: Who the rival is; empty where there is none.
        rival: Its figure, of the same run.
        times: The ratio as it is promised, ours by the rival's or the other way round.
        limit: What is promised of it; None where nothing is.
    """

    what: str
    unit: str
    ours: float
    against: str = ""
    rival: float | None = None
    times: float | None = None
    limit: Limit | None = None

    @property
    def verdict(self) -> str:
        """Whether the promise is kept."""
        if self.limit is None:
            return UNJUDGED
        return GOOD if self.limit.holds(self) else MISSED

    def document(self) -> dict[str, Any]:
        """For programs."""
        limit = None if self.limit is None else str(self.limit)
        return {**asdict(self), "limit": limit, "verdict": self.verdict}
