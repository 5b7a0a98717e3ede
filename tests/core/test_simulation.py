"""The simulation keeps to AWS's quotas and to the runtime's own pace, and says how far it is off."""

import pytest

from bench.simulation.calibration import Measured, compare, load
from bench.simulation.gateway import Account, arrivals
from bench.simulation.lanes import Change
from bench.simulation.model import World
from bench.simulation.scenarios import million_connections, one_actor, traffic_for
from bench.simulation.times import AWS
from cli.cost.prediction import pings_per_second
from cli.cost.quotas import gateway_requests
from trebuche.handover import SLOW_SECONDS


def test_quota_lets_its_burst_through_and_then_its_rate() -> None:
    """Twenty at once, then ten a second; what comes sooner is refused."""
    now = 0.0
    account = Account(lambda: now, rate=10.0, burst=20.0)
    assert [account.admits("post") for _ in range(21)].count(True) == 20
    now = 0.5
    assert [account.admits("post") for _ in range(6)] == [True] * 5 + [False]
    assert account.refused == {"post": 2}


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
    assert (result.refused, result.handed_over) == ({}, 0)


def test_account_that_is_asked_for_too_much_refuses() -> None:
    """Beyond its rate requests are refused and tried again; below it all are there soon. Nobody is left out."""
    fine, full = million_connections(0.4, seconds=3), million_connections(2.0, seconds=3)
    assert (fine.refused, fine.handed_over) == ({}, 0)
    assert fine.p99_ms < 600
    assert full.refused["post"] > 0
    assert full.refused["call"] > 0
    assert full.handed_over > 0
    assert full.deliveries % 100 == 0
    assert full.p99_ms > 2 * fine.p99_ms


def test_a_million_connections_take_their_share_of_the_quota() -> None:
    """Traffic is found so that calls, posts, pings and connections together are as many as were asked for."""
    for share in (0.4, 1.2):
        assert gateway_requests(traffic_for(share, 100)) == pytest.approx(share * 10_000)
    assert pings_per_second(traffic_for(0.4, 100)) < 200 < pings_per_second(traffic_for(0.35, 100))


def test_what_clients_send_takes_from_the_same_quota_as_posts() -> None:
    """Pings that use the burst up leave nothing for a change's posts, which are refused, and come all the same."""
    world = World(AWS)
    for at in arrivals(world.chance, 50_000, 0.6):
        world.clock.process(world.request(at, "ping"))
    world.clock.process(world.change(0.0, 50))
    world.clock.run()
    assert world.account.refused["post"] > 0
    assert len(world.delivered) == 50
    assert max(world.delivered) > 0.5


def test_whom_a_worker_takes_over_hears_of_the_change_later() -> None:
    """Two seconds at least, as the runtime has it."""
    world = World(AWS)
    world.hand_over(Change(0.0, 1), float(SLOW_SECONDS))
    world.clock.run()
    assert world.handed_over == 1
    assert [late > SLOW_SECONDS for late in world.delivered] == [True]


def test_changes_of_one_lane_wait_for_each_other() -> None:
    """Two long audiences in one lane take nearly twice as long as in two of many."""
    last = {}
    for lanes in (1, 40):
        world = World(AWS, lanes=lanes, seed=3)
        for _ in range(2):
            world.clock.process(world.change(0.0, 3_000))
        world.clock.run()
        assert len(world.delivered) == 6_000
        last[lanes] = max(world.delivered)
    assert last[1] > 1.4 * last[40]


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
