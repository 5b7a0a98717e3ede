"""Metrics in log lines: CloudWatch's embedded metric format (user guide, "Specification"); pure."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.telemetry.series import Dimensions, Points, in_order

MARK: Final = '"_aws"'
MOST_DIMENSIONS: Final = 30
MOST_METRICS: Final = 100
MOST_VALUES: Final = 100


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
    """The metrics in some lines of a log; a line that is no valid document of the format holds none."""
    for line in text.splitlines():
        if MARK in line:
            yield from _read_line(line)


def _read_line(line: str) -> Iterator[Embedded]:
    try:
        document = json.loads(line)
        metadata = document["_aws"]
        at, directives = metadata["Timestamp"] / 1000, metadata["CloudWatchMetrics"]
        found = [metric for directive in directives for metric in _read_directive(document, directive, at)]
    except (ValueError, KeyError, TypeError):
        return
    yield from found


def _read_directive(document: Mapping[str, Any], directive: Mapping[str, Any], at: float) -> Iterator[Embedded]:
    for names in directive.get("Dimensions") or [[]]:
        if len(names) > MOST_DIMENSIONS:
            continue
        dimensions = in_order({name: str(document[name]) for name in names})
        for definition in directive["Metrics"][:MOST_METRICS]:
            name, unit = definition["Name"], definition.get("Unit", "None")
            if name in document:
                yield Embedded(directive["Namespace"], name, dimensions, at, _points(document[name]), unit)


def _points(value: Any) -> Points:
    values = value if isinstance(value, list) else [value]
    return Points(Counter(float(one) for one in values[:MOST_VALUES]))
