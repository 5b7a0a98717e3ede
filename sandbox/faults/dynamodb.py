"""DynamoDB requests as the faults see them: which operation, which tables, which of their items. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

from sandbox.aws import Json

TARGET: Final = "DynamoDB_20120810."
STATEMENTS: Final = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
WRITES: Final = STATEMENTS | {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
READS: Final = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
_STATEMENT_TABLE: Final = re.compile(r'(?:\bFROM|\bINTO|^\s*UPDATE)\s+"?(?P<table>[A-Za-z0-9_.-]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ItemsRequest:
    """A request for items.

    Args:
        operation: E.g. ``PutItem``.
        document: The request.
        tables: The table of each part, in the request's order; one part unless it is a batch or a transaction.
    """

    operation: str
    document: Json
    tables: tuple[str, ...]

    @property
    def writes(self) -> bool:
        """Whether it changes items."""
        return self.operation in WRITES

    @classmethod
    def read(cls, headers: Mapping[str, str], body: bytes) -> Self | None:
        """Read a request; None when it is for something else than items."""
        target = headers.get("X-Amz-Target", "")
        operation = target.removeprefix(TARGET)
        if not target.startswith(TARGET) or operation not in WRITES | READS:
            return None
        try:
            document = json.loads(body)
            return cls(operation, document, tuple(table_name(name) for name in _tables(document)))
        except (ValueError, TypeError, AttributeError, KeyError):
            return None  # malformed: the emulator says how


def table_name(given: str) -> str:
    """A table's name, which may be given as its ARN."""
    return given.split(":table/")[1].split("/")[0] if given.startswith("arn:") else given


def _tables(document: Json) -> Iterator[str]:
    if "TableName" in document:
        yield document["TableName"]
    yield from document.get("RequestItems", ())
    for part in document.get("TransactItems", ()):
        yield from (inner["TableName"] for inner in part.values())
    statements = [document, *document.get("Statements", ()), *document.get("TransactStatements", ())]
    for statement in statements:
        if match := _STATEMENT_TABLE.search(statement.get("Statement", "")):
            yield match["table"]
