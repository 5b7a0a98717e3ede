"""Durations as people write them."""

from datetime import timedelta

import pytest

from sandbox.durations import seconds_of, show_duration
from sandbox.errors import SandboxError


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("2h", 7200), ("90s", 90), ("10m", 600), ("1d", 86_400), ("1h30m", 5400), ("0.5s", 0.5), (" 1m ", 60)],
)
def test_text_means_seconds(written: str, seconds: float) -> None:
    """Days, hours, minutes and seconds, in this order, each at most once."""
    assert seconds_of(written) == seconds


def test_numbers_and_timedeltas_mean_themselves() -> None:
    """Programs need not write text."""
    assert (seconds_of(90), seconds_of(timedelta(hours=2))) == (90, 7200)


@pytest.mark.parametrize("written", ["", "2", "h", "2 hours", "-1h", "1m1h", "1.5h", "9" * 400 + "d"])
def test_other_text_is_refused_by_name(written: str) -> None:
    """The message shows what was written; a bare number could mean anything."""
    with pytest.raises(SandboxError) as caught:
        seconds_of(written)
    assert repr(written) in str(caught.value)


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0s"), (90, "1m30s"), (5400, "1h30m"), (90_000, "1d1h")])
def test_durations_are_shown_as_they_are_written(seconds: float, shown: str) -> None:
    """What is shown can be typed again."""
    assert show_duration(seconds) == shown
