"""Values of a series, metrics in log lines, and the encoding that SDKs speak to CloudWatch."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from sandbox.telemetry import cbor
from sandbox.telemetry.emf import read_embedded
from sandbox.telemetry.series import Metric, Points
from sandbox.telemetry.store import MetricStore

METRIC = Metric("000000000000", "us-east-1", "Mine", "Size")


def test_values_are_found_by_the_minute() -> None:
    """Periods begin at multiples of their length."""
    store = MetricStore()
    for second in (0, 59, 60, 300, 301):
        store.count(METRIC, 6000 + second)
    assert [(at, points.total) for at, points in store.periods(METRIC, 0, 9000, 300)] == [(6000, 3), (6300, 2)]
    assert store.between(METRIC, 6000, 6060).total == 2


def test_values_are_kept_for_15_days() -> None:
    """As CloudWatch keeps values by the minute."""
    store = MetricStore()
    for day in (0, 1, 15, 16):
        store.count(METRIC, day * 86_400)
    assert [at // 86_400 for at, _ in store.periods(METRIC, 0, 17 * 86_400, 86_400)] == [1, 15, 16]


def test_values_in_other_units_are_told_apart() -> None:
    """Who asks for a unit gets no other one; who does not gets all."""
    store = MetricStore()
    store.put(METRIC, 6000, Points.of(1), "Bytes")
    store.put(METRIC, 6000, Points.of(2), "Count")
    assert store.between(METRIC, 6000, 6060, "Bytes").total == 1
    assert store.between(METRIC, 6000, 6060, "Bits").count == 0
    assert store.between(METRIC, 6000, 6060).total == 3
    assert [store.periods(METRIC, 0, 9000, 60, unit)[0][1].total for unit in store.units(METRIC)] == [1, 2]


def line(*, directive: Mapping[str, object] | None = None, **changes: object) -> str:
    """A line in the embedded metric format, with other members of the document or of its directive."""
    directive = {
        "Namespace": "Mine",
        "Dimensions": [["Stage"], []],
        "Metrics": [{"Name": "Lag", "Unit": "Milliseconds"}],
        **(directive or {}),
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
    assert found[0].points.total == 7


@pytest.mark.parametrize("text", ['{"_aws": ', '{"_aws": 1}', line(_aws={"Timestamp": 1}), '"_aws"', line()[:-3]])
def test_a_line_that_is_no_document_holds_nothing(text: str) -> None:
    """Logs may hold anything."""
    assert list(read_embedded(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        line(Lag="5"),
        line(Lag=True),
        line(Lag=float("nan")),
        line(Lag=list(range(101))),
        line(Stage=1),
        line(Stage=""),
        line(Stage="x" * 1025),
        line(directive={"Namespace": ""}),
        line(directive={"Metrics": [{"Name": "Lag"}] * 101}),
        line(directive={"Metrics": [{"Name": "Lag", "Unit": "Parsecs"}]}),
        line(directive={"Dimensions": [["Stage"], ["Stage"] * 31]}),
        line(directive={"Dimensions": [["Missing"]]}),
        line(more="x" * 1024 * 1024),
    ],
)
def test_a_line_that_breaks_a_rule_holds_nothing(text: str) -> None:
    """Numbers are numbers, dimensions texts; 100 values, 100 metrics, 30 dimensions, 1 MB at most; none is cut."""
    assert list(read_embedded(text)) == []


def test_a_line_may_use_the_format_to_its_limits() -> None:
    """100 metrics of 100 values in sets of 30 dimensions; a metric without a value is none."""
    names = [f"m{number}" for number in range(100)]
    directive: dict[str, object] = {
        "Dimensions": [[f"d{number}" for number in range(30)]],
        "Metrics": [{"Name": name, "Unit": "Kilobytes/Second"} for name in names],
    }
    members = {f"d{number}": "x" * 1024 for number in range(30)} | dict.fromkeys(names[1:], [1.5] * 100)
    found = list(read_embedded(line(directive=directive, **members)))
    assert [one.name for one in found] == names[1:]
    assert {one.points.total for one in found} == {150.0}


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
