"""What tables may read and write: provisioned capacity, what is kept of it, and a most on demand."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from tests.support.front import Turn, on_turnable
from tests.support.sandbox import Aws, Json

LONG = {"S": "x" * 390_000}
"""A write of 381 units, or a strong read of 96: what is kept of one unit a second is 300."""
EXCEEDED = "ProvisionedThroughputExceededException"
KEYS: Json = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}
SCHEMA = [{"AttributeName": "k", "KeyType": "HASH"}]


def units(read: int, write: int) -> Json:
    """Provisioned capacity."""
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def table(aws: Aws, name: str | None = None, **settings: Any) -> str:
    """A new table; with one unit of each kind unless settings say otherwise."""
    name = name or f"table-{uuid.uuid4().hex[:8]}"
    wanted: Json = {"ProvisionedThroughput": units(1, 1), **settings} if "BillingMode" not in settings else settings
    aws.client("dynamodb").create_table(TableName=name, KeySchema=SCHEMA, **(KEYS | wanted))
    return name


def put(aws: Aws, name: str, **attributes: Any) -> str | None:
    """Write an item, of its own unless it has attributes; the error's name if there is one."""
    key = {"S": "x" if attributes else "short"}
    return error_of(aws.dynamodb.put_item, TableName=name, Item={"k": key, **attributes})


def error_of(call: Any, **request: Any) -> str | None:
    """The name of the error that a request meets; None when it is done."""
    try:
        call(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


@pytest.fixture
def turned(sandbox: RunningSandbox, tmp_path: Path) -> Any:
    """Plays steps on a front whose clock can be turned."""

    def play(steps: Any) -> None:
        on_turnable(sandbox.record.emulator_endpoint, lambda endpoint, turn: steps(Aws(endpoint, tmp_path), turn))

    return play


@pytest.fixture(autouse=True)
def endings(aws: Aws) -> Iterator[None]:
    """Tables of one unit would be in the way of nobody, but are deleted all the same."""
    before = set(aws.dynamodb.list_tables()["TableNames"])
    yield
    for name in set(aws.dynamodb.list_tables()["TableNames"]) - before:
        aws.dynamodb.delete_table(TableName=name)


def test_five_minutes_of_capacity_are_kept(turned: Any) -> None:
    """What was taken beyond them has to be gained again, a second's worth each second; reads have their own."""

    def steps(aws: Aws, turn: Turn) -> None:
        name = table(aws)
        assert put(aws, name, long=LONG) is None
        assert put(aws, name) == EXCEEDED
        assert error_of(aws.dynamodb.get_item, TableName=name, Key={"k": {"S": "x"}}) is None
        turn(40)
        assert put(aws, name) == EXCEEDED
        turn(45)
        assert put(aws, name) is None

    turned(steps)


def test_reads_take_capacity_by_their_size(turned: Any) -> None:
    """Strong reads twice as much as others; writes have their own."""

    def steps(aws: Aws, turn: Turn) -> None:
        name = table(aws, ProvisionedThroughput=units(1, 1000))
        assert put(aws, name, long=LONG) is None
        wanted: Json = {"TableName": name, "Key": {"k": {"S": "x"}}, "ConsistentRead": True}
        assert [error_of(aws.dynamodb.get_item, **wanted) for _ in range(5)] == [None] * 4 + [EXCEEDED]
        assert put(aws, name) is None
        turn(120)
        assert error_of(aws.dynamodb.get_item, **wanted) is None

    turned(steps)


def test_an_index_has_capacity_of_its_own(aws: Aws) -> None:
    """One that has none left holds up writes of its table, and reads of itself only."""
    index = {
        "IndexName": "by-e",
        "KeySchema": [{"AttributeName": "e", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": units(1, 1),
    }
    attributes = [*KEYS["AttributeDefinitions"], {"AttributeName": "e", "AttributeType": "S"}]
    name = table(
        aws,
        ProvisionedThroughput=units(1000, 1000),
        AttributeDefinitions=attributes,
        GlobalSecondaryIndexes=[index],
    )
    assert put(aws, name, e={"S": "e"}, long=LONG) is None
    assert put(aws, name) == EXCEEDED
    wanted: Json = {
        "TableName": name,
        "IndexName": "by-e",
        "KeyConditionExpression": "e = :e",
        "ExpressionAttributeValues": {":e": {"S": "e"}},
    }
    assert [error_of(aws.dynamodb.query, **wanted) for _ in range(8)] == [None] * 7 + [EXCEEDED]
    assert error_of(aws.dynamodb.get_item, TableName=name, Key={"k": {"S": "x"}}) is None


def test_more_capacity_counts_from_the_change_on(turned: Any) -> None:
    """A debt is paid off sooner; on demand there is none."""

    def steps(aws: Aws, turn: Turn) -> None:
        name = table(aws)
        put(aws, name, long=LONG)
        aws.client("dynamodb").update_table(TableName=name, ProvisionedThroughput=units(1, 2))
        assert put(aws, name) == EXCEEDED
        turn(45)
        assert [put(aws, name, long=LONG), put(aws, name)] == [None, EXCEEDED]
        aws.dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
        assert put(aws, name) is None

    turned(steps)


def test_a_new_table_of_a_name_owes_nothing(aws: Aws) -> None:
    """Whatever the one before had taken."""
    for _ in range(2):
        name = table(aws, "again")
        assert put(aws, name, long=LONG) is None
        assert put(aws, name) == EXCEEDED
        aws.dynamodb.delete_table(TableName=name)


def test_a_most_on_demand_is_held(turned: Any) -> None:
    """Its error is another one; without a most nothing holds a table on demand up."""

    def steps(aws: Aws, turn: Turn) -> None:
        most = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 10}
        name = table(aws, BillingMode="PAY_PER_REQUEST", OnDemandThroughput=most)
        assert put(aws, name, long=LONG) is None
        assert put(aws, name) == "ThrottlingException"
        turn(40)
        assert put(aws, name) is None
        free = table(aws, BillingMode="PAY_PER_REQUEST")
        assert [put(aws, free, long=LONG) for _ in range(3)] == [None] * 3

    turned(steps)


def test_transactions_and_batches_say_which_part_waits(aws: Aws) -> None:
    """A transaction by its reasons, a batch by what it gives back."""
    empty, other = table(aws), table(aws)
    put(aws, empty, long=LONG)
    parts: Any = [{"Put": {"TableName": name, "Item": {"k": {"S": "y"}}}} for name in (other, empty)]
    with pytest.raises(aws.dynamodb.exceptions.TransactionCanceledException) as caught:
        aws.dynamodb.transact_write_items(TransactItems=parts)
    reasons = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert reasons == ["None", "ThrottlingError"]
    batch: Any = {name: [{"PutRequest": {"Item": {"k": {"S": "y"}}}}] for name in (other, empty)}
    assert empty in aws.dynamodb.batch_write_item(RequestItems=batch)["UnprocessedItems"]
