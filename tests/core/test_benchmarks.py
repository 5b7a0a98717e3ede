"""The benchmarks that need no sandbox: what they run does run, and they know when a limit is missed."""

import json

import boto3
import pytest

from bench import cold_start, turn
from bench.fan_out import __main__ as fan_out
from bench.fan_out.figures import OURS, PUBLIC, THREADED, Figures, Round
from bench.fan_out.management_api import CREDENTIALS, is_signed
from bench.fan_out.workload import Workload
from tests.support.signers import signed_by_botocore


@pytest.mark.parametrize("start", [f"import actor_handler\n{cold_start.READY}", cold_start.RIVAL])
def test_both_sides_of_the_cold_start_take_time_that_is_measured(start: str) -> None:
    """How much is not for a test to say."""
    assert cold_start.once(start) > 0


@pytest.mark.parametrize(("slowest", "good"), [(60.0, True), (60.1, False)])
def test_each_functions_cold_start_has_to_keep_within_the_limit(slowest: float, *, good: bool) -> None:
    """At most 0.6 of the rival's, whichever function it is."""
    starts = {"websocket_handler": 20.0, "actor_handler": slowest, "stream_processor": 20.0}
    figures = json.loads(cold_start.Figures(starts, starts, 100.0).to_json())
    assert figures["good"] is good
    assert figures["ratios"]["actor_handler"] == pytest.approx(slowest / 100)


def test_a_measured_turn_is_a_whole_one() -> None:
    """Each call is answered with a result, on a state of 1 KB, and the next one has an id of its own."""
    bench = turn.Bench()
    first, second = bench.frames(2)
    assert json.loads(first)["payload"]["callID"] != json.loads(second)["payload"]["callID"]
    assert "result" in json.loads(bench.answer(first))["payload"]
    assert turn.STATE_BYTES <= len(bench.state) < 1.1 * turn.STATE_BYTES


def test_turn_and_documents_take_time_that_is_measured() -> None:
    """How much is not for a test to say; the profile accounts for all of it."""
    figures = json.loads(turn.measure(rounds=1, calls=20).to_json())
    assert figures["turn_us"] > 0
    assert figures["rival_us"] > 0
    assert sum(part for _, part in turn.profile(20)) == pytest.approx(1)


@pytest.mark.parametrize(("turn_us", "good"), [(30.0, True), (30.1, False)])
def test_a_turn_has_to_keep_within_its_limit(turn_us: float, *, good: bool) -> None:
    """At most three times its documents."""
    assert turn.Figures(turn_us, 10.0, 1024).good is good


def test_fan_out_and_boto3_deliver_to_a_server_that_refuses_the_unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection gets all of it once and in order, or two frames when it is gone; nothing was wrongly signed."""
    # What boto3 has kept from whoever used it first in this process.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session("somebody", "else", region_name="eu-west-1"))
    figures = fan_out.measure(Workload(connections=24, versions=4, state_bytes=100), rounds=1, with_public=False)
    assert set(figures.rounds) == {OURS, THREADED}
    for rounds in figures.rounds.values():
        assert [one.wrong for one in rounds] == [[]]
        assert rounds[0].refused["403"] == 0
        assert rounds[0].refused["410"] > 0


def test_the_server_refuses_what_was_changed_after_it_was_signed() -> None:
    """Body, address and time; and what is not signed at all."""
    url, body = "https://127.0.0.1:8443/production/@connections/c1%3D", b"{}"
    headers = signed_by_botocore(url, body, CREDENTIALS) | {"host": "127.0.0.1:8443"}
    assert is_signed("POST", url, headers, body)
    assert not is_signed("POST", url, headers, b"{ }")
    assert not is_signed("POST", url.replace("c1", "c2"), headers, body)
    assert not is_signed("POST", url, headers | {"x-amz-date": "20260101T000000Z"}, body)
    assert not is_signed("POST", url, {"host": "127.0.0.1:8443"}, body)


@pytest.mark.parametrize(("ours", "wrong", "good"), [(1.0, [], True), (1.1, [], False), (1.0, ["c1"], False)])
def test_the_fan_out_has_to_keep_within_its_limit(ours: float, wrong: list[str], *, good: bool) -> None:
    """Eight times as many posts as with threads, all of them right; against the public rival nothing is promised."""
    taken = {OURS: ours, THREADED: 8.0, PUBLIC: 2.0}
    rounds = {name: [Round(1, cpu_ms, 1.0, {}, wrong)] for name, cpu_ms in taken.items()}
    figures = json.loads(Figures(rounds).to_json())
    assert figures["good"] is good
    assert figures["ratios"][PUBLIC] == pytest.approx(2.0 / ours)
