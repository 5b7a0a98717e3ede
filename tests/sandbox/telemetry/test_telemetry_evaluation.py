"""Alarms against series that were worked out by hand, most of them in CloudWatch's own user guide."""

import pytest

from sandbox.telemetry.evaluation import Rule, State, evaluate

RETAINED: State = "INSUFFICIENT_DATA"
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
SHORT = {"A": "ALARM", "O": "OK", "I": "INSUFFICIENT_DATA", "R": RETAINED}


def series(text: str) -> list[float | None]:
    """``X`` is a value above the threshold, ``0`` one below, ``-`` none; the oldest comes first."""
    return [{"X": 9.0, "0": 0.0, "-": None}[one] for one in text]


def rule(missing: str = "missing", *, periods: int = 3, to_alarm: int = 3) -> Rule:
    """Greater than 5."""
    return Rule(comparison="GreaterThanThreshold", threshold=5, periods=periods, to_alarm=to_alarm, missing=missing)


@pytest.mark.parametrize(
    ("points", "states"),
    [("0-X-X", "OOOO"), ("0----", "OOOO"), ("-----", "IRAO"), ("0XX-X", "AAAA"), ("--X--", "ARAO")],
)
def test_three_of_three(points: str, states: str) -> None:
    """The user guide's first table: what missing data counts as, when every period must breach."""
    found = [evaluate(rule(missing), series(points), RETAINED) for missing in TREATMENTS]
    assert found == [SHORT[one] for one in states]


@pytest.mark.parametrize(
    ("points", "states"),
    [("0-X-X", "AAAA"), ("00X0X", "AAAA"), ("0-X--", "OOAO"), ("----0", "OOAO"), ("---X-", "ARAO")],
)
def test_two_of_three(points: str, states: str) -> None:
    """The user guide's second table: two of three periods are enough."""
    found = [evaluate(rule(missing, to_alarm=2), series(points), RETAINED) for missing in TREATMENTS]
    assert found == [SHORT[one] for one in states]


@pytest.mark.parametrize(
    ("points", "to_alarm", "states"),
    [("----X", 3, "ORAO"), ("---X-", 3, "ORAO"), ("---XX", 3, "ORAO"), ("--XX-", 3, "ARAO"), ("----X", 2, "ORAO")],
)
def test_an_alarm_is_not_raised_too_early(points: str, to_alarm: int, states: str) -> None:
    """The user guide's "Avoiding premature transitions": the next value may be a good one."""
    found = [evaluate(rule(missing, to_alarm=to_alarm), series(points), RETAINED) for missing in TREATMENTS]
    assert found == [SHORT[one] for one in states]


def test_what_is_ignored_keeps_the_state() -> None:
    """Without data an alarm that ignores that stays what it is."""
    for state in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        assert evaluate(rule("ignore"), series("-----"), state) == state


def test_older_values_do_not_count_when_there_are_enough_new_ones() -> None:
    """Only the newest periods are evaluated."""
    assert evaluate(rule(), series("XX0XX"), "OK") == "OK"
    assert evaluate(rule(), series("00XXX"), "OK") == "ALARM"


@pytest.mark.parametrize(
    ("comparison", "alarms"),
    [
        ("GreaterThanThreshold", [False, False, True]),
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_comparisons(comparison: str, alarms: list[bool]) -> None:
    """Below, at and above the threshold."""
    one = Rule(comparison=comparison, threshold=5, periods=1, to_alarm=1)
    assert [evaluate(one, [None, None, value], "OK") == "ALARM" for value in (4.0, 5.0, 6.0)] == alarms
