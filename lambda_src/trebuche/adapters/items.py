"""DynamoDB's typed attribute values."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

Value: TypeAlias = "AttributeValueTypeDef"
Item: TypeAlias = "dict[str, AttributeValueTypeDef]"
StoredItem: TypeAlias = "Mapping[str, AttributeValueTypeDef]"


def text(value: str) -> Value:
    """A text."""
    return {"S": value}


def number(value: int) -> Value:
    """A number; the wire carries it as text."""
    return {"N": str(value)}


def binary(value: bytes) -> Value:
    """Bytes."""
    return {"B": value}


def texts(values: Iterable[str]) -> Value:
    """A set of texts; must not be empty."""
    return {"SS": list(values)}


def read_text(item: StoredItem, name: str) -> str:
    """A text that must be there."""
    return item[name]["S"]


def read_number(item: StoredItem, name: str, default: int | None = None) -> int:
    """A whole number; must be there unless there is a default."""
    if default is not None and name not in item:
        return default
    return int(item[name]["N"])


def read_binary(item: StoredItem, name: str) -> bytes:
    """Bytes that must be there."""
    return bytes(item[name]["B"])


def optional_text(item: StoredItem, name: str) -> str | None:
    """A text, or None."""
    return item[name]["S"] if name in item else None
