"""Capacity units of requests for items, by AWS's rules (DynamoDB developer guide, "Read and write operations")."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sandbox.aws import Json
from sandbox.faults.dynamodb import table_name
from sandbox.streams.sizes import size_of

READ_UNIT_BYTES: Final = 4096
WRITE_UNIT_BYTES: Final = 1024
_STRONG: Final = 1.0
_EVENTUAL: Final = 0.5
_TRANSACTIONAL: Final = 2.0
THROTTLED_PARTS: Final = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})
"""Reasons for which a transaction was cancelled that are no fault of the request's."""


@dataclass(frozen=True, slots=True)
class Consumed:
    """Capacity that a request took from a table, or from one of its indexes."""

    table: str
    index: str | None
    kind: Literal["read", "write"]
    units: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A write that a condition has refused: it costs what it would have cost.

    Args:
        table: Its table.
        key: Of the item; an item to put has its key in it.
        new_bytes: Size of the item to put; 0 where only the existing one is known.
        factor: 2 in a transaction.
    """

    table: str
    key: Mapping[str, Any]
    new_bytes: int
    factor: float

    def consumed(self, existing_bytes: int) -> Consumed:
        """What it took, by the larger of both items."""
        units = max(1, math.ceil(max(self.new_bytes, existing_bytes) / WRITE_UNIT_BYTES))
        return Consumed(self.table, None, "write", self.factor * units)


def read_units(operation: str, request: Json, answer: Json) -> Iterator[Consumed]:
    """What a read has consumed whose answer holds all that was read."""
    table = table_name(request.get("TableName", ""))
    if operation == "GetItem":
        yield Consumed(table, None, "read", _units([answer.get("Item") or {}], _factor(request)))
    elif operation in ("Query", "Scan"):
        yield Consumed(table, request.get("IndexName"), "read", _units(answer.get("Items") or [], _factor(request)))
    elif operation == "BatchGetItem":
        for name, asked in request["RequestItems"].items():
            found = (answer.get("Responses") or {}).get(name) or []
            left = (answer.get("UnprocessedKeys") or {}).get(name) or {}
            missing = len(asked["Keys"]) - len(found) - len(left.get("Keys") or [])
            units = sum(_units([item], _factor(asked)) for item in [*found, *[{}] * missing])
            yield Consumed(table_name(name), None, "read", units)
    elif operation == "TransactGetItems":
        for part, response in zip(request["TransactItems"], answer.get("Responses") or [], strict=False):
            yield Consumed(
                table_name(part["Get"]["TableName"]), None, "read", _units([response.get("Item") or {}], _TRANSACTIONAL)
            )


def told_units(answer: Json, kind: Literal["read", "write"]) -> Iterator[Consumed]:
    """What an answer says that its request has consumed; a transaction that is repeated only reads."""
    consumed = answer.get("ConsumedCapacity") or []
    for one in consumed if isinstance(consumed, list) else [consumed]:
        table, indexes = table_name(one["TableName"]), one.get("GlobalSecondaryIndexes") or {}
        if kind == "write" and "ReadCapacityUnits" in one:
            yield Consumed(table, None, "read", one["ReadCapacityUnits"])
            continue
        units = {index: part["CapacityUnits"] for index, part in indexes.items()}
        yield Consumed(table, None, kind, one["CapacityUnits"] - sum(units.values()))
        yield from (Consumed(table, index, kind, part) for index, part in units.items())


def error_code(answer: Json) -> str:
    """The name of the error that an answer tells, which comes behind a namespace."""
    return str(answer.get("__type", "")).split("#")[-1]


def refused_writes(operation: str, request: Json, answer: Json) -> Iterator[Refused]:
    """The writes of a request that a condition has refused, or a transaction beside it; throttled ones cost nothing."""
    code = error_code(answer)
    if code == "ConditionalCheckFailedException":
        yield _refused(request, 1.0)
    elif code == "TransactionCanceledException" and operation == "TransactWriteItems":
        if {reason.get("Code") for reason in answer.get("CancellationReasons") or []} & THROTTLED_PARTS:
            return
        for part in request["TransactItems"]:
            [inner] = part.values()
            yield _refused(inner, _TRANSACTIONAL)


def _refused(write: Json, factor: float) -> Refused:
    item = write.get("Item")
    key = write["Key"] if item is None else item
    return Refused(table_name(write["TableName"]), key, 0 if item is None else size_of(item), factor)


def _units(items: Sequence[Mapping[str, Any]], factor: float) -> float:
    """Sizes are added up before they are rounded, and even nothing costs one."""
    return factor * max(1, math.ceil(sum(map(size_of, items)) / READ_UNIT_BYTES))


def _factor(request: Mapping[str, Any]) -> float:
    return _STRONG if request.get("ConsistentRead") else _EVENTUAL
