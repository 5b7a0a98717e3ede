"""Posting to connections: in memory, and to an API Gateway that answers as AWS documents it."""

import socket
from collections.abc import Iterator

import pytest
from botocore.exceptions import NoCredentialsError

from sandbox.emulator.process import reserved_port
from tests.support.scripted_api import ScriptedApi, error, scripted_api
from tests.support.signers import FIXED
from trebuche.adapters import keep_alive
from trebuche.adapters.api_gateway import APIGatewayConnectionSender, management_endpoint
from trebuche.adapters.management import ManagementApi
from trebuche.adapters.memory import InMemoryConnectionSender
from trebuche.adapters.pacing import Pacer
from trebuche.adapters.signing import Credentials
from trebuche.errors import ConfigError, ConnectionGoneError, DeliveryError, ThrottledError, UnsureError
from trebuche.ports import ConnectionInfo

ENDPOINT = "wss://abc123.execute-api.us-east-1.amazonaws.com/production"


def sender_to(endpoint: str) -> APIGatewayConnectionSender:
    """A sender with one set of connections."""
    api = ManagementApi(endpoint, lambda: FIXED, "us-east-1", authorities=str)
    return APIGatewayConnectionSender(lambda _: api, endpoint)


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """What API Gateway answers next."""
    with scripted_api() as serving:
        yield serving


@pytest.fixture
def sender(api: ScriptedApi) -> APIGatewayConnectionSender:
    """A sender to it."""
    return sender_to(api.endpoint)


def test_a_frame_is_posted_at_once(sender: APIGatewayConnectionSender, api: ScriptedApi) -> None:
    """One request, and none before it; the next goes over the same connection."""
    sender.send("c1=", "é")
    sender.send("c2=", "x")
    assert api.requests == [
        ("POST /production/@connections/c1%3D HTTP/1.1", "é".encode()),
        ("POST /production/@connections/c2%3D HTTP/1.1", b"x"),
    ]
    assert api.connections == 1


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("GoneException", 410, ConnectionGoneError),
        ("BadRequestException", 400, ConnectionGoneError),
        ("LimitExceededException", 429, ThrottledError),
        ("TooManyRequestsException", 429, ThrottledError),
        ("ForbiddenException", 403, DeliveryError),
        ("PayloadTooLargeException", 413, DeliveryError),
        ("RequestTimeout", 408, UnsureError),
        ("InternalServerError", 500, UnsureError),
    ],
)
def test_each_answer_has_its_meaning(
    sender: APIGatewayConnectionSender, api: ScriptedApi, code: str, status: int, expected: type[DeliveryError]
) -> None:
    """Gone, throttled, or a failure that says what AWS said; never a silent loss."""
    api.answers = [error(status, code, "because")]
    with pytest.raises(DeliveryError, match=rf"c1=.*PostToConnection: {code}: because \(request r-1\)") as raised:
        sender.send("c1=", "x")
    assert raised.type is expected


def test_an_answer_without_a_name_has_its_status(sender: APIGatewayConnectionSender, api: ScriptedApi) -> None:
    """A proxy on the way writes pages of its own."""
    api.answers = [b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"]
    with pytest.raises(UnsureError, match="502"):
        sender.send("c1=", "x")


def test_an_address_that_does_not_answer_is_a_failure() -> None:
    """And not a dead connection."""
    with reserved_port() as port, pytest.raises(UnsureError, match="c1="):
        sender_to(f"http://127.0.0.1:{port}/production").send("c1=", "x")


def test_refusals_of_single_clients_are_told_from_those_of_everybody(api: ScriptedApi) -> None:
    """Both are 429; when more than a few posts of a moment are refused it is the account's rate."""
    now = 100.0
    management = ManagementApi(api.endpoint, lambda: FIXED, "us-east-1", authorities=str, pacer=Pacer(lambda: now))
    sender = APIGatewayConnectionSender(lambda _: management, api.endpoint)

    def refusals(number: int) -> list[bool]:
        nonlocal now
        api.answers = [error(429, "LimitExceededException", "")] * number
        widespread = []
        for _ in range(number):
            with pytest.raises(ThrottledError) as raised:
                sender.send("c1=", "x")
            widespread.append(raised.value.widespread)
        now += 0.125
        return widespread

    assert refusals(4) == [False] * 4
    assert refusals(8) == [False] * 8
    assert refusals(2) == [True] * 2


def test_a_post_that_takes_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one may take as long, unlike one that was refused at once."""
    monkeypatch.setattr(keep_alive, "ANSWER_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = sender_to(f"http://127.0.0.1:{silent.getsockname()[1]}/production")
        with pytest.raises(UnsureError) as raised:
            sender.send("c1=", "x")
    assert raised.value.timed_out
    with pytest.raises(UnsureError) as raised:
        sender.send("c1=", "x")
    assert not raised.value.timed_out


def test_a_function_without_credentials_posts_nothing(api: ScriptedApi) -> None:
    """They may come: it is not the connection's fault."""

    def nobody() -> Credentials:
        raise NoCredentialsError

    management = ManagementApi(api.endpoint, nobody, "us-east-1", authorities=str)
    with pytest.raises(UnsureError, match="credentials"):
        APIGatewayConnectionSender(lambda _: management, api.endpoint).send("c1=", "x")
    assert api.requests == []


@pytest.mark.parametrize("connection_id", ["", ".", ".."])
def test_what_cannot_be_an_id_is_asked_nobody(
    sender: APIGatewayConnectionSender, api: ScriptedApi, connection_id: str
) -> None:
    """It would be the address of something else."""
    with pytest.raises(ConnectionGoneError):
        sender.send(connection_id, "x")
    assert api.requests == []


def test_liveness_is_what_the_service_says(sender: APIGatewayConnectionSender, api: ScriptedApi) -> None:
    """Alive, or gone; a service that fails says neither."""
    moment = "2026-01-01T00:00:00.000Z"
    body = (
        f'{{"connectedAt": "{moment}", "lastActiveAt": "{moment}", '
        '"identity": {"sourceIp": "203.0.113.9", "userAgent": "Mozilla/5.0"}}'
    ).encode()
    known = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    api.answers = [known, known, error(410, "GoneException", ""), error(403, "ForbiddenException", "")]
    info = ConnectionInfo(1_767_225_600_000, 1_767_225_600_000, "203.0.113.9", "Mozilla/5.0")
    assert sender.get_connection_info("c1=") == info
    assert sender.is_alive("c1=") is True
    assert sender.is_alive("c1=") is False
    with pytest.raises(DeliveryError, match="Forbidden"):
        sender.is_alive("c1=")


def test_disconnecting_twice_is_fine(sender: APIGatewayConnectionSender, api: ScriptedApi) -> None:
    """It is closed afterwards either way."""
    api.answers = [b"HTTP/1.1 204 No Content\r\n\r\n", error(410, "GoneException", "")]
    sender.disconnect("c1=")
    sender.disconnect("c1=")
    assert [line.partition(" ")[0] for line, _ in api.requests] == ["DELETE", "DELETE"]


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

    def never(endpoint: str) -> ManagementApi:
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
