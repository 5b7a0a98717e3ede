"""A copy of a table that is behind it: the emulator answers queries on the copy's indexes, with an earlier state."""

import json
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Final, NamedTuple, Self

from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer, AwsClient, Json
from sandbox.faults.dynamodb import TARGET
from sandbox.streams.removals import TableId

HIDDEN_ACCOUNT: Final = "000000000001"
"""Where the copies are: the emulator keeps every account's tables apart, and nobody else works in this one."""
# Most puts of one BatchWriteItem (API reference).
_BATCH: Final = 25
_COPIED: Final = ("IndexName", "KeySchema", "Projection")
_CHECKSUM: Final = "X-Amz-Crc32"


class Write(NamedTuple):
    """What a write left of an item, and when its indexes show that; ``item`` is None when it is gone."""

    due: float
    key: Json
    item: Json | None


class Replica:
    """A copy of one table, as it was so many seconds ago.

    Args:
        aws: Reaches the emulator as an account's root.
        table: What is copied.
        description: Of the table.
    """

    def __init__(self, aws: AwsClient, table: TableId, description: Json) -> None:
        self.shape = shape_of(description)
        self._aws = aws
        self._table = table
        self._copy = TableId(HIDDEN_ACCOUNT, table.region, f"behind-{uuid.uuid4().hex}")
        self._keys = [part["AttributeName"] for part in description["KeySchema"]]
        self._indexes = {index["IndexName"] for index in description.get("GlobalSecondaryIndexes", ())}
        self._waiting: deque[Write] = deque()

    @classmethod
    async def make(cls, aws: AwsClient, table: TableId, description: Json) -> Self:
        """A copy with all that the table holds now."""
        replica = cls(aws, table, description)
        definition: Json = {
            "TableName": replica._copy.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": description["KeySchema"],
            "AttributeDefinitions": description["AttributeDefinitions"],
        }
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            if indexes := description.get(kind):
                definition[kind] = [{name: index[name] for name in _COPIED} for index in indexes]
        await replica._call("CreateTable", definition, replica._copy)
        await replica._put([item async for item in replica._scan(table)])
        return replica

    def has_index(self, name: str) -> bool:
        """Whether it is a global secondary index; a local one is never behind."""
        return name in self._indexes

    def key_of(self, item: Json) -> Json:
        """The key among an item's attributes."""
        return {name: item[name] for name in self._keys}

    async def note(self, key: Json, due: float) -> None:
        """Read what a write has left of an item; until ``due`` the indexes do not show it."""
        request: Json = {"TableName": self._table.name, "Key": key, "ConsistentRead": True}
        found = await self._call("GetItem", request, self._table)
        self.expect(Write(due, key, found.get("Item")))

    def expect(self, write: Write) -> None:
        """Have the indexes show a write when it is due; none is overtaken by an earlier one of the same item."""
        later = [other for other in self._waiting if other.due <= write.due or other.key != write.key]
        place = next((index for index, other in enumerate(later) if other.due > write.due), len(later))
        self._waiting = deque([*later[:place], write, *later[place:]])

    async def touched_by_anything(self) -> list[Json]:
        """Keys of the items whose last known state is not the table's: for writes that do not name their keys."""
        known = {_text(self.key_of(item)): item async for item in self._scan(self._copy)}
        for write in self._waiting:
            known.pop(_text(write.key), None)
            if write.item is not None:
                known[_text(write.key)] = write.item
        present = {_text(self.key_of(item)): item async for item in self._scan(self._table)}
        texts = known.keys() | present.keys()
        return [json.loads(text) for text in sorted(texts) if known.get(text) != present.get(text)]

    async def catch_up(self, now: float) -> None:
        """Carry out what is due."""
        while self._waiting and self._waiting[0].due <= now:
            write = self._waiting.popleft()
            if write.item is not None:
                await self._put([write.item])
            else:
                await self._call("DeleteItem", {"TableName": self._copy.name, "Key": write.key}, self._copy)

    async def answer(self, operation: str, document: Json, present: Answer) -> Answer:
        """A Query or Scan of an index, answered by the copy.

        Args:
            operation: Which of the two.
            document: The request.
            present: The table's own answer, whose headers are kept.
        """
        found = await self._call(operation, document | {"TableName": self._copy.name}, self._copy)
        if capacity := found.get("ConsumedCapacity"):
            capacity["TableName"] = self._table.name
        headers = CIMultiDict(present.headers)
        # The text is another one now, and botocore checks the sum.
        for name in (_CHECKSUM, "Content-Length"):
            headers.popall(name, None)
        return Answer(200, CIMultiDictProxy(headers), json.dumps(found, separators=(",", ":")).encode())

    async def drop(self) -> None:
        """Delete the copy."""
        await self._call("DeleteTable", {"TableName": self._copy.name}, self._copy)

    async def _put(self, items: Iterable[Json]) -> None:
        requests = [{"PutRequest": {"Item": item}} for item in items]
        for first in range(0, len(requests), _BATCH):
            batch = {self._copy.name: requests[first : first + _BATCH]}
            await self._call("BatchWriteItem", {"RequestItems": batch}, self._copy)

    async def _scan(self, table: TableId) -> AsyncIterator[Json]:
        request: Json = {"TableName": table.name, "ConsistentRead": True}
        while True:
            page = await self._call("Scan", request, table)
            for item in page["Items"]:
                yield item
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    async def _call(self, operation: str, request: Json, table: TableId) -> Json:
        return await self._aws.call(
            TARGET + operation, request, service="dynamodb", region=table.region, account=table.account
        )


def shape_of(description: Json) -> str:
    """What a copy must be made anew for when it changes: the table itself, its key and its indexes."""
    names = ("CreationDateTime", "KeySchema")
    indexes = [
        {name: index[name] for name in _COPIED}
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        for index in description.get(kind) or ()
    ]
    return json.dumps([*(description[name] for name in names), indexes], sort_keys=True)


def _text(key: Json) -> str:
    return json.dumps(key, sort_keys=True)
