"""Statistics of a series, metrics in log lines, and the encoding that SDKs speak to CloudWatch."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from sandbox.telemetry import cbor
from sandbox.telemetry.emf import read_embedded
from sandbox.telemetry.series import Metric, Points, Summary
from sandbox.telemetry.store import MetricStore

METRIC = Metric("000000000000", "us-east-1", "Mine", "Size")


def test_statistics() -> None:
    """Of 1, 2, 2 and 5."""
    points = Points.of(1, 2, 2, 5)
    found = [points.statistic(name) for name in ("SampleCount", "Sum", "Average", "Minimum", "Maximum")]
    assert found == [4, 10, 2.5, 1, 5]


def test_percentiles_lie_between_the_nearest_ranks() -> None:
    """Of 0 to 100 each percentile is itself; of two values the middle lies between them."""
    hundred = Points(Counter({float(value): 1 for value in range(101)}))
    assert [hundred.statistic(name) for name in ("p0", "p50", "p99", "p99.5", "p100")] == [0, 50, 99, 99.5, 100]
    assert Points.of(10, 20).statistic("p50") == 15


def test_a_statistic_set_has_no_percentiles() -> None:
    """Only sums and bounds of it are known."""
    points = Points(Counter({3.0: 1}), [Summary(2, 10, 4, 6)])
    assert (points.statistic("p99"), points.statistic("Average"), points.statistic("Maximum")) == (None, 13 / 3, 6)


def test_nothing_has_no_statistics() -> None:
    """A period without values has none, not zero."""
    assert Points().statistic("Sum") is None


def test_values_are_found_by_the_minute() -> None:
    """Periods begin at multiples of their length."""
    store = MetricStore()
    for second in (0, 59, 60, 300, 301):
        store.count(METRIC, 6000 + second)
    assert [(at, points.statistic("Sum")) for at, points in store.periods(METRIC, 0, 9000, 300)] == [
        (6000, 3),
        (6300, 2),
    ]
    assert store.between(METRIC, 6000, 6060).statistic("Sum") == 2


def line(**changes: object) -> str:
    """A line in the embedded metric format."""
    directive = {
        "Namespace": "Mine",
        "Dimensions": [["Stage"], []],
        "Metrics": [{"Name": "Lag", "Unit": "Milliseconds"}],
    }
    document = {
        "_aws": {"Timestamp": 1_767_225_600_000, "CloudWatchMetrics": [directive]},
        "Stage": "test",
        "Lag": [3, 4],
    }
    return json.dumps(document | changes)


def test_a_line_holds_each_metric_once_per_set_of_dimensions() -> None:
    """Values may come as a list; further members of the document are no metrics."""
    found = list(read_embedded(f"START\n{line(actorId='todos')}\nEND"))
    assert [(one.namespace, one.name, one.unit, one.at) for one in found] == [
        ("Mine", "Lag", "Milliseconds", 1_767_225_600)
    ] * 2
    assert [one.dimensions for one in found] == [(("Stage", "test"),), ()]
    assert found[0].points.statistic("Sum") == 7


@pytest.mark.parametrize(
    "text", ['{"_aws": ', '{"_aws": 1}', line(Lag="slow"), line(_aws={"Timestamp": 1}), '"_aws"', line(Stage=1)[:-3]]
)
def test_a_line_that_is_no_document_holds_nothing(text: str) -> None:
    """Logs may hold anything."""
    assert list(read_embedded(text)) == []


def test_cbor_reads_what_it_has_written() -> None:
    """Every kind of value that a request or an answer holds."""
    value: dict[str, object] = {
        "none": None,
        "flags": [True, False],
        "numbers": [0, 23, 24, 255, 256, 65536, 1 << 40, -1, -25, 1.5],
        "text": "Grüße" * 20,
        "bytes": b"\x00" * 300,
        "time": datetime(2026, 1, 1, tzinfo=UTC),
        "empty": {},
    }
    assert cbor.loads(cbor.dumps(value)) == value


def test_cbor_reads_what_was_begun_without_a_length() -> None:
    """Smithy allows lists, objects and texts of unknown length, and short floats (RFC 8949, appendix A)."""
    assert cbor.loads(bytes.fromhex("bf61610161629f0203ffff")) == {"a": 1, "b": [2, 3]}
    assert cbor.loads(bytes.fromhex("7f657374726561646d696e67ff")) == "streaming"
    assert cbor.loads(bytes.fromhex("f93e00")) == 1.5


@pytest.mark.parametrize("text", ["", "63aabb", "a1", "ff" * 3, "5f"])
def test_what_is_no_cbor_is_refused(text: str) -> None:
    """An answer is given all the same, by the emulator."""
    with pytest.raises((ValueError, AttributeError)):
        cbor.loads(bytes.fromhex(text)).keys()
