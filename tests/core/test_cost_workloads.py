"""Workloads that are run in part are priced as a whole."""

import pytest

from bench.workloads import hot
from bench.workloads.steady import Phases, price
from cli.cost.prices import ARM, PRICES
from sandbox.meter.units import CONNECTION_MINUTES, INVOCATIONS, MESSAGES, TRANSFER_OUT, WRITE_UNITS
from tests.support.sandbox import Json


def count(unit: str, amount: float, cause: str = "", resource: str = "api/stage") -> Json:
    """One of the meter's counts."""
    return {"unit": unit, "resource": resource, "cause": cause, "amount": amount}


def test_w1_is_a_hundred_actors_for_an_hour() -> None:
    """Six minutes of one actor stand for a thousand times as much; transfer, and what came before, stand apart."""
    steady = [
        count(MESSAGES, 600, "posted"),
        count(MESSAGES, 12, "received"),
        count(CONNECTION_MINUTES, 600),
        count(TRANSFER_OUT, 1e6, "posted"),
    ]
    coming = [count(WRITE_UNITS, 100), count(CONNECTION_MINUTES, 100)]
    hour = price(Phases(connecting=coming, subscribing=[], steady=steady, leaving=[], standing=[], minutes=6))
    assert hour.steady == pytest.approx(
        {"deliveries": 0.6, "connection minutes": 0.15, "calls and answers": 0.012, "data transfer": 0.09}
    )
    assert hour.usd == pytest.approx(0.762)
    assert hour.connecting == pytest.approx({"table writes": 10_000 * PRICES[WRITE_UNITS].usd})


def test_w2_is_priced_by_its_calls_and_windows() -> None:
    """In slow motion: ten windows of a second with fifty calls are 14,400 windows with 72,000; time stays time."""
    counts = [
        count(MESSAGES, 1000, "posted"),
        count(MESSAGES, 100, "received"),
        count(INVOCATIONS, 50, "call", "app-actor-todo-list"),
        count(ARM, 5.0, "stream", "app-stream-processor"),
    ]
    hour = hot.price(hot.Run(counts=counts, calls=50, seconds=10.0, deliveries=1000, window_ms=1000))
    assert hour.fewer == 5.0
    assert hour.good
    assert hour.steady["deliveries"] == pytest.approx(1.44)
    assert hour.steady["calls and answers"] == pytest.approx(0.144)
    assert hour.steady["function requests"] == pytest.approx(72_000 * PRICES[INVOCATIONS].usd)
    assert hour.steady["function run time"] == pytest.approx(360 * 5.0 * PRICES[ARM].usd)


def test_window_that_spares_nothing_is_not_good() -> None:
    """However cheap the hour was: a slow machine delivers little."""
    counts = [count(MESSAGES, 5000, "posted")]
    assert not hot.price(hot.Run(counts=counts, calls=50, seconds=10.0, deliveries=5000, window_ms=1000)).good


def test_w2_with_every_value_is_priced_by_its_calls() -> None:
    """Nothing is left out: 7.2 million deliveries, and run time goes by calls as well."""
    counts = [count(MESSAGES, 1000, "posted"), count(ARM, 1.0, "stream", "app-stream-processor")]
    hour = hot.price(hot.Run(counts=counts, calls=10, seconds=30.0, deliveries=1000, window_ms=0))
    assert hour.fewer == 1.0
    assert hour.steady["deliveries"] == pytest.approx(7.2)
    assert hour.steady["function run time"] == pytest.approx(7200 * PRICES[ARM].usd)


def test_a_machine_that_is_late_makes_no_hour_cheaper() -> None:
    """Five deliveries in ten windows: W2 still has one in each, and each costs as much as those."""
    counts = [count(MESSAGES, 500, "posted")]
    hour = hot.price(hot.Run(counts=counts, calls=50, seconds=10.0, deliveries=500, window_ms=1000))
    assert hour.steady["deliveries"] == pytest.approx(1.44)
