"""AWS/DynamoDB, for requests that any SDK makes."""

import contextlib
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from sandbox.handle import Handle
from sandbox.streams.sizes import size_of
from sandbox.telemetry.item_units import read_units
from tests.support.front import Turn, on_turnable
from tests.support.sandbox import Aws, Json

KIB = 1024


def value(aws: Aws, name: str, dimensions: Json, statistic: str = "Sum") -> float:
    """A metric's statistic until now; 0 without values."""
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": one} for key, one in dimensions.items()],
        StartTime=datetime.now(UTC) - timedelta(days=1),
        EndTime=datetime.now(UTC) + timedelta(days=1),
        Period=86400,
        Statistics=[statistic],
    )
    return float(sum(point[statistic] for point in answer["Datapoints"]))


@pytest.fixture
def table(aws: Aws) -> str:
    """A table with an index over everything."""
    name = f"table-{uuid.uuid4().hex[:8]}"
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    index = [{"AttributeName": "kind", "KeyType": "HASH"}]
    aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("id", "kind")],
        GlobalSecondaryIndexes=[{"IndexName": "by-kind", "KeySchema": index, "Projection": {"ProjectionType": "ALL"}}],
    )
    return name


def item(key: str, size: int) -> Json:
    """An item of about this many bytes."""
    return {"id": {"S": key}, "kind": {"S": "k"}, "text": {"S": "x" * size}}


def test_writes_consume_by_the_kilobyte(aws: Aws, table: str) -> None:
    """The table and its index are counted apart; the caller, who did not ask, is told nothing."""
    answer: Json = aws.client("dynamodb").put_item(TableName=table, Item=item("a", 3 * KIB - 100))
    assert "ConsumedCapacity" not in answer
    assert value(aws, "ConsumedWriteCapacityUnits", {"TableName": table}) == 3
    assert value(aws, "ConsumedWriteCapacityUnits", {"TableName": table, "GlobalSecondaryIndexName": "by-kind"}) == 3
    assert value(aws, "SuccessfulRequestLatency", {"TableName": table, "Operation": "PutItem"}, "SampleCount") == 1


def test_who_asks_is_told_what_a_write_consumed(aws: Aws, table: str) -> None:
    """An answer holds what the request asked for, and is counted once."""
    answer = aws.client("dynamodb").put_item(TableName=table, Item=item("a", 100), ReturnConsumedCapacity="INDEXES")
    assert answer["ConsumedCapacity"]["Table"]["CapacityUnits"] == 1
    assert value(aws, "ConsumedWriteCapacityUnits", {"TableName": table}) == 1


def test_reads_consume_by_four_kilobytes(aws: Aws, table: str) -> None:
    """Half a unit for an eventually consistent read; a page is rounded as a whole."""
    for key in ("a", "b"):
        aws.dynamodb.put_item(TableName=table, Item=item(key, 5 * KIB))
    aws.dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}}, ConsistentRead=True)
    assert value(aws, "ConsumedReadCapacityUnits", {"TableName": table}) == 2
    aws.dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}})
    assert value(aws, "ConsumedReadCapacityUnits", {"TableName": table}) == 3
    aws.dynamodb.scan(TableName=table, ConsistentRead=True)
    assert value(aws, "ConsumedReadCapacityUnits", {"TableName": table}) == 6
    assert value(aws, "ReturnedItemCount", {"TableName": table, "Operation": "Scan"}) == 2


def test_failed_conditions_are_no_errors_of_the_user(aws: Aws, table: str) -> None:
    """A condition that does not hold is counted for its table, alone and in a transaction."""
    put: Json = {"TableName": table, "Item": item("a", 1), "ConditionExpression": "attribute_exists(id)"}
    before = value(aws, "UserErrors", {})
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        aws.client("dynamodb").put_item(**put)
    with pytest.raises(ClientError, match="TransactionCanceled"):
        aws.client("dynamodb").transact_write_items(TransactItems=[{"Put": put}])
    assert value(aws, "ConditionalCheckFailedRequests", {"TableName": table}) == 2
    assert value(aws, "UserErrors", {}) == before


def test_other_refusals_are_errors_of_the_user(aws: Aws, table: str) -> None:
    """A malformed request is counted without a table."""
    before = value(aws, "UserErrors", {})
    with pytest.raises(ClientError, match="ValidationException"):
        aws.client("dynamodb").put_item(TableName=table, Item={"kind": {"S": "no key"}})
    assert value(aws, "UserErrors", {}) == before + 1


def test_a_malformed_request_is_answered_by_whom_it_is_for(aws: Aws) -> None:
    """What cannot be counted is not, and the caller is told what is wrong."""
    with pytest.raises(ClientError) as refused:
        aws.client("dynamodb").transact_get_items(TransactItems=[{"Get": {"Key": {"id": {"S": "a"}}}}])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_throttled_requests_are_counted(aws: Aws, table: str) -> None:
    """By table and operation, and each item that was throttled as a read or a write; they are no errors of the user."""
    where = {"TableName": table}
    before = value(aws, "UserErrors", {})
    client = aws.client("dynamodb")
    batch = {table: [{"PutRequest": {"Item": item(key, 1)}} for key in ("a", "b")]}
    calls: list[Callable[[], object]] = [
        lambda: client.put_item(TableName=table, Item=item("a", 1)),
        lambda: client.batch_write_item(RequestItems=batch),
        lambda: client.scan(TableName=table),
    ]
    with Handle(aws.endpoint).faults.during("throttled-table", table=table):
        for call in calls:
            with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
                call()
    assert value(aws, "ThrottledRequests", where | {"Operation": "PutItem"}) == 1
    assert value(aws, "ThrottledRequests", where | {"Operation": "BatchWriteItem"}) == 1
    assert value(aws, "WriteThrottleEvents", where) == 3
    assert value(aws, "ReadThrottleEvents", where) == 1
    assert value(aws, "ConsumedWriteCapacityUnits", where) == 0
    assert value(aws, "UserErrors", {}) == before


