"""Each optimisation of the page beside what it saves of W1's hour. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.savings.counted import Counted, Units
from cli.cost.prices import ARM, PRICES, X86
from cli.cost.settings import provisioned_usd
from sandbox.meter.units import CONNECTION_MINUTES, INVOCATIONS, READ_UNITS, TRANSFER_OUT, WRITE_UNITS


@dataclass(frozen=True, slots=True)
class Advice:
    """What the page promises, what was found, and US dollars of the hour without and with it."""

    name: str
    promise: str
    found: str
    before: float
    after: float


def all_of(counted: Counted) -> Iterator[Advice]:
    """The five, some in two cases."""
    yield _provisioned(counted, "provisioned tables, even traffic", peak=1.0)
    yield _provisioned(counted, "provisioned tables, peak of three times the mean", peak=3.0)
    yield _gzip(counted)
    yield _batched_items(counted)
    yield _batched_stream(counted)
    yield _arm(counted)
    yield _idle(counted)


def usd_of(units: Units, *without: str) -> float:
    """What units cost, those left out that are named."""
    return sum(
        PRICES[unit].of(amount) for name, amount in units.items() if (unit := name.partition(" ")[0]) not in without
    )


def _amount(units: Units, unit: str) -> float:
    return sum(amount for name, amount in units.items() if name.partition(" ")[0] == unit)


def _usd(units: Units, unit: str) -> float:
    return PRICES[unit].of(_amount(units, unit))


def _provisioned(counted: Counted, name: str, *, peak: float) -> Advice:
    tables = (WRITE_UNITS, READ_UNITS)
    before = sum(_usd(counted.hour, unit) for unit in tables)
    after = sum(provisioned_usd(_amount(counted.hour, unit), unit, 1.0, peak=peak) for unit in tables)
    return Advice(
        name, "50 to 70 % of the tables", f"{after / before - 1:+.0%} of the tables, at 70 % use", before, after
    )


def _gzip(counted: Counted) -> Advice:
    frame = counted.frames[0]
    before = _usd(counted.hour, TRANSFER_OUT)
    left = frame.packed / frame.plain
    found = f"{left - 1:+.0%} of a frame of 1 KB, no message fewer"
    return Advice("gzip, state of 1 KB", "60 to 80 % of the bandwidth", found, before, before * left)


def _batched_items(counted: Counted) -> Advice:
    before = _usd(counted.hour, WRITE_UNITS)
    found = f"25 items: {counted.single:.0f} write units one by one, {counted.batch:.0f} in a batch"
    return Advice(
        "batches of items", "20 to 30 % of the requests", found, before, before * counted.batch / counted.single
    )


def _batched_stream(counted: Counted) -> Advice:
    """All that could be saved, if W1's changes came as close together as those that were measured."""
    changes = counted.hour[f"{INVOCATIONS} (stream)"]
    before = PRICES[INVOCATIONS].of(changes)
    found = (
        f"{counted.changes} changes of many actors at once: {counted.one_by_one:.0f} invocations by ones, "
        f"{counted.together:.0f} in batches"
    )
    after = before * counted.together / counted.one_by_one
    return Advice("batches of the stream", "20 to 30 % of the requests", found, before, after)


def _arm(counted: Counted) -> Advice:
    before = PRICES[X86].of(_amount(counted.hour, ARM))
    after = _usd(counted.hour, ARM)
    return Advice("arm64", "20 % of compute", f"{after / before - 1:+.0%} of run time's price", before, after)


def _idle(counted: Counted) -> Advice:
    before = _usd(counted.hour, CONNECTION_MINUTES)
    minutes = usd_of(counted.coming) / PRICES[CONNECTION_MINUTES].usd
    found = f"a tenth of the minutes; coming back costs as much as {minutes:.0f} of them"
    return Advice("closing one idle connection in ten", "not said", found, before, before * 0.9)
