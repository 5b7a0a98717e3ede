"""AWS/DynamoDB: what each request counts for (DynamoDB developer guide, "DynamoDB metrics and dimensions")."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.aws import Json
from sandbox.clock import Clock
from sandbox.faults.dynamodb import table_name
from sandbox.telemetry.item_units import THROTTLED_PARTS, Consumed, error_code
from sandbox.telemetry.series import Metric, Points, in_order
from sandbox.telemetry.store import MetricStore

NAMESPACE: Final = "AWS/DynamoDB"
READS: Final = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_CONSUMED: Final = {"read": "ConsumedReadCapacityUnits", "write": "ConsumedWriteCapacityUnits"}
_CONFLICT: Final = "TransactionConflict"
_REASONS: Final = {"ConditionalCheckFailed": "ConditionalCheckFailedRequests", _CONFLICT: _CONFLICT}
"""What a part of a cancelled transaction counts for, by its reason."""
_THROTTLED: Final = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRequest:
    """A request for items that has been answered; ``document`` is the request, ``answer`` what came back."""

    account: str
    region: str
    operation: str
    document: Json
    status: int
    answer: Json
    latency_ms: float
    consumed: tuple[Consumed, ...] = ()


class TableMetrics:
    """Counts requests for items.

    Args:
        store: Takes the values.
        clock: Says when.
    """

    def __init__(self, store: MetricStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def expired(self, account: str, region: str, table: str) -> None:
        """Count an item that time to live has deleted."""
        metric = Metric(account, region, NAMESPACE, "TimeToLiveDeletedItemCount", in_order({"TableName": table}))
        self._store.count(metric, self._clock.now())

    def record(self, request: TableRequest) -> None:
        """Count one request."""
        for one in request.consumed:
            self._put(request, _CONSUMED[one.kind], one.units, _of(one.table, one.index))
        if request.status == 200:
            self._record_success(request)
        elif request.status >= 500:
            self._count_each(request, "SystemErrors")
        else:
            self._record_error(request)

    def _record_success(self, request: TableRequest) -> None:
        operation = request.operation
        for table in tables_of(request.document):
            self._put(
                request, "SuccessfulRequestLatency", round(request.latency_ms, 2), _by(table, operation), "Milliseconds"
            )
            if operation in ("Query", "Scan"):
                self._put(request, "ReturnedItemCount", len(request.answer.get("Items") or []), _by(table, operation))
        # What a batch gives back was throttled, which is no error (API reference, BatchWriteItem).
        for table, left in _unprocessed(request.answer).items():
            self._count_events(request, table, left)

    def _record_error(self, request: TableRequest) -> None:
        code = error_code(request.answer)
        tables = tables_of(request.document)
        if code in _THROTTLED:
            self._count_each(request, "ThrottledRequests")
            for table, parts in _parts_of(request.document).items():
                self._count_events(request, table, parts)
        elif code == "ConditionalCheckFailedException":
            for table in tables:
                self._put(request, "ConditionalCheckFailedRequests", 1, {"TableName": table})
        elif code == "TransactionCanceledException":
            self._record_reasons(request)
        elif code == "TransactionConflictException":
            for table in tables:
                self._put(request, _CONFLICT, 1, {"TableName": table})
        else:
            # Of the account: this metric has no dimension for a table (DynamoDB developer guide).
            self._put(request, "UserErrors", 1, {})

    def _record_reasons(self, request: TableRequest) -> None:
        """Each part of a cancelled transaction has a reason of its own."""
        throttled = set()
        for table, reason in _reasons(request):
            if reason in THROTTLED_PARTS:
                self._count_events(request, table, 1)
                throttled.add(table)
            elif name := _REASONS.get(reason):
                self._put(request, name, 1, {"TableName": table})
        for table in throttled:
            self._put(request, "ThrottledRequests", 1, _by(table, request.operation))

    def _count_events(self, request: TableRequest, table: str, number: int) -> None:
        kind = "ReadThrottleEvents" if request.operation in READS else "WriteThrottleEvents"
        for _ in range(number):
            self._put(request, kind, 1, {"TableName": table})

    def _count_each(self, request: TableRequest, name: str) -> None:
        for table in tables_of(request.document):
            self._put(request, name, 1, _by(table, request.operation))

    def _put(
        self, request: TableRequest, name: str, value: float, dimensions: Mapping[str, str], unit: str = "Count"
    ) -> None:
        metric = Metric(request.account, request.region, NAMESPACE, name, in_order(dimensions))
        self._store.put(metric, self._clock.now(), Points.of(float(value)), unit)


def tables_of(document: Json) -> list[str]:
    """The tables that a request is for, each once."""
    return sorted(_parts_of(document))


def _parts_of(document: Json) -> Counter[str]:
    """How many items of each table a request is for."""
    parts: Counter[str] = Counter()
    if "TableName" in document:
        parts[table_name(document["TableName"])] += 1
    for table, asked in (document.get("RequestItems") or {}).items():
        parts[table_name(table)] += _size_of(asked)
    for part in document.get("TransactItems") or []:
        parts.update(table_name(inner["TableName"]) for inner in part.values())
    return parts


def _unprocessed(answer: Json) -> dict[str, int]:
    left = answer.get("UnprocessedItems") or answer.get("UnprocessedKeys") or {}
    return {table_name(table): _size_of(asked) for table, asked in left.items()}


def _size_of(asked: Any) -> int:
    """How many items one table's share of a batch is for: keys to read, or a list of writes."""
    return len(asked["Keys"] if isinstance(asked, dict) else asked)


def _reasons(request: TableRequest) -> Iterator[tuple[str, str]]:
    """Table and reason of each part; reasons stand in the order of the request's parts."""
    reasons = request.answer.get("CancellationReasons") or []
    for part, reason in zip(request.document.get("TransactItems") or [], reasons, strict=False):
        [inner] = part.values()
        yield table_name(inner["TableName"]), reason.get("Code", "")


def _by(table: str, operation: str) -> dict[str, str]:
    return {"TableName": table, "Operation": operation}


def _of(table: str, index: str | None) -> dict[str, str]:
    return {"TableName": table} | ({"GlobalSecondaryIndexName": index} if index else {})
