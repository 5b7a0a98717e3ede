"""Posting to connections: in memory, and to an API Gateway that answers as AWS documents it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from trebuche.adapters.api_gateway import APIGatewayConnectionSender, management_endpoint
from trebuche.adapters.memory import InMemoryConnectionSender
from trebuche.errors import ConfigError, ConnectionGoneError, DeliveryError, ThrottledError, UnsureError
from trebuche.ports import ConnectionInfo

if TYPE_CHECKING:
    from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

ENDPOINT = "wss://abc123.execute-api.us-east-1.amazonaws.com/production"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> "ApiGatewayManagementApiClient":
    """A client that nothing leaves."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return boto3.client(
        "apigatewaymanagementapi",
        region_name="us-east-1",
        endpoint_url="https://127.0.0.1:9",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def answers(api: "ApiGatewayManagementApiClient") -> Iterator[Stubber]:
    """What API Gateway answers next."""
    with Stubber(api) as stubber:
        yield stubber


@pytest.fixture
def sender(api: "ApiGatewayManagementApiClient") -> APIGatewayConnectionSender:
    """A sender with that client."""
    return APIGatewayConnectionSender(lambda _: api, ENDPOINT)


def test_a_frame_is_posted_at_once(sender: APIGatewayConnectionSender, answers: Stubber) -> None:
    """One request, and none before it."""
    answers.add_response("post_to_connection", {}, {"ConnectionId": "c1=", "Data": "é".encode()})
    sender.send("c1=", "é")
    answers.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("GoneException", 410, ConnectionGoneError),
        ("BadRequestException", 400, ConnectionGoneError),
        ("LimitExceededException", 429, ThrottledError),
        ("TooManyRequestsException", 429, ThrottledError),
        ("ForbiddenException", 403, DeliveryError),
        ("PayloadTooLargeException", 413, DeliveryError),
        ("InternalServerError", 500, UnsureError),
    ],
)
def test_each_answer_has_its_meaning(
    sender: APIGatewayConnectionSender, answers: Stubber, code: str, status: int, expected: type[DeliveryError]
) -> None:
    """Gone, throttled, or a failure that says what AWS said; never a silent loss."""
    answers.add_client_error("post_to_connection", code, "because", status)
    with pytest.raises(DeliveryError, match=f"c1=.*{code}: because") as raised:
        sender.send("c1=", "x")
    assert raised.type is expected
    assert raised.value.__cause__ is not None


def test_an_address_that_does_not_answer_is_a_failure(
    sender: APIGatewayConnectionSender, api: "ApiGatewayManagementApiClient"
) -> None:
    """And not a dead connection."""

    def refuse(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url=ENDPOINT)

    api.meta.events.register("before-send.*", refuse)
    with pytest.raises(DeliveryError, match="c1=") as raised:
        sender.send("c1=", "x")
    assert raised.type is UnsureError


def test_liveness_is_what_the_service_says(sender: APIGatewayConnectionSender, answers: Stubber) -> None:
    """Alive, or gone; a service that fails says neither."""
    identity = {"SourceIp": "203.0.113.9", "UserAgent": "Mozilla/5.0"}
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(2):
        answers.add_response(
            "get_connection", {"ConnectedAt": moment, "LastActiveAt": moment, "Identity": identity}, None
        )
    answers.add_client_error("get_connection", "GoneException", "", 410)
    answers.add_client_error("get_connection", "ForbiddenException", "", 403)
    info = ConnectionInfo(1_767_225_600_000, 1_767_225_600_000, "203.0.113.9", "Mozilla/5.0")
    assert sender.get_connection_info("c1=") == info
    assert sender.is_alive("c1=") is True
    assert sender.is_alive("c1=") is False
    with pytest.raises(DeliveryError, match="Forbidden"):
        sender.is_alive("c1=")


def test_disconnecting_twice_is_fine(sender: APIGatewayConnectionSender, answers: Stubber) -> None:
    """It is closed afterwards either way."""
    answers.add_response("delete_connection", {}, {"ConnectionId": "c1="})
    answers.add_client_error("delete_connection", "GoneException", "", 410)
    sender.disconnect("c1=")
    sender.disconnect("c1=")
    answers.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("wss://a.example/prod", "https://a.example/prod"),
        ("ws://127.0.0.1:4000/x/prod/", "http://127.0.0.1:4000/x/prod"),
        ("https://a.example/prod", "https://a.example/prod"),
    ],
)
def test_a_socket_address_becomes_a_request_address(given: str, expected: str) -> None:
    """The stage's own address may be given as it is."""
    assert management_endpoint(given) == expected


def test_a_function_without_address_says_so() -> None:
    """By the variable's name, when somebody is to be reached."""

    def never(endpoint: str) -> "ApiGatewayManagementApiClient":
        raise AssertionError(endpoint)

    with pytest.raises(ConfigError, match="WEBSOCKET_ENDPOINT"):
        APIGatewayConnectionSender(never, "").send("c1=", "x")


def test_memory_keeps_frames_and_knows_the_dead() -> None:
    """The stand-in has the same manners."""
    sender = InMemoryConnectionSender()
    sender.send("c1", "x")
    assert sender.is_alive("c1")
    sender.disconnect("c1")
    sender.disconnect("c1")
    assert not sender.is_alive("c1")
    for use in (lambda: sender.send("c1", "y"), lambda: sender.get_connection_info("c1")):
        with pytest.raises(ConnectionGoneError):
            use()
    assert sender.sent == {"c1": ["x"]}
