"""What CloudWatch's statistics come to, by hand."""

from collections import Counter

import pytest

from sandbox.telemetry.series import Points, Summary
from sandbox.telemetry.statistics import UnknownStatisticError, read_statistic

TEN = Points(Counter({float(value): 1 for value in range(10, 110, 10)}))
"""10, 20, … 100."""


def taken(name: str, points: Points) -> float | None:
    """A statistic by its name."""
    return read_statistic(name).of(points)


def test_simple_statistics() -> None:
    """Of 1, 2, 2 and 5."""
    points = Points.of(1, 2, 2, 5)
    found = [taken(name, points) for name in ("SampleCount", "Sum", "Average", "Minimum", "Maximum")]
    assert found == [4, 10, 2.5, 1, 5]


def test_percentiles_lie_between_the_nearest_ranks() -> None:
    """Of 0 to 100 each percentile is itself; of two values the middle lies between them."""
    hundred = Points(Counter({float(value): 1 for value in range(101)}))
    assert [taken(name, hundred) for name in ("p0", "p50", "p99", "p99.5", "p100")] == [0, 50, 99, 99.5, 100]
    assert taken("p50", Points.of(10, 20)) == 15


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tm90", 50),
        ("TM(10%:90%)", 55),
        ("TM(10%:)", 60),
        ("TM(30:80)", 60),
        ("TM(:20)", 15),
        ("IQM", 55),
        ("tc90", 9),
        ("TC(30:80)", 5),
        ("ts90", 450),
        ("TS(80:)", 190),
        ("PR(:30)", 30),
        ("PR(30:80)", 50),
        ("PR(80:)", 20),
        ("WM(30:80)", (3 * 30 + 40 + 50 + 60 + 70 + 3 * 80) / 10),
        ("wm90", (450 + 91) / 10),
    ],
)
def test_ranges_are_trimmed(name: str, value: float) -> None:
    """By percentage or by value: a value at the lower bound is out, one at the upper bound is in."""
    assert taken(name, TEN) == pytest.approx(value)


def test_a_percentage_takes_part_of_a_value() -> None:
    """Whatever the number of values, so much of them counts; a single one is its own middle."""
    assert taken("IQM", Points.of(7)) == 7
    assert taken("TC(25%:75%)", Points.of(7)) == 0.5
    assert taken("tm90", Points(Counter({1.0: 9, 100.0: 1}))) == 1


def test_a_range_without_values_has_no_mean() -> None:
    """But a count, a sum and a share."""
    assert [taken(f"{kind}(200:300)", TEN) for kind in ("TM", "TC", "TS", "PR")] == [None, 0, 0, 0]


@pytest.mark.parametrize("name", ["p99", "tm90", "PR(:30)"])
def test_values_that_are_not_known_one_by_one_have_simple_statistics_only(name: str) -> None:
    """A statistic set hides its values unless they are all the same; among negative values there is no rank."""
    assert taken(name, Points(Counter({3.0: 1}), [Summary(2, 10, 4, 6)])) is None
    assert taken(name, Points.of(-1, 3)) is None
    assert taken(name, Points(summaries=[Summary(2, 10, 5, 5)])) == taken(name, Points.of(5, 5))
    assert taken("Average", Points(Counter({3.0: 1}), [Summary(2, 10, 4, 6)])) == pytest.approx(13 / 3)


def test_nothing_has_no_statistics() -> None:
    """A period without values has none, not zero."""
    assert [taken(name, Points()) for name in ("Sum", "SampleCount", "p50", "tm90", "PR(:1)")] == [None] * 5


@pytest.mark.parametrize(
    "name",
    ["Foo", "sum", "p101", "p", "tm101", "TM(:)", "TM()", "TM(5:5)", "TM(10%:200)", "TM(90%:10%)", "PR(1%:2%)", "IQR"],
)
def test_other_names_are_no_statistics(name: str) -> None:
    """A range has one bound at least, of one kind, and the lower one first."""
    with pytest.raises(UnknownStatisticError):
        read_statistic(name)
