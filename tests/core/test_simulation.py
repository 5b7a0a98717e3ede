"""The simulation keeps to AWS's quotas and to the runtime's own pace, and says how far it is off."""

import pytest

from bench.simulation.calibration import Measured, compare, load
from bench.simulation.model import AWS, Account, World
from bench.simulation.scenarios import million_connections, one_actor


def test_quota_lets_its_burst_through_and_then_its_rate() -> None:
    """Twenty at once, then ten a second; what comes sooner is refused."""
    now = 0.0
    account = Account(lambda: now, rate=10.0, burst=20.0)
    assert [account.admits() for _ in range(21)].count(True) == 20
    now = 0.5
    assert [account.admits() for _ in range(6)] == [True] * 5 + [False]
    assert account.refused == 2


def test_one_subscriber_waits_for_call_stream_and_post() -> None:
    """Half of all changes are there within about the sum of the steps' medians."""
    result = one_actor(1, samples=400)
    steps = AWS.call + (AWS.stream_least + AWS.stream_most) / 2 + AWS.fan_out + AWS.page + AWS.processor + AWS.post
    assert result.deliveries == 400
    assert result.p50_ms == pytest.approx(steps * 1000, rel=0.1)


def test_large_audiences_are_paced() -> None:
    """One invocation takes a quarter of the account's rate: 5,000 posts last two seconds, and none is refused."""
    result = one_actor(5_000, samples=1)
    assert result.deliveries == 5_000
    assert 1_800 < result.last_ms < 3_000
    assert (result.refused, result.handed_over) == (0, 0)


def test_account_that_is_asked_for_too_much_refuses() -> None:
    """Beyond its rate posts are refused, tried again and in the end left to workers; below it all are there soon."""
    fine = million_connections(0.2)
    full = million_connections(3.0)
    assert fine.refused == fine.handed_over == 0
    assert fine.p99_ms < 600
    assert full.refused > 0
    assert full.p99_ms > 2 * fine.p99_ms


def test_runs_are_the_same_with_one_seed() -> None:
    """And others with another."""
    assert one_actor(10, samples=5) == one_actor(10, samples=5)
    assert one_actor(10, samples=5) != one_actor(10, samples=5, seed=1)


def test_model_finds_what_lies_between_its_two_measurements() -> None:
    """Audiences that took a millisecond more for each subscriber are predicted within a tenth."""
    measured = [Measured(n, 20.0, 50.0 + n / 2, 52.0 + n) for n in (1, 10, 30, 100)]
    assert [round(abs(one.p50_error), 1) for one in compare(measured)] == [0, 0, 0, 0]


def test_recorded_calibration_is_stated() -> None:
    """What the sandbox took is in the repository, and the model is within half of it for each audience."""
    compared = compare(load())
    assert len(compared) >= 4
    assert [one for one in compared if abs(one.p50_error) > 0.5] == []


def test_worlds_deliver_once_to_each() -> None:
    """Nobody is left out and nobody gets a change twice."""
    world = World(AWS)
    world.clock.process(world.change(0.0, 300))
    world.clock.run()
    assert len(world.delivered) == 300
