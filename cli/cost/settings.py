"""The same traffic under other settings: what each would cost, also where it saves nothing. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cli.cost.bill import Line
from cli.cost.prediction import wire_bytes
from cli.cost.prices import ARM, PRICES, READ_CAPACITY_HOURS, WRITE_CAPACITY_HOURS, X86
from cli.cost.traffic import Traffic
from sandbox.meter.units import (
    CONNECTION_MINUTES,
    MESSAGE_PIECE_BYTES,
    READ_UNITS,
    TRANSFER_OUT,
    WRITE_UNITS,
    pieces,
)

UTILISATION: Final = 0.7
"""Of provisioned capacity that autoscaling aims for."""
GZIPPED: Final = 0.3
"""Of a JSON text's bytes are left by gzip, as the page has it (60 to 80 % less)."""
TABLES_BY_UNIT: Final = {WRITE_UNITS: WRITE_CAPACITY_HOURS, READ_UNITS: READ_CAPACITY_HOURS}


@dataclass(frozen=True, slots=True)
class Setting:
    """One choice: what it would change of the bill, in US dollars, and why."""

    name: str
    difference: float
    why: str


def compare(lines: Sequence[Line], traffic: Traffic) -> list[Setting]:
    """Each setting against the bill as it is: on demand, arm64, every message for itself."""
    return [
        _provisioned("provisioned capacity, evenly used", lines, traffic, peak=1.0),
        _provisioned("provisioned capacity, three times as much at the peak", lines, traffic, peak=3.0),
        _x86(lines),
        _gzip(lines, traffic),
        _idle(lines),
    ]


def on_demand_break_even() -> float:
    """Share of provisioned capacity in use from which it is cheaper than on demand."""
    return PRICES[WRITE_CAPACITY_HOURS].usd / 3600 / PRICES[WRITE_UNITS].usd


def provisioned_usd(units: float, unit: str, hours: float, *, peak: float) -> float:
    """What capacity costs that holds the traffic's highest rate.

    Args:
        units: Of the whole time.
        unit: Read or write units.
        hours: How long.
        peak: How many times the average rate the highest is; nobody can buy less than one unit.
    """
    capacity = max(1, math.ceil(units / hours / 3600 * peak / UTILISATION))
    return PRICES[TABLES_BY_UNIT[unit]].of(capacity * hours)


def _provisioned(name: str, lines: Sequence[Line], traffic: Traffic, *, peak: float) -> Setting:
    difference = 0.0
    for unit in (WRITE_UNITS, READ_UNITS):
        amount = sum(line.amount for line in lines if line.unit == unit)
        difference += provisioned_usd(amount, unit, traffic.hours, peak=peak) - _usd(lines, unit)
    why = f"pays from {on_demand_break_even():.0%} of use on; requests beyond it are throttled"
    return Setting(name, difference, why)


def _x86(lines: Sequence[Line]) -> Setting:
    seconds = sum(line.amount for line in lines if line.unit == ARM)
    return Setting("x86_64 functions", PRICES[X86].of(seconds) - _usd(lines, ARM), "25 % dearer by the GB-second")


def _gzip(lines: Sequence[Line], traffic: Traffic) -> Setting:
    """Frames are text: gzip's bytes would be written in base64, as values are already."""
    plain = wire_bytes(traffic.size)
    packed = wire_bytes(traffic.size * GZIPPED)
    saved_pieces = 1 - pieces(packed, MESSAGE_PIECE_BYTES) / pieces(plain, MESSAGE_PIECE_BYTES)
    deliveries = sum(line.usd for line in lines if line.cause == "deliveries" and line.unit != TRANSFER_OUT)
    transfer = _usd(lines, TRANSFER_OUT) * (1 - packed / plain)
    return Setting(
        "gzip in messages", -deliveries * saved_pieces - transfer, "messages are billed by 32 KB; only transfer shrinks"
    )


def _idle(lines: Sequence[Line]) -> Setting:
    minutes = _usd(lines, CONNECTION_MINUTES)
    return Setting(
        "closing one idle connection in ten", -minutes / 10, "$0.25 per million minutes, and a connect on return"
    )


def _usd(lines: Iterable[Line], unit: str) -> float:
    return sum(line.usd for line in lines if line.unit == unit)
