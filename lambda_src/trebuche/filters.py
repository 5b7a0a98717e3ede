"""Stream filters: whether a value is sent to a subscriber."""

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from trebuche.documents import Json, canonical, loads, number
from trebuche.envelope_types import FilterType, StreamFilter
from trebuche.errors import MalformedError, ProtocolError

PARAMETERS_LIMIT: Final = 16
"""Parameters of a filter: it is stored with its subscription, and read with every change."""
WORD_LIMIT: Final = 1_024
"""Characters of a filter's name, and of each parameter's name and value."""
DEFAULT_WINDOW_MS: Final = 250
LONGEST_WINDOW_MS: Final = 60_000

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WINDOW: Final = re.compile(r"[0-9]{1,6}")
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "gt": operator.gt,
    ">": operator.gt,
    "gte": operator.ge,
    ">=": operator.ge,
    "lt": operator.lt,
    "<": operator.lt,
    "lte": operator.le,
    "<=": operator.le,
    "eq": operator.eq,
    "==": operator.eq,
    "neq": operator.ne,
    "!=": operator.ne,
}


def passes(stream_filter: StreamFilter | None, *, value: bytes, previous: bytes | None) -> bool:
    """Whether a value is sent; in doubt it is.

    Args:
        stream_filter: The subscriber's filter; None lets everything through.
        value: JSON document of the observed value.
        previous: JSON document of the value sent last on this stream; None when nothing was sent yet.
    """
    if stream_filter is None or stream_filter.type is not FilterType.PREDEFINED:
        return True
    match stream_filter.name:
        case "changed":
            return _changed(value, previous)
        case "nonEmpty":
            return _non_empty(value)
        case "threshold":
            return _beyond_threshold(value, stream_filter.parameters or {})
        case _:
            return True


def compares(stream_filter: StreamFilter | None) -> bool:
    """Whether a filter is about the difference to what was sent before: then no older value can stand for the last."""
    return stream_filter is not None and stream_filter.type is FilterType.PREDEFINED and stream_filter.name == "changed"


def check_filter(stream_filter: StreamFilter | None) -> None:
    """Refuse a filter that is too large to be kept.

    Raises:
        ProtocolError: Over 16 parameters, a word of over 1,024 characters, or no window for the latest value.
    """
    latest_window_ms(stream_filter)
    if stream_filter is None:
        return
    parameters = stream_filter.parameters or {}
    if len(parameters) > PARAMETERS_LIMIT:
        raise ProtocolError(
            f"streamFilter.parameters: expected up to {PARAMETERS_LIMIT} parameters, got {len(parameters)}"
        )
    longest = max(map(len, (stream_filter.name or "", *parameters, *parameters.values())))
    if longest > WORD_LIMIT:
        raise ProtocolError(f"streamFilter: expected words of up to {WORD_LIMIT} characters, got one of {longest}")


def latest_window_ms(stream_filter: StreamFilter | None) -> int | None:
    """Milliseconds per value when only the latest is wanted (custom filter ``latest``); None for every value.

    Raises:
        ProtocolError: The ``window`` parameter is no whole number from 1 to 60000.
    """
    if stream_filter is None or (stream_filter.type, stream_filter.name) != (FilterType.CUSTOM, "latest"):
        return None
    text = (stream_filter.parameters or {}).get("window")
    if text is None:
        return DEFAULT_WINDOW_MS
    if not _WINDOW.fullmatch(text) or not 1 <= int(text) <= LONGEST_WINDOW_MS:
        raise ProtocolError(
            f"streamFilter.parameters.window: expected milliseconds from 1 to {LONGEST_WINDOW_MS} as text, "
            f"got {text[:64]!a}"
        )
    return int(text)


def _changed(value: bytes, previous: bytes | None) -> bool:
    if value == previous:
        return False
    if previous is None:
        return True
    try:
        # Swift writes keys in random order, so equal values may differ in their bytes.
        return _canonical(value) != _canonical(previous)
    except MalformedError:
        return True


def _non_empty(value: bytes) -> bool:
    try:
        content = _parsed(value)
    except MalformedError:
        return True
    return bool(content) if isinstance(content, list | dict | str) else True


def _beyond_threshold(value: bytes, parameters: Mapping[str, str]) -> bool:
    # What cannot be compared passes: no number to compare with, none in the value, no JSON (wire format 8).
    limit = parameters.get("value")
    if limit is None or not _DECIMAL.fullmatch(limit):
        return True
    try:
        actual = _numeric(_parsed(value), parameters.get("field"))
    except MalformedError:
        return True
    if actual is None:
        return True
    comparison = parameters.get("comparison", "gt")
    # A word that nobody knows means greater than (wire format 8).
    compare = _COMPARISONS[comparison if comparison in _COMPARISONS else "gt"]
    return compare(actual, number(limit))


def _numeric(content: Json, field: str | None) -> float | None:
    if isinstance(content, dict) and field is not None:
        content = content.get(field)
    # The wire format leaves booleans open; to Python they are numbers.
    return content if isinstance(content, int | float) and not isinstance(content, bool) else None


# One version goes to many subscribers: parse it once.
@lru_cache(maxsize=8)
def _parsed(document: bytes) -> Json:
    return loads(document)


@lru_cache(maxsize=8)
def _canonical(document: bytes) -> bytes:
    return canonical(_parsed(document))
