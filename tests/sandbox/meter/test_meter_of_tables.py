"""What requests for items are billed, by AWS's rules (developer guide, "DynamoDB read and write operations")."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from sandbox.handle import Handle, MeterHandle
from sandbox.meter.units import READ_UNITS, STREAM_READS, WRITE_UNITS
from tests.support.front import Turn, on_turnable
from tests.support.sandbox import Aws, Json, eventually

KIB = 1024


@pytest.fixture
def table(aws: Aws) -> str:
    """A table with an index of everything, and another of the keys only."""
    name = f"table-{uuid.uuid4().hex[:8]}"
    keys: Any = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "part", "KeyType": "RANGE"}]

    def index(name: str, kind: str) -> Json:
        schema = [{"AttributeName": "kind", "KeyType": "HASH"}]
        return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": kind}}

    aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("id", "part", "kind")],
        GlobalSecondaryIndexes=[index("all", "ALL"), index("keys", "KEYS_ONLY")],
    )
    return name


def item(part: str, size: int, **more: Json) -> Json:
    """An item whose text has this size; names and keys take a few bytes more."""
    return {"id": {"S": "a"}, "part": {"S": part}, "text": {"S": "x" * size}, **more}


def test_writes_are_billed_by_the_kilobyte(aws: Aws, meter: MeterHandle, table: str) -> None:
    """The larger of the old and the new item counts; an index costs when its entry changes, twice when it moves."""
    aws.dynamodb.put_item(TableName=table, Item=item("1", 3 * KIB, kind={"S": "k"}))
    assert meter.total(WRITE_UNITS, resource=table) == 4
    assert meter.total(WRITE_UNITS, resource=f"{table}/index/all") == 4
    assert meter.total(WRITE_UNITS, resource=f"{table}/index/keys") == 1
    aws.dynamodb.put_item(TableName=table, Item=item("1", 10, kind={"S": "other"}), ReturnConsumedCapacity="NONE")
    assert meter.total(WRITE_UNITS, resource=table) == 4 + 4
    assert meter.total(WRITE_UNITS, resource=f"{table}/index/all") == 4 + 4 + 1
    assert meter.total(WRITE_UNITS, resource=f"{table}/index/keys") == 1 + 2


def test_a_table_is_billed_by_its_name_however_it_is_called(aws: Aws, meter: MeterHandle, table: str) -> None:
    """By an ARN requests cost the same, and go to the same account's table."""
    arn = f"arn:aws:dynamodb:us-east-1:{aws.account}:table/{table}"
    key = {"id": {"S": "a"}, "part": {"S": "1"}}
    aws.dynamodb.put_item(TableName=arn, Item=item("1", 10))
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        aws.dynamodb.put_item(TableName=arn, Item=item("1", 10), ConditionExpression="attribute_not_exists(id)")
    check: Any = {"TableName": arn, "Key": key, "ConditionExpression": "attribute_not_exists(id)"}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        aws.dynamodb.transact_write_items(TransactItems=[{"ConditionCheck": check}])
    assert meter.total(WRITE_UNITS, resource=table) == 1 + 1 + 2
    aws.dynamodb.get_item(TableName=arn, Key=key)
    aws.dynamodb.batch_get_item(RequestItems={arn: {"Keys": [key]}})
    aws.dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": arn, "Key": key}}])
    aws.dynamodb.scan(TableName=arn)
    assert meter.total(READ_UNITS, resource=table) == 0.5 + 0.5 + 2 + 0.5


def test_transactions_are_billed_twice(aws: Aws, meter: MeterHandle, table: str) -> None:
    """Each item of a transaction costs double in the table, an index's entry does not; a check costs like a write."""
    aws.dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": item("1", 1500, kind={"S": "k"})}},
            {
                "ConditionCheck": {
                    "TableName": table,
                    "Key": {"id": {"S": "a"}, "part": {"S": "none"}},
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
        ]
    )
    assert meter.total(WRITE_UNITS, resource=table, cause="TransactWriteItems") == 2 * 2 + 2 * 1
    assert meter.total(WRITE_UNITS, resource=f"{table}/index/all") == 2


