"""Measurements in CloudWatch's Embedded Metric Format: members of a log line, so that no API is called for them.

Limits of the format: at most 100 values in an array. Each distinct set of dimension values is a metric that is
paid for, so dimensions are only what there are few of: stages, functions, actor types.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeAlias

from trebuche.contract import (
    DIMENSION_ACTOR_TYPE,
    DIMENSION_FUNCTION,
    DIMENSION_STAGE,
    METRIC_BAD_FRAMES,
    METRIC_CONFLICTS,
    METRIC_NAMESPACE,
    METRIC_PUSH_GONE,
    METRIC_PUSH_LATENCY,
    METRIC_PUSH_THROTTLED,
    METRIC_TURNS,
)
from trebuche.effects import CommitTurn, Effect, Measure, Post
from trebuche.errors import ConnectionGoneError, ThrottledError

LONGEST_ARRAY: Final = 100
COUNTS: Final = frozenset({METRIC_BAD_FRAMES, METRIC_TURNS, METRIC_CONFLICTS, METRIC_PUSH_GONE, METRIC_PUSH_THROTTLED})
"""Written as their sum; everything else is milliseconds, written value by value so that percentiles are true."""

Document: TypeAlias = dict[str, object]
"""Members of a log line, ``_aws`` among them."""
_Page: TypeAlias = dict[str, int | list[int]]
_EMPTY: Final[tuple[str, _Page]] = ("", {})


@dataclass(frozen=True, slots=True)
class Source:
    """Who measures: the stage, and the function's name."""

    stage: str
    function: str


def told_by(effect: Effect[object], outcome: object, elapsed_ms: int) -> Measure | None:
    """What an effect tells by how it ended; ``outcome`` is its result, or the error that it raised."""
    match effect, outcome:
        case Post(), ConnectionGoneError():
            return Measure(METRIC_PUSH_GONE, 1)
        case Post(), ThrottledError():
            return Measure(METRIC_PUSH_THROTTLED, 1)
        case Post(), None:
            return Measure(METRIC_PUSH_LATENCY, elapsed_ms)
        case CommitTurn(), True:
            return Measure(METRIC_TURNS, 1)
        case CommitTurn(), False:
            return Measure(METRIC_CONFLICTS, 1)
        case _:
            return None


def documents(source: Source, measurements: Iterable[Measure], now_ms: int) -> list[Document]:
    """Measurements as documents, as few as their limits and their actor types allow; none for none."""
    by_type: dict[str, dict[str, list[int]]] = {}
    for one in measurements:
        by_type.setdefault(one.actor_type, {}).setdefault(one.metric, []).append(one.value)
    own = _pages(by_type.pop("", {}))
    typed = [(actor_type, page) for actor_type, metrics in by_type.items() for page in _pages(metrics)]
    pairs = zip_longest(own, typed)
    return [_document(source, now_ms, page or {}, *(of_type or _EMPTY)) for page, of_type in pairs]


def _pages(metrics: Mapping[str, list[int]]) -> list[_Page]:
    pages: list[_Page] = []
    for metric, values in metrics.items():
        for number, content in enumerate(_contents(metric, values)):
            if number == len(pages):
                pages.append({})
            pages[number][metric] = content
    return pages


def _contents(metric: str, values: list[int]) -> Sequence[int | list[int]]:
    if metric in COUNTS:
        return [sum(values)]
    return [values[start : start + LONGEST_ARRAY] for start in range(0, len(values), LONGEST_ARRAY)]


def _document(source: Source, now_ms: int, own: _Page, actor_type: str, typed: _Page) -> Document:
    of_function = [DIMENSION_STAGE, DIMENSION_FUNCTION]
    directives = [_directive(own, [of_function])] if own else []
    members: Document = {DIMENSION_STAGE: source.stage, DIMENSION_FUNCTION: source.function}
    if typed:
        directives.append(_directive(typed, [of_function, [DIMENSION_STAGE, DIMENSION_ACTOR_TYPE]]))
        members[DIMENSION_ACTOR_TYPE] = actor_type
    return {"_aws": {"Timestamp": now_ms, "CloudWatchMetrics": directives}, **members, **own, **typed}


def _directive(page: _Page, dimensions: list[list[str]]) -> Document:
    metrics = [{"Name": name, "Unit": "Count" if name in COUNTS else "Milliseconds"} for name in page]
    return {"Namespace": METRIC_NAMESPACE, "Dimensions": dimensions, "Metrics": metrics}
