"""A bill by the parts that docs/costs.md tells it in. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from cli.cost.bill import Line
from sandbox.meter.units import (
    CONNECTION_MINUTES,
    DISCOVERIES,
    INVOCATIONS,
    LOG_BYTES,
    MESSAGES,
    QUEUE_REQUESTS,
    READ_UNITS,
    TRANSFER_OUT,
    WRITE_UNITS,
)

Parts = dict[str, float]
"""US dollars by part."""
TRANSFER: Final = "data transfer"
NAMES: Final = {
    CONNECTION_MINUTES: "connection minutes",
    INVOCATIONS: "function requests",
    WRITE_UNITS: "table writes",
    READ_UNITS: "table reads",
    LOG_BYTES: "logs",
    QUEUE_REQUESTS: "queues",
    DISCOVERIES: "discovery",
    TRANSFER_OUT: TRANSFER,
}


def parts(lines: Iterable[Line]) -> Parts:
    """US dollars by part, the dearest first."""
    sums: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        sums[_part(line)] += line.usd
    return dict(sorted(sums.items(), key=lambda one: -one[1]))


def _part(line: Line) -> str:
    if line.unit == MESSAGES:
        return "deliveries" if line.cause == "posted" else "calls and answers"
    return NAMES.get(line.unit, "function run time")
