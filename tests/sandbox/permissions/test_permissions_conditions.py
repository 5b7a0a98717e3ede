"""Conditions of policies that depend on the request: who calls DynamoDB by TLS, and for which partition keys."""

import json
import secrets
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import ANYTHING, Aws, Json

OWN = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}


def user(aws: Aws, *statements: Json) -> Any:
    """A DynamoDB client of a user with a policy of these statements."""
    name = f"user-{secrets.token_hex(4)}"
    aws.iam.create_user(UserName=name)
    aws.iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )
    key = aws.iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return aws.client("dynamodb", **keys)


def allow(actions: str | list[str], condition: Json | None = None) -> Json:
    """A statement for every table."""
    return {"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition or {}}


def key(actor: str) -> Json:
    """Key of an item of the tests' tables."""
    return {"actorId": {"S": actor}, "entry": {"S": "e"}}


def denied(call: Any, **request: Any) -> bool:
    """Whether a call is refused for want of permission; any other error is one."""
    try:
        call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            return True
        raise
    return False


def test_calls_are_secure(aws: Aws) -> None:
    """A policy that denies what does not come by TLS denies nothing; one that asks for plain HTTP allows nothing."""
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": insecure}
    assert not denied(user(aws, *ANYTHING["Statement"], deny).list_tables)
    assert denied(user(aws, allow("dynamodb:*", insecure)).list_tables)


def test_functions_call_by_tls_too(aws: Aws) -> None:
    """What a mapping's role may do is judged with the same key."""
    secure = {**ANYTHING["Statement"][0], "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    function = aws.function("record(event)", role=aws.role({"Version": "2012-10-17", "Statement": [secure]}))
    made = aws.functions.create_event_source_mapping(
        EventSourceArn=aws.table()[1], FunctionName=function.name, StartingPosition="TRIM_HORIZON"
    )
    assert made["State"] == "Creating"


@pytest.mark.parametrize("form", ["get", "put", "update", "delete", "query", "query by name", "read", "write"])
def test_leading_keys_bound_what_a_user_reads_and_writes(aws: Aws, form: str) -> None:
    """Each kind of request is judged by the partition keys that it names."""
    table, dynamodb = aws.table()[0], user(aws, allow("dynamodb:*", OWN))

    def call(actor: str) -> bool:
        queried = {"KeyConditionExpression": "#k = :v", "ExpressionAttributeNames": {"#k": "actorId"}}
        named = {"KeyConditionExpression": "entry = :e AND actorId = :v"}
        values = {":v": {"S": actor}}
        put = {"PutRequest": {"Item": key(actor)}}
        calls: dict[str, tuple[Any, Json]] = {
            "get": (dynamodb.get_item, {"TableName": table, "Key": key(actor)}),
            "put": (dynamodb.put_item, {"TableName": table, "Item": key(actor)}),
            "update": (dynamodb.update_item, {"TableName": table, "Key": key(actor)}),
            "delete": (dynamodb.delete_item, {"TableName": table, "Key": key(actor)}),
            "query": (dynamodb.query, {"TableName": table, **queried, "ExpressionAttributeValues": values}),
            "query by name": (
                dynamodb.query,
                {"TableName": table, **named, "ExpressionAttributeValues": {**values, ":e": {"S": "e"}}},
            ),
            "read": (dynamodb.batch_get_item, {"RequestItems": {table: {"Keys": [key("mine"), key(actor)][-1:]}}}),
            "write": (dynamodb.batch_write_item, {"RequestItems": {table: [put]}}),
        }
        called, request = calls[form]
        return denied(called, **request)

    assert (call("mine"), call("theirs")) == (False, True)


def test_leading_keys_of_an_index_are_its_own(aws: Aws) -> None:
    """A Query of an index names the index's partition key."""
    table = aws.table()[0]
    aws.dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("actorId", "entry", "connection")
        ],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by",
                    "KeySchema": [{"AttributeName": "connection", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )
    dynamodb = user(aws, allow("dynamodb:Query", OWN))

    def query(connection: str) -> bool:
        return denied(
            dynamodb.query,
            TableName=table,
            IndexName="by",
            KeyConditionExpression="connection = :c",
            ExpressionAttributeValues={":c": {"S": connection}},
        )

    assert (query("mine"), query("theirs")) == (False, True)


def test_a_scan_names_no_leading_key(aws: Aws) -> None:
    """``ForAllValues`` is true of nothing, so a Scan must not be allowed at all; ``ForAnyValue`` is not."""
    table, any_value = aws.table()[0], {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    assert not denied(user(aws, allow("dynamodb:Scan", OWN)).scan, TableName=table)
    assert denied(user(aws, allow("dynamodb:Scan", any_value)).scan, TableName=table)


def test_each_item_of_a_transaction_is_judged_by_itself(aws: Aws) -> None:
    """One may look at other keys than one may write, in one transaction."""
    (table, _), (other, _) = aws.table(), aws.table()
    dynamodb = user(aws, allow("dynamodb:ConditionCheckItem"), allow("dynamodb:PutItem", OWN))

    def write(mine: str, looked_at: str, checked: str = table) -> bool:
        absent = "attribute_not_exists(nothing)"
        items = [
            {"Put": {"TableName": table, "Item": key(mine)}},
            {"ConditionCheck": {"TableName": checked, "Key": key(looked_at), "ConditionExpression": absent}},
        ]
        return denied(dynamodb.transact_write_items, TransactItems=items)

    assert not write("mine", "theirs")
    assert not write("mine", "theirs", other)
    assert write("theirs", "mine")