def test_what_a_batch_gives_back_is_throttled(aws: Aws, table: str) -> None:
    """Such a request has succeeded; its items had to wait."""
    other = aws.table()[0]
    writes: Json = {
        table: [{"PutRequest": {"Item": item("a", 1)}}],
        other: [{"PutRequest": {"Item": {"actorId": {"S": "x"}, "entry": {"S": "a"}}}}],
    }
    with Handle(aws.endpoint).faults.during("throttled-table", table=table):
        aws.client("dynamodb").batch_write_item(RequestItems=writes)
    assert value(aws, "WriteThrottleEvents", {"TableName": table}) == 1
    assert value(aws, "ThrottledRequests", {"TableName": table, "Operation": "BatchWriteItem"}) == 0
    assert (
        value(aws, "SuccessfulRequestLatency", {"TableName": table, "Operation": "BatchWriteItem"}, "SampleCount") == 1
    )


def test_a_transaction_that_was_throttled_is_counted_part_by_part(aws: Aws, table: str) -> None:
    """For the table that throttled it, not for the other one; and it costs nothing."""
    other = aws.table()[0]
    puts: Json = {table: item("a", 1), other: {"actorId": {"S": "x"}, "entry": {"S": "a"}}}
    parts = [{"Put": {"TableName": name, "Item": one}} for name, one in puts.items()]
    with (
        Handle(aws.endpoint).faults.during("throttled-table", table=table),
        pytest.raises(ClientError, match="ThrottlingError"),
    ):
        aws.client("dynamodb").transact_write_items(TransactItems=parts)
    operation = {"Operation": "TransactWriteItems"}
    assert [value(aws, "WriteThrottleEvents", {"TableName": name}) for name in puts] == [1, 0]
    assert [value(aws, "ThrottledRequests", {"TableName": name} | operation) for name in puts] == [1, 0]
    assert [value(aws, "ConsumedWriteCapacityUnits", {"TableName": name}) for name in puts] == [0, 0]


def test_throttled_writes_raise_an_alarm(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """An alarm on a table's throttles is driven by the fault that throttles it."""
    name = f"throttled-{uuid.uuid4().hex[:8]}"

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        watch = aws.client("cloudwatch")
        watch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/DynamoDB",
            MetricName="WriteThrottleEvents",
            Dimensions=[{"Name": "TableName", "Value": aws.table(name)[0]}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0.0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        for throttled, state in ((False, "OK"), (True, "ALARM")):
            with contextlib.ExitStack() as stack:
                if throttled:
                    stack.enter_context(Handle(endpoint).faults.during("throttled-table", table=name))
                    stack.enter_context(pytest.raises(ClientError, match="ProvisionedThroughputExceeded"))
                aws.put(name, "x", "a")
            turn(60)
            assert watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == state

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_items_that_time_to_live_deletes_are_counted(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """For their table, each when it is deleted."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table = aws.table()[0]
        aws.dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True}
        )
        for entry, seconds in (("a", 60), ("b", 60), ("c", 7200)):
            aws.put(table, "x", entry, ttl={"N": str(int(time.time()) + seconds)})
        turn(600)
        assert value(aws, "TimeToLiveDeletedItemCount", {"TableName": table}) == 2

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_what_functions_read_is_counted_too(aws: Aws, table: str) -> None:
    """A function's requests take the same way."""
    body = (
        f'import boto3\nprint("x")\nboto3.client("dynamodb").get_item(TableName="{table}", Key={{"id": {{"S": "a"}}}})'
    )
    aws.functions.invoke(FunctionName=aws.function(body).name, Payload=b"{}")
    assert value(aws, "ConsumedReadCapacityUnits", {"TableName": table}) == 0.5


def test_sizes_of_items() -> None:
    """Names and values in UTF-8, numbers by their digits, containers with their overhead (developer guide)."""
    assert size_of({"n": {"S": "Grün"}}) == 1 + 5
    assert size_of({"n": {"N": "-1234"}}) == 1 + 3
    assert size_of({"n": {"N": "1010.50"}}) == 1 + 4
    assert size_of({"n": {"B": "AAAA"}, "f": {"BOOL": True}}) == 1 + 3 + 1 + 1
    assert size_of({"m": {"M": {"a": {"S": "b"}}}, "l": {"L": [{"S": "ab"}]}}) == 1 + 3 + 1 + 2 + 1 + 3 + 1 + 2
    assert size_of({"s": {"SS": ["ab", "c"]}}) == 1 + 3


def test_transactions_read_at_double_price() -> None:
    """Each item is rounded alone; one that is not there costs, too."""
    request: Json = {"TransactItems": [{"Get": {"TableName": "t"}}, {"Get": {"TableName": "t"}}]}
    answer: Json = {"Responses": [{"Item": {"a": {"S": "x" * 5000}}}, {}]}
    assert [one.units for one in read_units("TransactGetItems", request, answer)] == [4, 2]
