"""One sandbox and one deployed stack for all tests of the whole loop; tests keep apart by actor ids of their own."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.loop.workshop import Workshop

if TYPE_CHECKING:
    from types_boto3_apigatewayv2 import ApiGatewayV2Client
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_iam import IAMClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_servicediscovery import ServiceDiscoveryClient
    from types_boto3_sqs import SQSClient

STACK = "loop"


class Aws:
    """boto3 clients of the sandbox."""

    def __init__(self, environment: dict[str, str]) -> None:
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )
        where = environment["AWS_ENDPOINT_URL"]
        config = Config(proxies={}, retries={"max_attempts": 1})
        self.dynamodb: DynamoDBClient = session.client("dynamodb", endpoint_url=where, config=config)
        self.functions: LambdaClient = session.client("lambda", endpoint_url=where, config=config)
        self.apis: ApiGatewayV2Client = session.client("apigatewayv2", endpoint_url=where, config=config)
        self.roles: IAMClient = session.client("iam", endpoint_url=where, config=config)
        self.queues: SQSClient = session.client("sqs", endpoint_url=where, config=config)
        self.logs: CloudWatchLogsClient = session.client("logs", endpoint_url=where, config=config)
        self.alarms: CloudWatchClient = session.client("cloudwatch", endpoint_url=where, config=config)
        self.namespaces: ServiceDiscoveryClient = session.client("servicediscovery", endpoint_url=where, config=config)

    def log_groups(self) -> list[str]:
        """The names of all of them."""
        pages = self.logs.get_paginator("describe_log_groups").paginate()
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]

    def logged(self, group: str, phrase: str = "") -> str:
        """All lines of a log group, or those that have a phrase."""
        pattern = f'"{phrase}"' if phrase else ""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern)
        return "\n".join(event["message"].rstrip("\n") for page in pages for event in page["events"])


@dataclass(frozen=True)
class Local:
    """A running sandbox with the commands' environment."""

    workshop: Workshop
    environment: dict[str, str]
    aws: Aws

    def pulumi(self, *words: str, check: bool = True) -> Any:
        """Run a Pulumi command in the copied checkout."""
        return self.workshop.pulumi(self.environment, *words, check=check)


@dataclass(frozen=True)
class Deployed:
    """The deployed stack."""

    local: Local
    endpoint: str
    outputs: dict[str, Any]

    @property
    def aws(self) -> Aws:
        """boto3 clients of the sandbox."""
        return self.local.aws

    def pulumi(self, *words: str, check: bool = True) -> Any:
        """Run a Pulumi command on this stack, whichever stack another test selected."""
        return self.local.pulumi(*words, "--stack", STACK, check=check)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A sandbox of a copied checkout whose path holds blanks, started as a user starts it."""
    workshop = Workshop.create(tmp_path_factory.mktemp("loop") / "a checkout of ours")
    workshop.trebuche("sandbox", "start")
    try:
        environment = json.loads(workshop.trebuche("sandbox", "env", "--json").stdout)["set"]
        yield Local(workshop, environment, Aws(environment))
    finally:
        workshop.trebuche("sandbox", "stop")


@pytest.fixture(scope="session")
def deployed(local: Local) -> Deployed:
    """The program as it is shipped, deployed by a literal ``pulumi up``."""
    local.pulumi("stack", "init", STACK, "--no-select")
    local.pulumi("up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK)
    outputs = json.loads(local.pulumi("stack", "output", "--json", "--stack", STACK).stdout)
    return Deployed(local, outputs["wss_endpoint"], outputs)


@pytest.fixture
def todos() -> str:
    """The id of a list that no other test uses."""
    return f"todos/{uuid.uuid4().hex}"


@pytest.fixture
def game() -> str:
    """The id of a room that no other test uses."""
    return f"game/{uuid.uuid4().hex}"
