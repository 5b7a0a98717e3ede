"""Metrics in log lines: CloudWatch's embedded metric format (user guide, "Specification"); pure."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.telemetry.series import Dimensions, Points, in_order

MARK: Final = '"_aws"'
MOST_BYTES: Final = 1024 * 1024
MOST_DIMENSIONS: Final = 30
MOST_METRICS: Final = 100
MOST_VALUES: Final = 100
LONGEST_NAME: Final = 1024
_SIZES: Final = [
    f"{size}{unit}".capitalize() for size in ("", "kilo", "mega", "giga", "tera") for unit in ("bytes", "bits")
]
UNITS: Final = frozenset(
    {"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"}
    | {*_SIZES}
    | {f"{unit}/Second" for unit in _SIZES}
)


@dataclass(frozen=True, slots=True)
class Embedded:
    """One metric's values in one line; ``at`` in seconds since the epoch."""

    namespace: str
    name: str
    dimensions: Dimensions
    at: float
    points: Points
    unit: str


def read_embedded(text: str) -> Iterator[Embedded]:
    """The metrics in some lines of a log; a line that breaks one of the format's rules holds none."""
    for line in text.splitlines():
        yield from read_event(line)


def read_event(message: str) -> list[Embedded]:
    """The metrics in one event of a log, which may go over several lines."""
    if MARK not in message or len(message.encode()) > MOST_BYTES:
        return []
    try:
        document = json.loads(message)
        metadata = document["_aws"]
        at = _number(metadata["Timestamp"]) / 1000
        directives = metadata["CloudWatchMetrics"]
        return [metric for directive in directives for metric in _read_directive(document, directive, at)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _read_directive(document: Mapping[str, Any], directive: Mapping[str, Any], at: float) -> Iterator[Embedded]:
    namespace = _text(directive["Namespace"])
    definitions = _at_most(MOST_METRICS, directive["Metrics"])
    for names in directive.get("Dimensions") or [[]]:
        dimensions = in_order({name: _text(document[name]) for name in _at_most(MOST_DIMENSIONS, names)})
        for definition in definitions:
            name, unit = _text(definition["Name"]), definition.get("Unit", "None")
            if unit not in UNITS:
                raise ValueError(f"{unit} is no unit")
            if name in document:
                yield Embedded(namespace, name, dimensions, at, _points(document[name]), unit)


def _points(value: Any) -> Points:
    values = value if isinstance(value, list) else [value]
    return Points(Counter(map(_number, _at_most(MOST_VALUES, values))))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise ValueError(f"{value!r} is no text of 1 to {LONGEST_NAME} characters")
    return value


def _at_most(number: int, values: list[Any]) -> list[Any]:
    if len(values) > number:
        raise ValueError(f"there are {len(values)}, and {number} at most")
    return values
