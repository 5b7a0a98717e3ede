"""What ``trebuche cost`` predicts of each step of a connection's life is what the sandbox's meter counts of it."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from bench.cost_gate import ROOT
from bench.cost_run import Counts
from bench.workloads.steady import STATE_BYTES, Phases, run
from cli.cost import measured
from cli.cost.asked import machines_of
from cli.cost.prediction import arriving, steady
from cli.cost.traffic import Traffic
from sandbox.meter.units import INVOCATIONS, MESSAGES, QUEUE_REQUESTS, READ_UNITS, TRANSFER_OUT, WRITE_UNITS
from tests.loop.conftest import Deployed
from trebuche.adapters import audience_cache

SUBSCRIBERS = 10
MINUTES = 3
EXACT = (MESSAGES, WRITE_UNITS, READ_UNITS, INVOCATIONS, QUEUE_REQUESTS)
TRAFFIC = Traffic(
    connections=SUBSCRIBERS, subscribers=SUBSCRIBERS, updates_per_minute=1, hours=MINUTES / 60, size=STATE_BYTES
)


def sums(counts: Iterable[Mapping[str, Any]], *causes: str) -> dict[str, float]:
    """Amounts by unit, of these causes or of all."""
    chosen = [one for one in counts if not causes or one["cause"] in causes]
    return {unit: sum(one["amount"] for one in chosen if one["unit"] == unit) for unit in (*EXACT, TRANSFER_OUT)}


@pytest.fixture(scope="module")
def phases(deployed: Deployed) -> Phases:
    """Ten connect, subscribe, hear of three changes in as many minutes, and leave."""
    return asyncio.run(run(deployed, MINUTES, SUBSCRIBERS))


@pytest.mark.parametrize(
    ("phase", "causes"),
    [
        ("connecting", ("connecting",)),
        ("subscribing", ("subscribing", "reminders")),
        ("steady", ("calls", "fan-out", "deliveries")),
        ("leaving", ("disconnecting",)),
    ],
)
def test_steps_take_what_is_predicted_of_them(phases: Phases, phase: str, causes: tuple[str, ...]) -> None:
    """Messages, units, invocations and queue requests to the last one; bytes, which are those of names, nearly."""
    machines = machines_of(ROOT)
    predicted = sums([*steady(TRAFFIC, machines), *arriving(TRAFFIC, machines)], *causes)
    counted: Counts = getattr(phases, phase)
    taken = sums(counted)
    if phase == "connecting" and phases.repeated:
        pytest.skip("a busy machine let handshakes fail, which were counted, too")
    if phase == "subscribing":
        # A worker that is late takes several reminders at once.
        together = {unit: taken.pop(unit) for unit in (INVOCATIONS, QUEUE_REQUESTS)}
        assert [unit for unit in together if not SUBSCRIBERS < together[unit] <= predicted[unit]] == []
    exact = taken.keys() - {TRANSFER_OUT}
    assert {unit: taken[unit] for unit in exact} == {unit: predicted[unit] for unit in exact}
    assert taken[TRANSFER_OUT] == pytest.approx(predicted[TRANSFER_OUT], rel=0.05)


def test_predictions_know_how_long_subscribers_are_kept() -> None:
    """As the runtime does it."""
    assert measured.AUDIENCE_ROWS == audience_cache.LEAST_ROWS
    assert measured.AUDIENCE_SECONDS == audience_cache.LONGEST_SECONDS
