"""Reads that say what they consume by what they have read, and one more action, which tells how large items are.

The emulator's own reads say one unit, whatever it was.
"""

import threading
from typing import Any

from ministack.services import dynamodb, sqs

ITEMS = "SandboxMeasureItems"
READ_UNIT_BYTES = 4096
PAGE = threading.local()
"""What this thread's Query or Scan has read: items, table and index; what it answers may be less."""


def install() -> None:
    """Have reads be measured, and items."""
    sqs._HANDLERS[ITEMS] = measure_items
    count_reads()


def measure_items(data: dict[str, Any], _: str) -> dict[str, list[int]]:
    """Bytes of each item that is asked for by ``TableName`` and ``Key``; 0 when there is none."""
    return {"Bytes": [size_of(one["TableName"], one["Key"]) for one in data["Items"]]}


def size_of(table_name: str, key: dict[str, Any]) -> int:
    """Bytes of one item."""
    table = dynamodb._tables.get(dynamodb._normalize_table_name(table_name))
    item = dynamodb._get_item_by_key(table, key) if table else None
    size: int = dynamodb._item_size_bytes(item) if item else 0
    return size


def count_reads() -> None:
    """Have reads say what they consume by what they have read; the emulator's own say one unit, whatever it was."""
    paginate, add = dynamodb._paginate_evaluated_items, dynamodb._add_consumed_capacity

    def paginate_noted(items: Any, limit: Any, table: Any, index: Any = None) -> Any:
        page, more = paginate(items, limit, table, index)
        PAGE.read = page, table, index
        return page, more

    def add_true(result: dict[str, Any], data: dict[str, Any], name: str, *args: Any, **options: Any) -> None:
        add(result, data, name, *args, **options)
        if not options.get("write") and "ConsumedCapacity" in result:
            size = size_of(name, data["Key"]) if "Key" in data else size_of_page(*PAGE.read)
            multiply(result["ConsumedCapacity"], max(1, -(-size // READ_UNIT_BYTES)))

    dynamodb._paginate_evaluated_items, dynamodb._add_consumed_capacity = paginate_noted, add_true


def size_of_page(page: list[dict[str, Any]], table: dict[str, Any], index: str | None) -> int:
    """Bytes of the items that a Query or Scan has read, as far as its index holds them."""
    entries = [dynamodb._apply_index_projection(item, table, index) if index else item for item in page]
    return sum(map(dynamodb._item_size_bytes, entries))


def multiply(capacity: dict[str, Any], by: int) -> None:
    """Multiply every number of units in it."""
    for name, value in capacity.items():
        if name == "CapacityUnits":
            capacity[name] = value * by
        elif isinstance(value, dict):
            multiply(value, by)
