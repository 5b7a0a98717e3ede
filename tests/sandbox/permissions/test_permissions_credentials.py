"""A function runs with its role's credentials, and with nothing else."""

import json

from websockets.sync.client import connect

from tests.support.sandbox import Aws, Json

LOOK = """
import boto3
names = [name for name, value in os.environ.items() if value == "test" or name == "AWS_ACCESS_KEY_ID"]
try:
    boto3.client("dynamodb").put_item(TableName=event_table(event), Item={"actorId": {"S": "a"}, "entry": {"S": "e"}})
    denied = ""
except Exception as error:
    denied = str(error)
print("done")
seen = {"names": names, "key": os.environ["AWS_ACCESS_KEY_ID"], "denied": denied,
        "who": boto3.client("sts").get_caller_identity()["Arn"]}
return {"statusCode": 200, "body": json.dumps(seen)}
"""
LOOK_FOR_TABLE = LOOK.replace("event_table(event)", 'json.loads(event["body"])["table"]')


def look(aws: Aws, role: str, table: str) -> Json:
    """What a function behind a socket sees of itself."""
    socket = aws.web_socket({"$default": aws.function(LOOK_FOR_TABLE, role=role)})
    with connect(socket.url) as client:
        client.send(json.dumps({"table": table}))
        seen: Json = json.loads(client.recv(timeout=30))
    return seen


def allow(action: str, resource: str) -> Json:
    """A policy of one statement."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_function_holds_no_key_but_its_roles(aws: Aws) -> None:
    """Its environment names a session key, no root key, and STS calls it by its role."""
    table, _ = aws.table()
    role = aws.role(allow("dynamodb:PutItem", f"arn:aws:dynamodb:*:*:table/{table}"))
    seen = look(aws, role, table)
    assert seen["names"] == ["AWS_ACCESS_KEY_ID"]
    assert seen["key"].startswith("ASIA")
    assert f":assumed-role/{role.rpartition('/')[2]}/" in seen["who"]
    assert seen["denied"] == ""


def test_call_that_the_role_does_not_allow_is_denied(aws: Aws) -> None:
    """Neither another action nor another table will do."""
    (table, _), (other, _) = aws.table(), aws.table()
    role = aws.role(allow("dynamodb:PutItem", f"arn:aws:dynamodb:*:*:table/{other}"))
    assert "is not authorized to perform: dynamodb:PutItem" in look(aws, role, table)["denied"]
    assert look(aws, role, other)["denied"] == ""
    role = aws.role(allow("dynamodb:GetItem", "*"))
    assert "AccessDenied" in look(aws, role, table)["denied"]
