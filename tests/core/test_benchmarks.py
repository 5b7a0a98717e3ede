"""The benchmarks that need no sandbox: what they run does run, and they know when a limit is missed."""

import json

import pytest

from bench import cold_start


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
