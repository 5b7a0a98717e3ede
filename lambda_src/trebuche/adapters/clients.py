"""boto3 clients, each made once per container when it is first needed: importing and building them takes long."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from boto3 import Session
    from botocore.config import Config
    from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_servicediscovery import ServiceDiscoveryClient
    from types_boto3_sqs import SQSClient

DynamoDB: TypeAlias = "Callable[[], DynamoDBClient]"
"""Gives the client; the same at each call."""


@cache
def dynamodb() -> "DynamoDBClient":
    """For tables."""
    return _session().client("dynamodb", config=_config(read_timeout=5, attempts=4))


@cache
def management(endpoint: str) -> "ApiGatewayManagementApiClient":
    """For posting to connections of the stage at an ``https://…/<stage>`` address."""
    config = _config(read_timeout=3, attempts=3)
    return _session().client("apigatewaymanagementapi", endpoint_url=endpoint, config=config)


@cache
def functions() -> "LambdaClient":
    """For calling functions, once each: whether a call that timed out took effect is for its caller to find out."""
    # API Gateway waits 29 s: what is left of them must do for a cold start and for telling the caller.
    return _session().client("lambda", config=_config(read_timeout=26, attempts=1))


@cache
def discovery() -> "ServiceDiscoveryClient":
    """For finding functions; a caller waits for it, and gives up where an older answer will do."""
    return _session().client("servicediscovery", config=_config(read_timeout=2, attempts=2))


@cache
def queues() -> "SQSClient":
    """For reminding workers of late subscribers; made when the first one falls behind."""
    return _session().client("sqs", config=_config(read_timeout=3, attempts=3))


def warm(endpoint: str) -> None:
    """Make those now that every call or change may need, for an environment that is made ready beforehand.

    No service is called.

    Args:
        endpoint: Where connections are posted to; empty when there are none.
    """
    dynamodb()
    if endpoint:
        management(endpoint)
        functions()
        discovery()


@cache
def _session() -> "Session":
    import boto3

    return boto3.Session()


def _config(*, read_timeout: int, attempts: int) -> "Config":
    """Timeouts in seconds; ``standard`` retries throttling and 5xx with backoff, and nothing else."""
    from botocore.config import Config

    return Config(
        connect_timeout=1,
        read_timeout=read_timeout,
        max_pool_connections=64,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