def test_a_write_that_is_refused_is_billed_all_the_same(aws: Aws, meter: MeterHandle, table: str) -> None:
    """By the larger of the item that is there and the one that was to be put; in a transaction double, for each."""
    database: Any = aws.client("dynamodb")
    database.put_item(TableName=table, Item=item("1", 2 * KIB))
    put: Json = {"TableName": table, "ConditionExpression": "attribute_not_exists(id)"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        database.put_item(**put, Item=item("1", 10))
    assert meter.total(WRITE_UNITS, resource=table, cause="PutItem, refused") == 3
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        database.put_item(**put, Item=item("1", 4 * KIB))
    assert meter.total(WRITE_UNITS, resource=table, cause="PutItem, refused") == 3 + 5
    with pytest.raises(ClientError, match="TransactionCanceled"):
        database.transact_write_items(
            TransactItems=[{"Put": {**put, "Item": item("1", 10)}}, {"Put": {**put, "Item": item("2", 10)}}]
        )
    assert meter.total(WRITE_UNITS, resource=table, cause="TransactWriteItems, refused") == 2 * (3 + 1)


def test_reads_are_billed_by_four_kilobytes(aws: Aws, meter: MeterHandle, table: str) -> None:
    """Half a unit where consistency may wait; a page's items are added up before they are rounded."""
    key: Any = {"id": {"S": "a"}, "part": {"S": "1"}}
    for part in ("1", "2", "3"):
        aws.dynamodb.put_item(TableName=table, Item=item(part, 2 * KIB, kind={"S": "k"}))
    aws.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
    aws.dynamodb.get_item(TableName=table, Key=key)
    assert meter.total(READ_UNITS, resource=table, cause="GetItem") == 1 + 0.5
    values: Any = {":id": {"S": "a"}}
    query: Any = {"TableName": table, "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": values}
    aws.dynamodb.query(**query, ConsistentRead=True)
    assert meter.total(READ_UNITS, resource=table, cause="Query") == 2
    keys: Any = {"Keys": [key, {"id": {"S": "nobody"}, "part": {"S": "1"}}]}
    aws.dynamodb.batch_get_item(RequestItems={table: keys})
    assert meter.total(READ_UNITS, resource=table, cause="BatchGetItem") == 0.5 + 0.5
    aws.dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": key}}])
    assert meter.total(READ_UNITS, resource=table, cause="TransactGetItems") == 2


def test_what_a_read_leaves_out_is_billed(aws: Aws, meter: MeterHandle, table: str) -> None:
    """Filters, projections and counts leave out of the answer what was read; the caller is told only what it asked."""
    for part in ("1", "2", "3"):
        aws.dynamodb.put_item(TableName=table, Item=item(part, 3 * KIB, kind={"S": "k"}))
    values: Any = {":id": {"S": "a"}}
    query: Any = {"TableName": table, "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": values}
    answer: Any = aws.dynamodb.query(**query, FilterExpression="part = :id", ConsistentRead=True)
    assert answer["Items"] == []
    assert "ConsumedCapacity" not in answer
    assert meter.total(READ_UNITS, resource=table) == 3
    aws.dynamodb.query(**query, Select="COUNT")
    assert meter.total(READ_UNITS, resource=table) == 3 + 1.5
    key: Any = {"id": {"S": "a"}, "part": {"S": "1"}}
    aws.dynamodb.put_item(TableName=table, Item=item("1", 9 * KIB))
    told: Any = aws.dynamodb.get_item(TableName=table, Key=key, ProjectionExpression="part", ConsistentRead=True)
    assert told["Item"] == {"part": {"S": "1"}}
    assert meter.total(READ_UNITS, resource=table) == 3 + 1.5 + 3


def test_reads_of_an_index_are_billed_by_what_it_holds(aws: Aws, meter: MeterHandle, table: str) -> None:
    """An index of keys has small entries, whatever the items are; who asks is told the same."""
    for part in ("1", "2"):
        aws.dynamodb.put_item(TableName=table, Item=item(part, 9 * KIB, kind={"S": "k"}))
    values: Any = {":k": {"S": "k"}}
    query: Any = {"TableName": table, "KeyConditionExpression": "kind = :k", "ExpressionAttributeValues": values}
    aws.dynamodb.query(**query, IndexName="keys")
    aws.dynamodb.query(**query, IndexName="all")
    assert meter.total(READ_UNITS, resource=f"{table}/index/keys") == 0.5
    assert meter.total(READ_UNITS, resource=f"{table}/index/all") == 2.5
    asked: Any = aws.dynamodb.query(**query, IndexName="all", ReturnConsumedCapacity="INDEXES")
    assert asked["ConsumedCapacity"]["GlobalSecondaryIndexes"]["all"]["CapacityUnits"] == 2.5


def test_expiry_is_free(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """An item that time to live deletes costs its write and nothing more."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws, meter = Aws(endpoint, tmp_path), Handle(endpoint).meter
        table, _ = aws.table()
        specification: Any = {"AttributeName": "ttl", "Enabled": True}
        aws.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
        aws.put(table, "a", "1", ttl={"N": str(int(Handle(endpoint).clock.now()) + 60)})
        turn(3600)
        eventually(lambda: "Item" not in stored(aws, table))
        assert meter.total(WRITE_UNITS, resource=table) == 1

    on_turnable(sandbox.record.emulator_endpoint, steps, ttl_delay_seconds=1.0)


def stored(aws: Aws, table: str) -> Json:
    """The answer to a read of the only item."""
    answer: Any = aws.dynamodb.get_item(TableName=table, Key={"actorId": {"S": "a"}, "entry": {"S": "1"}})
    return dict(answer)


def test_only_mappings_read_streams_for_nothing(aws: Aws, meter: MeterHandle) -> None:
    """GetRecords costs by the call; what a mapping reads is free."""
    table, stream = aws.table()
    function = aws.function("record(event)")
    aws.functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=function.arn, StartingPosition="TRIM_HORIZON"
    )
    aws.put(table, "a", "1")
    eventually(function.events)
    assert meter.total(STREAM_READS, resource=table) == 0
    reader: Any = aws.client("dynamodbstreams")
    shard = reader.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    place = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    reader.get_records(ShardIterator=reader.get_shard_iterator(**place)["ShardIterator"])
    assert meter.total(STREAM_READS, resource=table) == 1
