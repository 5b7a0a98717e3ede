"""Sizes of items as DynamoDB counts them (developer guide, "item sizes and formats"). Pure."""

import base64
from collections.abc import Mapping
from typing import Final

_COLLECTION_BYTES: Final = 3
_ELEMENT_BYTES: Final = 1


def size_of(item: Mapping[str, object]) -> int:
    """Bytes of an item in the wire's form, ``{"name": {"S": "text"}}``."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: object) -> int:
    if not isinstance(value, dict):
        return 0
    kind, content = next(iter(value.items()))
    if kind == "M":
        return _COLLECTION_BYTES + size_of(content) + _ELEMENT_BYTES * len(content)
    if kind == "L":
        return _COLLECTION_BYTES + sum(_ELEMENT_BYTES + _value_size(element) for element in content)
    if kind in ("SS", "NS", "BS"):
        return sum(_scalar_size(kind[0], element) for element in content)
    return _scalar_size(kind, content)


def _scalar_size(kind: str, content: object) -> int:
    if kind == "B":
        return len(base64.b64decode(str(content)))
    if kind == "N":  # about one byte per two digits, and one more
        return (len(str(content).strip("-").replace(".", "").strip("0")) + 1) // 2 + 1
    return 1 if kind in ("BOOL", "NULL") else len(str(content).encode())
