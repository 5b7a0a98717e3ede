"""Indexes that show writes late: readers of a base table see them at once."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.handle import Handle
from tests.support.sandbox import Aws, eventually

ROOM = "room-index"


@pytest.fixture
def table(aws: Aws) -> str:
    """A table of people with an index by room."""
    return people(aws)


def people(aws: Aws) -> str:
    """A new table with a local index, and the room index."""
    name = f"people-{uuid.uuid4().hex[:8]}"
    aws.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in ("person", "room", "joined")
        ],
        KeySchema=[{"AttributeName": "person", "KeyType": "HASH"}, {"AttributeName": "joined", "KeyType": "RANGE"}],
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [
                    {"AttributeName": "person", "KeyType": "HASH"},
                    {"AttributeName": "room", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": ROOM,
                "KeySchema": [
                    {"AttributeName": "room", "KeyType": "HASH"},
                    {"AttributeName": "joined", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return name


def person(name: str, room: str = "blue", joined: str = "1") -> Any:
    """An item of the table."""
    return {"person": {"S": name}, "room": {"S": room}, "joined": {"S": joined}}


def key(name: str) -> Any:
    """The key of a person."""
    return {"person": {"S": name}, "joined": {"S": "1"}}


def in_room(aws: Aws, table: str, room: str = "blue", **options: Any) -> list[str]:
    """Who is in a room, as the index says."""
    answer = aws.dynamodb.query(
        TableName=table,
        IndexName=ROOM,
        KeyConditionExpression="room = :room",
        ExpressionAttributeValues={":room": {"S": room}, **options.pop("values", {})},
        **options,
    )
    return sorted(item["person"]["S"] for item in answer["Items"])


def test_what_was_just_written_is_missed(aws: Aws, handle: Handle, table: str) -> None:
    """The index shows it when the clock has moved on by the lag; the table, its local index and others at once."""
    other = people(aws)
    aws.dynamodb.put_item(TableName=table, Item=person("ada"))
    handle.faults.set("index-lag", table=table, seconds=300)
    for name in (table, other):
        aws.dynamodb.put_item(TableName=name, Item=person("bob"))
    assert (in_room(aws, table), in_room(aws, other)) == (["ada"], ["bob"])
    assert aws.dynamodb.scan(TableName=table)["Count"] == 2
    local: Any = {"KeyConditionExpression": "person = :bob", "ExpressionAttributeValues": {":bob": {"S": "bob"}}}
    assert aws.dynamodb.query(TableName=table, IndexName="local", **local)["Count"] == 1
    handle.clock.advance(200)
    assert in_room(aws, table) == ["ada"]
    handle.clock.advance(101)
    assert in_room(aws, table) == ["ada", "bob"]


def put(aws: Aws, table: str) -> None:
    """Replaces, in the only item, the room."""
    aws.dynamodb.put_item(TableName=table, Item=person("ada", "red"))


def update(aws: Aws, table: str) -> None:
    """Changes the room of the only item."""
    aws.dynamodb.update_item(
        TableName=table,
        Key=key("ada"),
        UpdateExpression="SET room = :red",
        ExpressionAttributeValues={":red": {"S": "red"}},
    )


def batch(aws: Aws, table: str) -> None:
    """Deletes the only item and writes another one."""
    requests: Any = [{"DeleteRequest": {"Key": key("ada")}}, {"PutRequest": {"Item": person("eve", "red")}}]
    aws.dynamodb.batch_write_item(RequestItems={table: requests})


def transaction(aws: Aws, table: str) -> None:
    """The same in one transaction."""
    parts: Any = [
        {"Delete": {"TableName": table, "Key": key("ada")}},
        {"Put": {"TableName": table, "Item": person("eve", "red")}},
    ]
    aws.dynamodb.transact_write_items(TransactItems=parts)


def statement(aws: Aws, table: str) -> None:
    """Changes the room by PartiQL."""
    text = f"UPDATE \"{table}\" SET room = 'red' WHERE person = 'ada' AND joined = '1'"
    aws.dynamodb.execute_statement(Statement=text)


@pytest.mark.parametrize(
    ("write", "after"), [(put, "ada"), (update, "ada"), (batch, "eve"), (transaction, "eve"), (statement, "ada")]
)
def test_every_kind_of_write_is_late(
    aws: Aws, handle: Handle, table: str, write: Callable[[Aws, str], None], after: str
) -> None:
    """A change, a deletion and a new item all stay unseen until they are due; then nothing of before is left."""
    aws.dynamodb.put_item(TableName=table, Item=person("ada"))
    handle.faults.set("index-lag", table=table, seconds=300)
    write(aws, table)
    assert (in_room(aws, table, "blue"), in_room(aws, table, "red")) == (["ada"], [])
    handle.clock.advance(301)
    assert (in_room(aws, table, "blue"), in_room(aws, table, "red")) == ([], [after])


def test_filters_and_pages_are_those_of_the_time(aws: Aws, handle: Handle, table: str) -> None:
    """Counts, pages and filters see the earlier items only, in the index's order."""
    for number in range(6):
        aws.dynamodb.put_item(TableName=table, Item=person(f"p{number}", joined=str(number)))
    handle.faults.set("index-lag", table=table, seconds=300)
    for number in range(6):
        aws.dynamodb.put_item(TableName=table, Item=person(f"q{number}", joined=f"{number}.5"))
    pages = aws.dynamodb.get_paginator("query").paginate(
        TableName=table,
        IndexName=ROOM,
        KeyConditionExpression="room = :room",
        FilterExpression="person <> :third",
        ExpressionAttributeValues={":room": {"S": "blue"}, ":third": {"S": "p3"}},
        PaginationConfig={"PageSize": 2},
        ReturnConsumedCapacity="TOTAL",
    )
    read = list(pages)
    assert [item["person"]["S"] for page in read for item in page["Items"]] == ["p0", "p1", "p2", "p4", "p5"]
    assert sum(page["ScannedCount"] for page in read) == 6
    assert {page["ConsumedCapacity"]["TableName"] for page in read} == {table}


