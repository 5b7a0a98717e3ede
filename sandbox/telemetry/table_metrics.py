"""AWS/DynamoDB: what each request counts for (DynamoDB developer guide, "DynamoDB metrics and dimensions")."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sandbox.aws import Json
from sandbox.clock import Clock
from sandbox.telemetry.item_units import Consumed
from sandbox.telemetry.series import Metric, Points, in_order
from sandbox.telemetry.store import MetricStore

NAMESPACE: Final = "AWS/DynamoDB"
READS: Final = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_CONSUMED: Final = {"read": "ConsumedReadCapacityUnits", "write": "ConsumedWriteCapacityUnits"}
_CONDITION: Final = "ConditionalCheckFailed"
_CONFLICT: Final = "TransactionConflict"
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

    def _record_error(self, request: TableRequest) -> None:
        # The name comes behind a namespace: com.amazonaws.dynamodb.v20120810#…
        code = str(request.answer.get("__type", "")).split("#")[-1]
        tables = tables_of(request.document)
        if code in _THROTTLED:
            self._count_each(request, "ThrottledRequests")
            kind = "ReadThrottleEvents" if request.operation in READS else "WriteThrottleEvents"
            for table in tables:
                self._put(request, kind, 1, {"TableName": table})
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
        names = {_CONDITION: "ConditionalCheckFailedRequests", _CONFLICT: _CONFLICT}
        reasons = request.answer.get("CancellationReasons") or []
        # Reasons stand in the order of the request's parts.
        for part, reason in zip(request.document.get("TransactItems") or [], reasons, strict=False):
            name = names.get(reason.get("Code", ""))
            if name is not None:
                [inner] = part.values()
                self._put(request, name, 1, {"TableName": inner["TableName"]})

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
    named = [document["TableName"]] if "TableName" in document else []
    named += list(document.get("RequestItems") or {})
    named += [inner["TableName"] for part in document.get("TransactItems") or [] for inner in part.values()]
    return sorted(set(named))


def _by(table: str, operation: str) -> dict[str, str]:
    return {"TableName": table, "Operation": operation}


def _of(table: str, index: str | None) -> dict[str, str]:
    return {"TableName": table} | ({"GlobalSecondaryIndexName": index} if index else {})
