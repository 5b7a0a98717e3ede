"""Marks of callers in DynamoDB: items of the connections table, which every function that takes frames writes anyway.

connectionId    further attributes
``rate#<key>``  mark (microseconds since 1970), ttl (s)

They are items of their own: a connection's names all of its streams, and a write is billed by the size of the item.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from botocore.exceptions import ClientError

from trebuche.adapters.clients import DynamoDB
from trebuche.adapters.failures import code_of, translated
from trebuche.adapters.items import Item, StoredItem, number, read_number, text
from trebuche.contract import CONNECTION_ID, TTL
from trebuche.errors import ServiceError
from trebuche.ports import Mark

MARK: Final = "mark"
PREFIX: Final = "rate#"
"""No connection's id has a number sign."""
ATTEMPTS: Final = 4
KEPT_SECONDS: Final = 3_600
"""After its last frame; a mark that time has caught up with says nothing more."""


@dataclass(frozen=True, slots=True)
class _Write:
    """A conditional update of a mark."""

    expression: str
    condition: str
    names: Mapping[str, str]


_NAMES: Final = {"#mark": MARK, "#ttl": TTL}
_RUNNING: Final = _Write("SET #mark = #mark + :length, #ttl = :ttl", "#mark > :now AND #mark <= :latest", _NAMES)
_IDLE: Final = _Write("SET #mark = :fresh, #ttl = :ttl", "attribute_not_exists(#mark) OR #mark <= :now", _NAMES)
_BACK: Final = _Write("SET #mark = #mark - :length", "attribute_exists(#mark)", {"#mark": MARK})


class DynamoDBCounters:
    """Marks, each moved by one conditional write.

    Args:
        client: Gives the DynamoDB client.
        table_name: Name of the connections table.
    """

    def __init__(self, client: DynamoDB, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def move(self, key: str, *, now_us: int, length_us: int, latest_us: int, seen_us: int = 0) -> Mark:
        """Move a caller's mark on, unless it is too far ahead."""
        ttl = number(now_us // 1_000_000 + KEPT_SECONDS)
        running: Item = {
            ":now": number(now_us), ":length": number(length_us), ":latest": number(latest_us), ":ttl": ttl
        }  # fmt: skip
        idle: Item = {":now": number(now_us), ":fresh": number(now_us + length_us), ":ttl": ttl}
        found = seen_us
        for _ in range(ATTEMPTS):
            # DynamoDB knows no maximum: a mark that is ahead is moved on, any other set.
            mark = self._write(key, _RUNNING, running) if found > now_us else self._write(key, _IDLE, idle)
            if mark.moved or mark.at_us > latest_us:
                return mark
            found = mark.at_us
        raise ServiceError(f"the mark of {key} keeps changing")

    def give_back(self, key: str, length_us: int) -> int:
        """Move a mark back."""
        return self._write(key, _BACK, {":length": number(length_us)}).at_us

    def _write(self, key: str, how: _Write, values: Item) -> Mark:
        """The mark after a write, or the one that stood in its way."""
        with translated(f"table {self._table}"):
            try:
                answer = self._client().update_item(
                    TableName=self._table,
                    Key={CONNECTION_ID: text(PREFIX + key)},
                    UpdateExpression=how.expression,
                    ConditionExpression=how.condition,
                    ExpressionAttributeValues=values,
                    ExpressionAttributeNames=how.names,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                found = cast("StoredItem | None", error.response.get("Item"))
                return Mark(read_number(found, MARK, 0) if found else 0, moved=False)
        return Mark(read_number(answer["Attributes"], MARK), moved=True)
