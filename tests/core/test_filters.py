"""Every row of the table of stream filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trebuche.envelopes import FilterType, StreamFilter
from trebuche.errors import ProtocolError
from trebuche.filters import latest_window_ms, passes

CHANGED = StreamFilter(FilterType.PREDEFINED, "changed", {})
NON_EMPTY = StreamFilter(FilterType.PREDEFINED, "nonEmpty")


def threshold(**parameters: str) -> StreamFilter:
    """A threshold filter."""
    return StreamFilter(FilterType.PREDEFINED, "threshold", parameters)


@pytest.mark.parametrize(
    "stream_filter",
    [
        None,
        StreamFilter(FilterType.ALL),
        StreamFilter(FilterType.ALL, "changed"),
        StreamFilter(FilterType.CUSTOM, "onlyMine"),
        StreamFilter(FilterType.CUSTOM, "nonEmpty"),
        StreamFilter(FilterType.PREDEFINED),
        StreamFilter(FilterType.PREDEFINED, "Changed"),
        StreamFilter(FilterType.PREDEFINED, "future", {"a": "b"}),
    ],
)
@pytest.mark.parametrize("value", [b"[]", b"7", b"no json"])
def test_everything_passes_what_filters_nothing(stream_filter: StreamFilter | None, value: bytes) -> None:
    """All, custom ones, and predefined ones that are not known."""
    assert passes(stream_filter, value=value, previous=value)


@pytest.mark.parametrize(
    ("value", "previous", "expected"),
    [
        (b"1", None, True),
        (b"1", b"1", False),
        (b"1", b"2", True),
        (b"1", b"1.0", False),
        (b"1", b"true", True),
        (b'{"a":1,"b":[{"c":1,"d":2}]}', b'{"b": [{"d":2, "c":1}], "a":1}', False),
        (b"[1,2]", b"[2,1]", True),
        (b'"\\/"', b'"/"', False),
        (b"no json", b"no json", False),
        (b"no json", b"1", True),
        (b"1", b"no json", True),
        (b'"\\ud800"', b'"\\ud801"', True),
    ],
)
def test_changed_compares_values(value: bytes, previous: bytes | None, expected: bool) -> None:
    """The order of keys and the spelling do not count, since Swift's encoder is free in both."""
    assert passes(CHANGED, value=value, previous=previous) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"[]", False),
        (b"{}", False),
        (b'""', False),
        (b" [ ] ", False),
        (b"[0]", True),
        (b'{"a":null}', True),
        (b'" "', True),
        (b"0", True),
        (b"false", True),
        (b"null", True),
        (b"no json", True),
        (b"", True),
        (b"\xff", True),
    ],
)
def test_non_empty(value: bytes, expected: bool) -> None:
    """Only arrays, objects and texts can be empty."""
    assert passes(NON_EMPTY, value=value, previous=None) is expected


@pytest.mark.parametrize(
    ("comparison", "below", "equal", "above"),
    [
        ("gt", False, False, True),
        (">", False, False, True),
        ("gte", False, True, True),
        (">=", False, True, True),
        ("lt", True, False, False),
        ("<", True, False, False),
        ("lte", True, True, False),
        ("<=", True, True, False),
        ("eq", False, True, False),
        ("==", False, True, False),
        ("neq", True, False, True),
        ("!=", True, False, True),
        ("unknown", False, False, True),
        ("GTE", False, False, True),
    ],
)
def test_threshold_compares(comparison: str, below: bool, equal: bool, above: bool) -> None:
    """Both spellings of each comparison; unknown words mean greater."""
    stream_filter = threshold(value="21.5", comparison=comparison)
    assert [passes(stream_filter, value=value, previous=None) for value in (b"21.4", b"21.50", b"22")] == [
        below,
        equal,
        above,
    ]


@pytest.mark.parametrize(
    ("parameters", "value", "expected"),
    [
        ({"value": "5"}, b"4", False),
        ({"value": "5"}, b"6", True),
        ({"value": "-5e-1"}, b"-1", False),
        ({"value": "5", "field": "celsius"}, b'{"celsius":4}', False),
        ({"value": "5", "field": "celsius"}, b'{"celsius":6}', True),
        ({"value": "5", "field": "celsius"}, b"4", False),
        ({"value": "5", "field": "a.b"}, b'{"a":{"b":4}}', True),
        ({"value": "5", "field": "a.b"}, b'{"a.b":4}', False),
        ({"value": "5", "field": "celsius"}, b'{"celsius":"4"}', True),
        ({"value": "5", "field": "celsius"}, b'{"celsius":true}', True),
        ({"value": "5", "field": "celsius"}, b"{}", True),
        ({"value": "5", "field": "celsius"}, b"[4]", True),
        ({"value": "5"}, b'{"celsius":4}', True),
        ({"value": "5"}, b"true", True),
        ({"value": "5"}, b'"4"', True),
        ({"value": "5"}, b"null", True),
        ({"value": "5"}, b"no json", True),
        ({}, b"4", True),
        ({"value": ""}, b"4", True),
        ({"value": "five"}, b"4", True),
        ({"value": "nan"}, b"4", True),
        ({"value": " 5"}, b"4", True),
        ({"value": "\u0665"}, b"4", True),
        ({"value": "9007199254740992", "comparison": "gt"}, b"9007199254740993", True),
        ({"value": "9007199254740993", "comparison": "gt"}, b"9007199254740993", False),
    ],
)
def test_threshold_reads_numbers(parameters: dict[str, str], value: bytes, expected: bool) -> None:
    """The value itself or one top-level member; without two numbers there is nothing to compare, and it passes."""
    assert passes(threshold(**parameters), value=value, previous=None) is expected


def test_threshold_without_parameters_passes() -> None:
    """They are optional on the wire."""
    assert passes(StreamFilter(FilterType.PREDEFINED, "threshold"), value=b"4", previous=None)


@given(
    st.sampled_from([CHANGED, NON_EMPTY, threshold(value="5", field="a")]),
    st.binary() | st.text('[]{}":,a50.').map(str.encode),
    st.none() | st.binary(),
)
def test_a_filter_never_fails(stream_filter: StreamFilter, value: bytes, previous: bytes | None) -> None:
    """One subscriber's filter cannot stop the others' delivery."""
    assert passes(stream_filter, value=value, previous=previous) in (True, False)


@pytest.mark.parametrize(
    ("stream_filter", "window"),
    [
        (StreamFilter(FilterType.CUSTOM, "latest", {"window": "250"}), 250),
        (StreamFilter(FilterType.CUSTOM, "latest", {"window": "60000"}), 60_000),
        (StreamFilter(FilterType.CUSTOM, "latest"), 250),
        (StreamFilter(FilterType.CUSTOM, "onlyMine", {"window": "250"}), None),
        (StreamFilter(FilterType.PREDEFINED, "latest", {"window": "250"}), None),
        (None, None),
    ],
)
def test_latest_only_is_a_custom_filter(stream_filter: StreamFilter | None, window: int | None) -> None:
    """The window is told in milliseconds."""
    assert latest_window_ms(stream_filter) == window


@pytest.mark.parametrize("window", ["", "0", "60001", "-1", "2.5", "1s", "9" * 5000])
def test_an_impossible_window_is_refused(window: str) -> None:
    """The text names the parameter and what is allowed."""
    with pytest.raises(
        ProtocolError, match=r"^streamFilter\.parameters\.window: expected milliseconds from 1 to 60000"
    ):
        latest_window_ms(StreamFilter(FilterType.CUSTOM, "latest", {"window": window}))
