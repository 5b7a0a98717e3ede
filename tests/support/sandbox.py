"""A sandbox for tests, and AWS resources made in it with boto3 alone."""

import contextlib
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import boto3
from botocore.config import Config
from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
from types_boto3_apigatewayv2 import ApiGatewayV2Client
from types_boto3_dynamodb import DynamoDBClient
from types_boto3_iam import IAMClient
from types_boto3_lambda import LambdaClient
from types_boto3_sqs import SQSClient

from sandbox import client

Json = dict[str, Any]
T = TypeVar("T")
REGION = "us-east-1"
ACCOUNT = "000000000000"
ANYTHING: Json = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
LAMBDA_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
DEADLINE_SECONDS = 120.0
# Every function of the tests writes what it gets to a file, and prints, which spares it the emulator's 50 ms wait.
RECORDER = """
import json, os, time

def record(event):
    print(json.dumps({"got": len(json.dumps(event))}))
    with open(os.environ["RECORD"], "ab", buffering=0) as file:
        file.write(json.dumps(event).encode() + b"\\n")
"""


@contextlib.contextmanager
def running_sandbox(root: Path, *, pulumi: bool = False) -> Iterator[client.RunningSandbox]:
    """A sandbox in a directory of its own."""
    with client.start(root, pulumi=pulumi) as sandbox:
        yield sandbox


