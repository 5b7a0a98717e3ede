"""AWS/Lambda: what each invocation counts for (Lambda developer guide, "Types of metrics")."""

from functools import lru_cache
from typing import Final

from sandbox.functions import Finished
from sandbox.functions.reference import FunctionReference
from sandbox.telemetry.series import Dimensions, Metric, in_order
from sandbox.telemetry.store import MetricStore

NAMESPACE: Final = "AWS/Lambda"
_RAN: Final = 200


def record_invocation(store: MetricStore, finished: Finished) -> None:
    """Count an invocation; one that was throttled is no invocation, and one that was refused is nothing."""
    at, function = finished.began, finished.function
    if finished.iterator_age_ms is not None:
        age = _metric(function, "IteratorAge", _dimensions(function)[1])
        store.add(age, at, finished.iterator_age_ms, "Milliseconds")
    if finished.throttled:
        _count(store, function, "Throttles", at, 1)
    if finished.invocation.status != _RAN:
        return
    for dimensions in _dimensions(function):
        store.count(_metric(function, "Invocations", dimensions), at)
        # Zeros as well: the average of Errors is the share of failures.
        store.count(_metric(function, "Errors", dimensions), at, 0.0 if finished.invocation.ok else 1.0)
        store.count(_metric(function, "Throttles", dimensions), at, 0.0)
        store.add(_metric(function, "Duration", dimensions), at, round(finished.duration_ms, 2), "Milliseconds")
        running = finished.in_flight.function if dimensions else finished.in_flight.account
        store.count(_metric(function, "ConcurrentExecutions", dimensions), at, float(running))
    if finished.in_flight.unreserved is not None:  # of the account as a whole, never by function
        unreserved = float(finished.in_flight.unreserved)
        store.count(_metric(function, "UnreservedConcurrentExecutions", ()), at, unreserved)


def record_loss(store: MetricStore, function: FunctionReference, loss: str, at: float) -> None:
    """Count an asynchronous event that was lost, or could not be handed to its destination."""
    _count(store, function, loss, at, 1)


def _count(store: MetricStore, function: FunctionReference, name: str, at: float, value: float) -> None:
    for dimensions in _dimensions(function):
        store.count(_metric(function, name, dimensions), at, value)


@lru_cache(maxsize=1024)
def _dimensions(function: FunctionReference) -> tuple[Dimensions, Dimensions, Dimensions]:
    """All functions together, the function, and the function as it was called."""
    resource = f"{function.name}:{function.qualifier}" if function.qualifier else function.name
    by_name = {"FunctionName": function.name}
    return (), in_order(by_name), in_order({**by_name, "Resource": resource})


@lru_cache(maxsize=8192)
def _metric(function: FunctionReference, name: str, dimensions: Dimensions) -> Metric:
    return Metric(function.account, function.region, NAMESPACE, name, dimensions)
