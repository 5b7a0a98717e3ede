"""Tables whose capacity is used up, and functions that die around a write."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.sync.client import connect

from sandbox.handle import Handle
from tests.support.sandbox import Aws, Function

KILLED = "RequestId: [0-9a-f-]{36} Error: Runtime exited with error: signal: killed"
TWO_WRITES = """
import boto3, os
client = boto3.client("dynamodb")
for entry in ("a", "b"):
    client.put_item(TableName=event["table"], Item={"actorId": {"S": "x"}, "entry": {"S": entry}})
return os.getpid()
"""

MEET = """
import boto3, time
client = boto3.client("dynamodb")
client.put_item(TableName=event["table"], Item={"actorId": {"S": "x"}, "entry": {"S": context.aws_request_id}})
deadline = time.monotonic() + 20
while client.scan(TableName=event["table"])["Count"] < 2:
    assert time.monotonic() < deadline
"""


def item(entry: str) -> dict[str, Any]:
    """An item of the tests' tables."""
    return {"actorId": {"S": "x"}, "entry": {"S": entry}}


def stored(aws: Aws, table: str) -> list[str]:
    """The range keys that a table holds."""
    return sorted(found["entry"]["S"] for found in aws.dynamodb.scan(TableName=table)["Items"])


def invoke(aws: Aws, function: Function, table: str) -> tuple[bool, Any]:
    """Whether the function failed, and its answer."""
    answer: dict[str, Any] = dict(
        aws.functions.invoke(FunctionName=function.name, Payload=json.dumps({"table": table}).encode())
    )
    return "FunctionError" in answer, json.load(answer["Payload"])


def test_a_table_is_throttled_for_the_chosen_operations(aws: Aws, handle: Handle) -> None:
    """A write of it fails as on AWS and changes nothing; its reads and other tables work."""
    table, other = aws.table()[0], aws.table()[0]
    handle.faults.set("throttled-table", table=table, operation="PutItem")
    with pytest.raises(ClientError) as caught:
        aws.put(table, "x", "a")
    assert caught.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    aws.put(other, "x", "a")
    assert (stored(aws, table), stored(aws, other)) == ([], ["a"])


def test_a_transaction_is_cancelled_for_its_throttled_table(aws: Aws, handle: Handle) -> None:
    """Each part has its reason; nothing is written."""
    table, other = aws.table()[0], aws.table()[0]
    handle.faults.set("throttled-table", table=table, operation="Transact*")
    with pytest.raises(ClientError) as caught:
        aws.dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": name, "Item": item("a")}} for name in (other, table)]
        )
    answer: Any = caught.value.response
    assert answer["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ThrottlingError"]
    assert (stored(aws, table), stored(aws, other)) == ([], [])


def test_a_batch_gives_back_what_was_throttled(aws: Aws, handle: Handle) -> None:
    """As long as not all of its tables are throttled, the rest is unprocessed rather than refused."""
    table, other = aws.table()[0], aws.table()[0]
    requests: Any = {name: [{"PutRequest": {"Item": item("a")}}] for name in (table, other)}
    handle.faults.set("throttled-table", table=table, operation="BatchWriteItem")
    assert table in aws.dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]


@pytest.mark.parametrize(
    ("fault", "settings", "left"),
    [
        ("killed-before", {}, []),
        ("killed-during", {}, ["a"]),
        ("killed-during", {"writes": 2}, ["a", "b"]),
        ("killed-after", {}, ["a", "b"]),
    ],
)
def test_a_function_is_killed_around_its_writes(
    aws: Aws, handle: Handle, fault: str, settings: dict[str, Any], left: list[str]
) -> None:
    """Its caller gets an error, what was written stays, and the next invocation runs in another process."""
    function, table = aws.function(TWO_WRITES), aws.table()[0]
    failed, first = invoke(aws, function, aws.table()[0])
    assert not failed
    handle.faults.set(fault, count=1, function=function.name, **settings)
    failed, error = invoke(aws, function, table)
    assert (failed, error["errorType"]) == (True, "Runtime.ExitError")
    assert re.fullmatch(KILLED, error["errorMessage"])
    assert stored(aws, table) == left
    failed, second = invoke(aws, function, table)
    assert (failed, second == first, stored(aws, table)) == (False, False, ["a", "b"])


def test_an_answer_is_lost_with_its_function(aws: Aws, handle: Handle) -> None:
    """The caller is told of a killed runtime though all is done; one that fails on its own is left to its own error."""
    function, table = aws.function(TWO_WRITES), aws.table()[0]
    handle.faults.set("killed-after", count=1, function=function.name)
    failed, error = invoke(aws, function, "no-such-table")
    assert (failed, error["errorType"]) == (True, "ResourceNotFoundException")
    failed, error = invoke(aws, function, table)
    assert (failed, error["errorType"]) == (True, "Runtime.ExitError")
    assert re.fullmatch(KILLED, error["errorMessage"])
    assert stored(aws, table) == ["a", "b"]


def test_a_socket_is_told_of_an_error_though_all_is_done(aws: Aws, handle: Handle) -> None:
    """A message whose function dies after its writes is answered with an error frame, and written all the same."""
    table = aws.table()[0]
    function = aws.function(f'event = {{"table": "{table}"}}\n{TWO_WRITES}')
    handle.faults.set("killed-after", function=function.name)
    with connect(aws.web_socket({"$default": function}).url) as client:
        client.send("{}")
        assert json.loads(client.recv(timeout=20))["message"] == "Internal server error"
    assert stored(aws, table) == ["a", "b"]


def test_writes_are_counted_anew_for_each_invocation(aws: Aws, handle: Handle) -> None:
    """A function that writes twice is never killed at a third write, however often it runs."""
    function, table = aws.function(TWO_WRITES), aws.table()[0]
    handle.faults.set("killed-during", function=function.name, writes=3)
    assert [invoke(aws, function, table)[0] for _ in range(3)] == [False] * 3


def test_invocations_side_by_side_count_their_own_writes(aws: Aws, handle: Handle) -> None:
    """Two invocations of a function that write once each, while both run, have no second write."""
    function, table = aws.function(MEET), aws.table()[0]
    handle.faults.set("killed-during", function=function.name, writes=2)
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(invoke, aws, function, table) for _ in range(2)]
    assert [call.result()[0] for call in calls] == [False, False]
