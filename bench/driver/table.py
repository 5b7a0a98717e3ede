"""The table of a run, and the price behind each dollar in it, as lines of text. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bench.driver.process import Outcome
from bench.driver.rows import MISSED, Row
from cli.cost.prices import PRICES, REGION

HEAD: Final = ("what", "ours", "rival", "ratio", "limit", "verdict", "against")
TEXTS: Final = {0, 5, 6}
"""Columns that begin at the left."""


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """All rows below one head; what has no figures says why."""
    cells = [HEAD, *(_cells(row) for one in outcomes for row in one.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    for line in cells:
        aligned = [
            text.ljust(width) if column in TEXTS else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(aligned).rstrip()
    for one in outcomes:
        if one.error:
            yield f"bench.{one.name}: FAILED, {one.error}"
        elif not one.good and all(row.verdict != MISSED for row in one.rows):
            yield f"bench.{one.name}: FAILED, it ended with {one.exit_code}"


def prices(units: Iterable[str]) -> Iterator[str]:
    """The price of each unit, with its source and the day it was read."""
    yield f"prices of {REGION}, without free tiers:"
    for unit in units:
        price = PRICES[unit]
        yield f"  {unit:30} {price.per} ({price.source}, {price.read})"


def _cells(row: Row) -> tuple[str, ...]:
    rival = "" if row.rival is None else _figure(row.rival, row.unit)
    ratio = "" if row.times is None else f"{row.times:.2f}"
    limit = "" if row.limit is None else str(row.limit)
    return row.what, _figure(row.ours, row.unit), rival, ratio, limit, row.verdict, row.against


def _figure(value: float, unit: str) -> str:
    """Three figures of small numbers, all of large ones."""
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"${value:.4f}" if unit == "USD" else f"{number} {unit}".rstrip()
