"""What Lambda does for a function, it does in the function's execution role."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import ANYTHING, LAMBDA_TRUST, Aws, Function, Json, eventually

TAKE = "record(event)"
FAIL = "record(event)\nraise ValueError('bad')"
STREAM_ACTIONS = ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")
OTHER_TRUST = json.loads(json.dumps(LAMBDA_TRUST).replace("lambda.", "ec2."))
CANNOT_ACCESS = (
    "Cannot access stream {}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, "
    "and ListStreams Actions on your stream in IAM."
)


def policy(*actions: str, resource: str = "*") -> Json:
    """Allows some actions on a resource."""
    allow = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [allow]}


def streams(*actions: str) -> list[str]:
    """Actions on streams by their full names."""
    return [f"dynamodb:{action}" for action in actions or STREAM_ACTIONS]


def write_policy(aws: Aws, role: str, document: Json) -> None:
    """Replace the policy of a role that ``Aws.role`` made."""
    aws.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="p", PolicyDocument=json.dumps(document))


def set_trust(aws: Aws, role: str, trust: Json) -> None:
    """Replace who may take a role."""
    aws.iam.update_assume_role_policy(RoleName=role.rpartition("/")[2], PolicyDocument=json.dumps(trust))


def subscribe(aws: Aws, stream: str, function: Function, **settings: Any) -> str:
    """Map a stream to a function from its beginning; returns the mapping's id."""
    answer = aws.functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=function.name, StartingPosition="TRIM_HORIZON", **settings
    )
    return answer["UUID"]


def result(aws: Aws, identifier: str) -> str:
    """How a mapping says it is doing."""
    return aws.functions.get_event_source_mapping(UUID=identifier)["LastProcessingResult"]


def refused(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    """Code and text of an error."""
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("missing", STREAM_ACTIONS)
def test_mapping_needs_each_stream_action(aws: Aws, missing: str) -> None:
    """A role that lacks one of the four is refused with Lambda's text, and nothing is made."""
    _, stream = aws.table()
    role = aws.role(policy(*streams(*(action for action in STREAM_ACTIONS if action != missing))))
    function = aws.function(TAKE, role=role)
    with pytest.raises(ClientError) as caught:
        subscribe(aws, stream, function)
    assert refused(caught) == ("InvalidParameterValueException", CANNOT_ACCESS.format(stream))
    assert aws.functions.list_event_source_mappings(EventSourceArn=stream)["EventSourceMappings"] == []


def test_mapping_needs_the_actions_on_this_stream(aws: Aws) -> None:
    """Another table's stream is not enough; this table's streams are."""
    (_, stream), (_, other) = aws.table(), aws.table()
    role = aws.role(policy(*streams(), resource=other))
    function = aws.function(TAKE, role=role)
    with pytest.raises(ClientError, match="Cannot access stream"):
        subscribe(aws, stream, function)
    write_policy(aws, role, policy(*streams(), resource=f"{stream.partition('/stream/')[0]}/stream/*"))
    assert subscribe(aws, stream, function)


def test_attached_policy_counts_like_an_inline_one(aws: Aws) -> None:
    """AWS's own policy for stream functions is enough."""
    _, stream = aws.table()
    role = aws.role(policy("sqs:ListQueues"))
    aws.iam.attach_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole",
    )
    assert subscribe(aws, stream, aws.function(TAKE, role=role))


def test_permissions_boundary_limits_what_a_policy_allows(aws: Aws) -> None:
    """A role that may do everything may do nothing that its boundary leaves out."""
    _, stream = aws.table()
    role = aws.role()
    name = f"{role.rpartition('/')[2]}-boundary"
    document = json.dumps(policy("sqs:*"))
    boundary = aws.iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    aws.iam.put_role_permissions_boundary(RoleName=role.rpartition("/")[2], PermissionsBoundary=boundary)
    with pytest.raises(ClientError, match="Cannot access stream"):
        subscribe(aws, stream, aws.function(TAKE, role=role))


def test_mapping_stands_still_while_its_role_may_not_read(aws: Aws) -> None:
    """A permission taken away stops the mapping and shows in its result; given back, nothing is lost."""
    table, stream = aws.table()
    role = aws.role()
    function = aws.function(TAKE, role=role)
    identifier = subscribe(aws, stream, function)
    write_policy(aws, role, policy("dynamodb:GetRecords"))
    aws.put(table, "todos", "late")
    eventually(lambda: result(aws, identifier), lambda text: text.startswith("PROBLEM: Cannot access stream"))
    assert function.events() == []
    write_policy(aws, role, ANYTHING)
    [event] = eventually(function.events)
    assert [record["dynamodb"]["Keys"]["entry"]["S"] for record in event["Records"]] == ["late"]
    eventually(lambda: result(aws, identifier), lambda text: text == "OK")


def test_mapping_stands_still_while_lambda_cannot_take_the_role(aws: Aws) -> None:
    """The trust policy counts for a running mapping, too."""
    table, stream = aws.table()
    role = aws.role()
    identifier = subscribe(aws, stream, aws.function(TAKE, role=role))
    set_trust(aws, role, OTHER_TRUST)
    aws.put(table, "todos", "late")
    eventually(lambda: result(aws, identifier), lambda text: text.startswith("PROBLEM: Cannot access stream"))


def test_on_failure_message_needs_the_roles_permission(aws: Aws) -> None:
    """Lambda sends to the queue in the function's role: without SendMessage nothing arrives, and the result says so."""
    table, stream = aws.table()
    url = aws.sqs.create_queue(QueueName=f"failures-{table}")["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    role = aws.role(policy(*streams()))
    settings: Json = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": arn}}}
    identifier = subscribe(aws, stream, aws.function(FAIL, role=role), **settings)
    aws.put(table, "todos", "bad")
    eventually(lambda: result(aws, identifier), lambda text: "on-failure destination" in text)
    assert "Messages" not in aws.sqs.receive_message(QueueUrl=url)
    write_policy(aws, role, policy(*streams(), "sqs:SendMessage"))
    aws.put(table, "todos", "bad again")
    assert eventually(lambda: aws.sqs.receive_message(QueueUrl=url).get("Messages"))


def test_function_needs_a_role_that_lambda_can_take(aws: Aws) -> None:
    """Creating a function with another service's role fails with Lambda's text; so does giving it one later."""
    role = aws.role()
    set_trust(aws, role, OTHER_TRUST)
    with pytest.raises(ClientError) as caught:
        aws.function(TAKE, role=role)
    expected = ("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
    assert refused(caught) == expected
    function = aws.function(TAKE)
    with pytest.raises(ClientError) as caught:
        aws.functions.update_function_configuration(FunctionName=function.name, Role=role)
    assert refused(caught) == expected
    set_trust(aws, role, LAMBDA_TRUST)
    aws.functions.update_function_configuration(FunctionName=function.name, Role=role)


def test_function_needs_a_role_that_is_there(aws: Aws) -> None:
    """A role that nobody made cannot be taken either."""
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        aws.function(TAKE, role="arn:aws:iam::000000000000:role/nobody")