def test_failed_writes_and_refused_reads_are_as_ever(aws: Aws, handle: Handle, table: str) -> None:
    """A condition that fails changes nothing later either, and a strong read of an index is refused."""
    handle.faults.set("index-lag", table=table, seconds=300)
    aws.dynamodb.put_item(TableName=table, Item=person("ada"))
    with pytest.raises(aws.dynamodb.exceptions.ConditionalCheckFailedException):
        aws.dynamodb.put_item(
            TableName=table, Item=person("ada", "red"), ConditionExpression="attribute_not_exists(person)"
        )
    with pytest.raises(ClientError) as caught:
        in_room(aws, table, ConsistentRead=True)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    handle.clock.advance(301)
    assert (in_room(aws, table), in_room(aws, table, "red")) == (["ada"], [])


def test_by_chance_some_writes_are_late(aws: Aws, handle: Handle, table: str) -> None:
    """The same seed delays the same writes; a later write of an item is never undone by a late earlier one."""
    seen = []
    for _ in range(2):
        handle.faults.set("index-lag", table=table, seconds=300, rate=0.5, seed=3)
        for number in range(8):
            aws.dynamodb.put_item(TableName=table, Item=person(f"p{number}"))
        seen.append(in_room(aws, table))
        handle.faults.set("index-lag", table=table, seconds=300, count=1)
        aws.dynamodb.put_item(TableName=table, Item=person("p0", "red"))
        aws.dynamodb.delete_item(TableName=table, Key=key("p0"))
        handle.clock.advance(301)
        assert (in_room(aws, table, "red"), len(in_room(aws, table))) == ([], 7)
        for number in range(8):
            aws.dynamodb.delete_item(TableName=table, Key=key(f"p{number}"))
    assert seen[0] == seen[1]
    assert 0 < len(seen[0]) < 8


def test_expired_items_leave_the_index_late(aws: Aws, handle: Handle, table: str) -> None:
    """What time to live has deleted is still found for as long as the index lags."""
    aws.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True})
    ttl = {"ttl": {"N": str(int(handle.clock.now()) + 60)}}
    aws.dynamodb.put_item(TableName=table, Item={**person("ada"), **ttl})
    handle.faults.set("index-lag", table=table, seconds=10**6)
    assert in_room(aws, table) == ["ada"]
    handle.clock.advance("2d")
    eventually(lambda: aws.dynamodb.scan(TableName=table)["Count"], lambda count: count == 0)
    assert in_room(aws, table) == ["ada"]
    handle.clock.advance(10**6)
    assert in_room(aws, table) == []


def test_a_new_index_is_as_its_table_was_when_it_was_made(aws: Aws, handle: Handle, table: str) -> None:
    """An index that is added while others lag holds what is there; the fault's end shows everything."""
    handle.faults.set("index-lag", table=table, seconds=300)
    aws.dynamodb.put_item(TableName=table, Item=person("ada"))
    assert in_room(aws, table) == []
    new: Any = {
        "Create": {
            "IndexName": "by-time",
            "KeySchema": [{"AttributeName": "joined", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    }
    aws.dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "joined", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[new],
    )
    aws.dynamodb.put_item(TableName=table, Item=person("bob"))
    found = aws.dynamodb.scan(TableName=table, IndexName="by-time")["Items"]
    assert [item["person"]["S"] for item in found] == ["ada"]
    handle.faults.clear("index-lag")
    assert in_room(aws, table) == ["ada", "bob"]
