"""Capacity units of reads, by AWS's rules for item sizes (DynamoDB developer guide, "Item sizes and formats")."""

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sandbox.aws import Json

READ_UNIT_BYTES: Final = 4096
_STRONG: Final = 1.0
_EVENTUAL: Final = 0.5
_TRANSACTIONAL: Final = 2.0
_NESTING_BYTES: Final = 3


def item_bytes(item: Mapping[str, Any]) -> int:
    """Size of an item as it is billed: names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def read_units(operation: str, request: Json, answer: Json) -> Iterator[tuple[str, str | None, float]]:
    """What a read has consumed: table, index and units; what a filter or a projection left out is not seen."""
    table = request.get("TableName", "")
    if operation == "GetItem":
        yield table, None, _units([answer.get("Item") or {}], _factor(request))
    elif operation in ("Query", "Scan"):
        yield table, request.get("IndexName"), _units(answer.get("Items") or [], _factor(request), _unfiltered(answer))
    elif operation == "BatchGetItem":
        for name, items in (answer.get("Responses") or {}).items():
            factor = _factor((request.get("RequestItems") or {}).get(name) or {})
            yield name, None, sum(_units([item], factor) for item in items)
    elif operation == "TransactGetItems":
        for part, response in zip(request["TransactItems"], answer.get("Responses") or [], strict=False):
            yield part["Get"]["TableName"], None, _units([response.get("Item") or {}], _TRANSACTIONAL)


def _units(items: Sequence[Mapping[str, Any]], factor: float, growth: float = 1.0) -> float:
    """Sizes are added up before they are rounded, and even nothing costs one."""
    size = growth * sum(item_bytes(item) for item in items)
    return factor * max(1, math.ceil(size / READ_UNIT_BYTES))


def _factor(request: Mapping[str, Any]) -> float:
    return _STRONG if request.get("ConsistentRead") else _EVENTUAL


def _unfiltered(answer: Json) -> float:
    """How many items were read for each that passed the filter: those are taken to be as large."""
    count = answer.get("Count") or 0
    return max(1.0, (answer.get("ScannedCount") or 0) / count) if count else 1.0


def _value_bytes(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return (len(content.strip("-0.")) + 1) // 2 + 1
    if kind == "B":
        return len(base64.b64decode(content))
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return _NESTING_BYTES + len(content) + item_bytes(content)
    if kind == "L":
        return _NESTING_BYTES + len(content) + sum(_value_bytes(one) for one in content)
    return sum(_value_bytes({kind[0]: one}) for one in content)
