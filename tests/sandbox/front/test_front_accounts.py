"""Several accounts beside each other: each sees its own, and everything works in each."""

import json
import secrets
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from websockets.sync.client import connect

from sandbox.client import RunningSandbox
from tests.support.sandbox import ANYTHING, Aws, Json, eventually

ANSWER = 'print(1)\nreturn {"statusCode": 200, "body": context.invoked_function_arn}'
TAKE = "record(event)"
FAIL = 'raise RuntimeError("no")'


@pytest.fixture
def elsewhere(sandbox: RunningSandbox, aws: Aws) -> Iterator[Aws]:
    """Another account of the same sandbox."""
    other = Aws(sandbox.record.aws_endpoint, aws.folder, account="111122223333")
    yield other
    for mapping in other.functions.list_event_source_mappings()["EventSourceMappings"]:
        other.functions.delete_event_source_mapping(UUID=mapping["UUID"])


def test_api_of_another_account_is_served(elsewhere: Aws) -> None:
    """Socket, stage and function are found in the account that made them; the owner may post to the socket."""
    function, opened = elsewhere.function(ANSWER), elsewhere.function('record(event)\nreturn {"statusCode": 200}')
    socket = elsewhere.web_socket({"$connect": opened, "$default": function})
    with connect(socket.url) as client:
        client.send("{}")
        assert client.recv(timeout=20) == function.arn
        [event] = opened.events()
        elsewhere.management(socket).post_to_connection(
            ConnectionId=event["requestContext"]["connectionId"], Data=b"posted"
        )
        assert client.recv(timeout=20) == "posted"
    assert function.arn.split(":")[4] == "111122223333"


def test_deployment_with_a_stage_name_reaches_another_accounts_stage(elsewhere: Aws) -> None:
    """CreateDeployment with a stage puts the deployment on the stage of the same account."""
    socket = elsewhere.web_socket({"$default": elsewhere.function(ANSWER)})
    made = elsewhere.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)
    stage = elsewhere.gateway.get_stage(ApiId=socket.api_id, StageName=socket.stage)
    assert stage["DeploymentId"] == made["DeploymentId"]


def test_user_makes_apis_in_the_users_own_account(elsewhere: Aws) -> None:
    """An access key stands for its user's account, which only IAM knows."""
    name = f"user-{secrets.token_hex(4)}"
    elsewhere.iam.create_user(UserName=name)
    elsewhere.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(ANYTHING))
    key = elsewhere.iam.create_access_key(UserName=name)["AccessKey"]
    gateway = elsewhere.client(
        "apigatewayv2", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    api = gateway.create_api(Name="a", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    gateway.create_stage(ApiId=api["ApiId"], StageName="s", AutoDeploy=True)
    assert api["ApiId"] in {one["ApiId"] for one in elsewhere.gateway.get_apis()["Items"]}
    with connect(f"{api['ApiEndpoint']}/s") as client:
        assert client.ping().wait(timeout=20)


def test_stream_is_delivered_within_its_account(elsewhere: Aws) -> None:
    """A function named without an account is the caller's; records reach it, ARNs name its account."""
    table, stream = elsewhere.table()
    function = elsewhere.function(TAKE)
    request: Json = {"EventSourceArn": stream, "FunctionName": function.name, "StartingPosition": "TRIM_HORIZON"}
    made = elsewhere.functions.create_event_source_mapping(**request)
    elsewhere.put(table, "todos", "1")
    [event, *_] = eventually(function.events)
    assert event["Records"][0]["eventSourceARN"] == stream
    assert made["FunctionArn"] == function.arn
    assert made["EventSourceMappingArn"].startswith("arn:aws:lambda:us-east-1:111122223333:event-source-mapping:")


def test_dead_letter_goes_to_the_queue_of_the_account(elsewhere: Aws) -> None:
    """The on-failure destination is found in the account that its ARN names."""
    table, stream = elsewhere.table()
    url = elsewhere.sqs.create_queue(QueueName=f"failures-{secrets.token_hex(4)}")["QueueUrl"]
    queue = elsewhere.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    elsewhere.functions.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=elsewhere.function(FAIL).name,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    elsewhere.put(table, "todos", "1")
    [message] = eventually(lambda: elsewhere.sqs.receive_message(QueueUrl=url).get("Messages", []))
    assert json.loads(message["Body"])["DDBStreamBatchInfo"]["streamArn"] == stream


def test_account_does_not_see_the_mappings_of_another(aws: Aws, elsewhere: Aws) -> None:
    """Get, list, update and delete know the caller's own mappings only."""
    request: Json = {"EventSourceArn": elsewhere.table()[1], "FunctionName": elsewhere.function(TAKE).name}
    made = elsewhere.functions.create_event_source_mapping(**request, StartingPosition="LATEST")["UUID"]
    listed = {mapping["UUID"] for mapping in aws.functions.list_event_source_mappings()["EventSourceMappings"]}
    assert made not in listed
    with pytest.raises(ClientError):
        aws.functions.delete_event_source_mapping(UUID=made)
    assert elsewhere.functions.get_event_source_mapping(UUID=made)["State"] == "Enabled"