def eventually(read: Callable[[], T], accept: Callable[[T], object] = bool) -> T:
    """Read until the value is acceptable; fails with the last value after a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not accept(value := read()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Not reached in {DEADLINE_SECONDS} s; the last value was {value!r}")
        time.sleep(0.02)
    return value


@dataclass
class Function:
    """A deployed function, and the file that it records its events in."""

    arn: str
    name: str
    recorded: Path

    def events(self) -> list[Json]:
        """What it got so far, without what it is about to write: an event of 1 MB is there in parts first."""
        if not self.recorded.exists():
            return []
        whole, _, _ = self.recorded.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]


@dataclass
class Socket:
    """A WebSocket API with a stage."""

    api_id: str
    stage: str
    url: str

    @property
    def management_url(self) -> str:
        """Endpoint of ``@connections``."""
        return self.url.replace("ws://", "http://", 1)


@dataclass
class Aws:
    """Makes resources in the sandbox as an account's root user would."""

    endpoint: str
    folder: Path
    account: str = ACCOUNT

    def client(self, service: str, **options: str) -> Any:
        """A boto3 client; root's unless keys are given."""
        keys = {"aws_access_key_id": self.account, "aws_secret_access_key": "test", "region_name": REGION}
        settings = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        make = cast("Any", boto3.client)
        return make(service, **{"endpoint_url": self.endpoint, **keys, **options}, config=settings)

    @cached_property
    def gateway(self) -> ApiGatewayV2Client:
        """The control plane of WebSocket APIs."""
        return cast("ApiGatewayV2Client", self.client("apigatewayv2"))

    @cached_property
    def functions(self) -> LambdaClient:
        """Lambda."""
        return cast("LambdaClient", self.client("lambda"))

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB."""
        return cast("DynamoDBClient", self.client("dynamodb"))

    @cached_property
    def iam(self) -> IAMClient:
        """IAM."""
        return cast("IAMClient", self.client("iam"))

    @cached_property
    def sqs(self) -> SQSClient:
        """SQS."""
        return cast("SQSClient", self.client("sqs"))

    def end_mappings(self) -> None:
        """Delete all event source mappings: one that stayed would go on looking at its queue beside all later tests."""
        for mapping in self.functions.list_event_source_mappings()["EventSourceMappings"]:
            self.functions.delete_event_source_mapping(UUID=mapping["UUID"])

    def management(self, socket: Socket, **keys: str) -> ApiGatewayManagementApiClient:
        """``@connections`` of an API's stage."""
        made = self.client("apigatewaymanagementapi", endpoint_url=socket.management_url, **keys)
        return cast("ApiGatewayManagementApiClient", made)

    def role(self, policy: Json | None = None) -> str:
        """ARN of a new role for functions; it may do everything unless a policy is given."""
        name = f"role-{uuid.uuid4().hex[:8]}"
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(LAMBDA_TRUST))
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy or ANYTHING))
        return role["Role"]["Arn"]

    def function(
        self,
        body: str,
        *,
        name: str | None = None,
        role: str | None = None,
        timeout: int = 30,
        permitted: bool = True,
        prelude: str = "",
        **settings: Any,
    ) -> Function:
        """A function whose ``handle(event, context)`` has the given body; ``record(event)`` is at hand.

        ``prelude`` stands before it in the module; further settings are CreateFunction's own.
        """
        name = name or f"function-{uuid.uuid4().hex[:8]}"
        recorded = self.folder / f"{name}.jsonl"
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        wish: Json = {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Role": role or self.role(),
            "Handler": "main.handle",
            "Code": {"ZipFile": zipped(f"{RECORDER}\n\n{prelude}\n\ndef handle(event, context):\n{lines}\n")},
            "Timeout": timeout,
            "Architectures": ["arm64"],
            "Environment": {"Variables": {"RECORD": str(recorded), "FLAG": str(self.folder / f"{name}.flag")}},
        }
        answer = self.functions.create_function(**(wish | settings))
        if permitted:
            self.permit(answer["FunctionArn"])
        return Function(answer["FunctionArn"], name, recorded)

    def permit(self, function_arn: str, **limits: str) -> None:
        """Let API Gateway invoke exactly this function, version or alias; any API of it unless limits are given."""
        name, _, qualifier = function_arn.split(":function:")[1].partition(":")
        wish: Json = {"Qualifier": qualifier, **limits} if qualifier else limits
        self.functions.add_permission(
            FunctionName=name,
            StatementId=uuid.uuid4().hex,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            **wish,
        )

    def web_socket(
        self,
        routes: Mapping[str, Function],
        *,
        replies: bool = True,
        stage: str = "test",
        auto_deploy: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> Socket:
        """A deployed WebSocket API; routes other than $connect and $disconnect reply if wanted."""
        api = self.gateway.create_api(
            Name="api", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
        )
        for key, function in routes.items():
            self.route(api["ApiId"], key, function, replies=replies and key not in ("$connect", "$disconnect"))
        if not routes:  # which could not be deployed
            self.gateway.create_route(ApiId=api["ApiId"], RouteKey="leads-nowhere")
        if auto_deploy:
            self.gateway.create_stage(ApiId=api["ApiId"], StageName=stage, AutoDeploy=True)
        else:
            deployment = self.gateway.create_deployment(ApiId=api["ApiId"])["DeploymentId"]
            self.gateway.create_stage(
                ApiId=api["ApiId"], StageName=stage, DeploymentId=deployment, StageVariables=dict(variables or {})
            )
        return Socket(api["ApiId"], stage, f"{api['ApiEndpoint']}/{stage}")

    def route(self, api_id: str, key: str, function: Function, *, replies: bool) -> str:
        """Add a route to a function; returns its id."""
        uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function.arn}/invocations"
        integration = self.gateway.create_integration(
            ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationMethod="POST", IntegrationUri=uri
        )
        target = f"integrations/{integration['IntegrationId']}"
        expression = {"RouteResponseSelectionExpression": "$default"} if replies else {}
        route = self.gateway.create_route(ApiId=api_id, RouteKey=key, Target=target, **cast("Any", expression))
        if replies:
            self.gateway.create_route_response(ApiId=api_id, RouteId=route["RouteId"], RouteResponseKey="$default")
        return route["RouteId"]

    def table(self, name: str | None = None) -> tuple[str, str]:
        """Name and stream ARN of a new table with key ``actorId`` and ``entry``."""
        name = name or f"table-{uuid.uuid4().hex[:8]}"
        answer = self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "actorId", "AttributeType": "S"},
                {"AttributeName": "entry", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "actorId", "KeyType": "HASH"},
                {"AttributeName": "entry", "KeyType": "RANGE"},
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return name, answer["TableDescription"]["LatestStreamArn"]

    def put(self, table: str, actor: str, entry: str, **attributes: Any) -> None:
        """Write one item."""
        self.dynamodb.put_item(TableName=table, Item={"actorId": {"S": actor}, "entry": {"S": entry}, **attributes})


def zipped(source: str) -> bytes:
    """A function's archive: one module, ``main``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", source)
    return buffer.getvalue()
