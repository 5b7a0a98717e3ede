"""Each port's suite runs over memory and over DynamoDB as moto plays it, through botocore's client and ours."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from tests.contract.lean import lean_dynamodb, moto_answers
from trebuche.adapters.dynamodb_connections import DynamoDBConnectionStorage
from trebuche.adapters.dynamodb_states import DynamoDBStateStore
from trebuche.adapters.dynamodb_subscriptions import DynamoDBSubscriptionStorage
from trebuche.adapters.memory import InMemoryConnectionStorage, InMemoryStateStore, InMemorySubscriptionStorage
from trebuche.ports import ConnectionStorage, StateStore, SubscriptionStorage

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

REGION = "us-east-1"
ADAPTERS = ("memory", "dynamodb", "lean")
KEYS = {
    "states": ("actorId",),
    "journal": ("actorId", "entry"),
    "subscriptions": ("actorId", "streamId"),
    "connections": ("connectionId",),
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The region of an AWS as moto plays it, whatever the machine's own configuration says."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield REGION


@pytest.fixture
def dynamodb(aws: str) -> "Callable[[], DynamoDBClient]":
    """Gives a client on a DynamoDB with the four tables."""
    client = boto3.client("dynamodb", region_name=aws)
    for table, keys in KEYS.items():
        _create(client, table, keys)
    return lambda: client


@pytest.fixture
def lean(dynamodb: "Callable[[], DynamoDBClient]") -> "Callable[[], DynamoDBClient]":
    """Gives a client of ours on the same DynamoDB."""
    assert dynamodb()
    client: Any = lean_dynamodb(moto_answers)
    return lambda: client


@pytest.fixture(params=ADAPTERS)
def states(request: pytest.FixtureRequest) -> StateStore:
    """An empty state store."""
    if request.param == "memory":
        return InMemoryStateStore()
    return DynamoDBStateStore(request.getfixturevalue(request.param), "states", "journal")


@pytest.fixture(params=ADAPTERS)
def subscriptions(request: pytest.FixtureRequest) -> SubscriptionStorage:
    """An empty subscription storage."""
    if request.param == "memory":
        return InMemorySubscriptionStorage()
    return DynamoDBSubscriptionStorage(request.getfixturevalue(request.param), "subscriptions")


@pytest.fixture(params=ADAPTERS)
def connections(request: pytest.FixtureRequest) -> ConnectionStorage:
    """An empty connection storage."""
    if request.param == "memory":
        return InMemoryConnectionStorage()
    return DynamoDBConnectionStorage(request.getfixturevalue(request.param), "connections")


def _create(client: "DynamoDBClient", table: str, keys: tuple[str, ...]) -> None:
    """A table with string keys; the one of connections with the page's index."""
    index_keys = ("actorId", "streamId") if table == "connections" else ()
    index = {"IndexName": "actorId-index", "KeySchema": _schema(index_keys), "Projection": {"ProjectionType": "ALL"}}
    arguments: dict[str, Any] = {"GlobalSecondaryIndexes": [index]} if index_keys else {}
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in dict.fromkeys(keys + index_keys)],
        KeySchema=_schema(keys),
        **arguments,
    )


def _schema(keys: tuple[str, ...]) -> Any:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
