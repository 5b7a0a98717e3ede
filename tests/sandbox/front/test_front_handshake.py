"""Opening a socket: who gets in, with which status the others are refused."""

import json
import socket
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.support.sandbox import Aws, Json, Socket, eventually

ANSWER = 'record(event)\nreturn {"statusCode": %d}'
MESSAGE = 'record(event)\nreturn {"statusCode": 200, "body": "here"}'


def refusal(url: str) -> int:
    """The HTTP status of a handshake that must fail."""
    with pytest.raises(InvalidStatus) as caught, connect(url):
        pass
    return caught.value.response.status_code


@pytest.mark.parametrize("status", [401, 403, 500])
def test_status_of_a_refusing_connect_is_passed_through(aws: Aws, status: int) -> None:
    """What the $connect function answers is the status of the handshake, and no goodbye follows."""
    function = aws.function(ANSWER % status)
    socket = aws.web_socket({"$connect": function, "$disconnect": function})
    assert refusal(socket.url) == status
    assert [event["requestContext"]["eventType"] for event in function.events()] == ["CONNECT"]


def test_failing_connect_refuses_with_a_server_error(aws: Aws) -> None:
    """A $connect function that raises refuses the handshake with 502."""
    socket = aws.web_socket({"$connect": aws.function('print(1)\nraise ValueError("secret")')})
    assert refusal(socket.url) == 502


def test_api_without_connect_route_simply_connects(aws: Aws) -> None:
    """No $connect route: nobody is asked, not even $default."""
    function = aws.function(MESSAGE)
    socket = aws.web_socket({"$default": function})
    with connect(socket.url) as client:
        client.send("{}")
        assert client.recv(timeout=20) == "here"
    assert [event["requestContext"]["eventType"] for event in function.events()] == ["MESSAGE"]


def test_unknown_api_and_stage_are_forbidden(aws: Aws) -> None:
    """An API or a stage that is not there answers 403."""
    socket = aws.web_socket({"$default": aws.function(MESSAGE)})
    assert refusal(f"{socket.url}-other") == 403
    assert refusal(socket.url.replace(socket.api_id, "nosuchapi")) == 403


def test_deleted_stage_and_api_are_forbidden(aws: Aws) -> None:
    """What has been deleted is not served any more, although it was a moment ago."""
    first, second = (aws.web_socket({"$default": aws.function(MESSAGE)}) for _ in range(2))
    with connect(first.url), connect(second.url):
        pass
    aws.gateway.delete_stage(ApiId=first.api_id, StageName=first.stage)
    aws.gateway.delete_api(ApiId=second.api_id)
    assert (refusal(first.url), refusal(second.url)) == (403, 403)


def test_stage_without_a_deployment_is_forbidden(aws: Aws) -> None:
    """A stage serves nothing before something has been deployed to it."""
    socket = aws.web_socket({"$default": aws.function(MESSAGE)})
    aws.gateway.create_stage(ApiId=socket.api_id, StageName="empty")
    assert refusal(socket.url.removesuffix(socket.stage) + "empty") == 403


def test_sub_protocol_is_the_one_that_connect_echoes(aws: Aws) -> None:
    """The client gets the sub-protocol that the function chose, whatever the case of the header's name."""
    function = aws.function('print(1)\nreturn {"statusCode": 200, "headers": {"sec-websocket-protocol": "two"}}')
    socket = aws.web_socket({"$connect": function})
    with connect(socket.url, subprotocols=[Subprotocol("one"), Subprotocol("two")]) as client:
        assert client.subprotocol == "two"


def test_sub_protocol_is_not_echoed_by_itself(aws: Aws) -> None:
    """Without an echo by the function the client gets none: browsers fail such a handshake."""
    socket = aws.web_socket({"$connect": aws.function(ANSWER % 200)})
    with connect(socket.url, subprotocols=[Subprotocol("one")]) as client:
        assert client.subprotocol is None


def test_sub_protocol_may_come_in_multi_value_headers(aws: Aws) -> None:
    """They go before the single ones, whatever the case of the names."""
    headers = '"headers": {"Sec-WebSocket-Protocol": "two"}, "multiValueHeaders": {"sec-websocket-protocol": ["one"]}'
    socket = aws.web_socket({"$connect": aws.function(f'print(1)\nreturn {{"statusCode": 200, {headers}}}')})
    with connect(socket.url, subprotocols=[Subprotocol("one"), Subprotocol("two")]) as client:
        assert client.subprotocol == "one"


ASKED = 'print(1)\nreturn json.loads(event["queryStringParameters"]["answer"])'


@pytest.mark.parametrize(
    "answer",
    [
        *({"statusCode": status} for status in (True, 0, -5, 99, 100, 101, 199, 600, 999, 200.5)),
        {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "a\r\nX-Evil: 1"}},
        {"statusCode": 200, "headers": ["a"]},
    ],
    ids=lambda answer: json.dumps(answer)[14:40],
)
def test_malformed_answer_of_connect_is_a_bad_gateway(answering: Socket, answer: Json) -> None:
    """A status that no response has, and headers that cannot be sent: 502, and a response that any client can read."""
    status, head = answered(f"{answering.url}?answer={quote(json.dumps(answer))}")
    assert status == 502
    assert "Evil" not in head
    assert '"Internal server error"' in head


@pytest.fixture
def answering(aws: Aws) -> Socket:
    """An API whose $connect answers what the query says."""
    return aws.web_socket({"$connect": aws.function(ASKED)})


def test_answers_do_not_say_by_what_they_are_served(aws: Aws) -> None:
    """Neither an accepted handshake, nor a refusal, nor a call of AWS."""
    socket = aws.web_socket({"$default": aws.function(MESSAGE)})
    assert (answered(socket.url)[0], answered(f"{socket.url}-other")[0]) == (101, 403)
    for url in (socket.url, f"{socket.url}-other"):
        assert "server:" not in answered(url)[1].lower()
    shown = aws.gateway.get_api(ApiId=socket.api_id)
    assert "aiohttp" not in json.dumps(shown["ResponseMetadata"])


def test_connect_that_is_plain_http_is_told_to_upgrade(aws: Aws) -> None:
    """A GET without an upgrade is not a socket, and its function is not run."""
    function = aws.function(ANSWER % 200)
    socket = aws.web_socket({"$connect": function})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(socket.management_url)
    assert caught.value.code == 426
    caught.value.close()
    with connect(socket.url):
        assert len(eventually(function.events)) == 1


def test_client_that_leaves_during_connect_is_said_goodbye_to(aws: Aws) -> None:
    """The $connect function has accepted nobody: $disconnect runs all the same, with 1006."""
    slow = aws.function('record(event)\ntime.sleep(1)\nreturn {"statusCode": 200}')
    goodbye = aws.function("record(event)")
    socket = aws.web_socket({"$connect": slow, "$disconnect": goodbye})
    with pytest.raises(TimeoutError):
        connect(socket.url, open_timeout=0.5)
    assert eventually(goodbye.events)[0]["requestContext"]["disconnectStatusCode"] == 1006


GOOD = {
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def answered(url: str, method: str = "GET", version: str = "HTTP/1.1", **headers: str) -> tuple[int, str]:
    """Status line and head of the answer to a handshake with some headers changed; an empty one is left out."""
    address = urlsplit(url)
    changed = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{name}: {value}" for name, value in {"Host": address.netloc, **changed}.items() if value]
    target = address.path + (f"?{address.query}" if address.query else "")
    with socket.create_connection((address.hostname, address.port), timeout=20) as raw:
        raw.sendall("\r\n".join([f"{method} {target} {version}", *lines, "", ""]).encode())
        head = raw.makefile("rb").read1(4096).decode()
    return int(head.split()[1]), head


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 101),
        ({"Upgrade": ""}, 426),
        ({"Upgrade": "h2c"}, 426),
        ({"method": "POST"}, 426),
        ({"version": "HTTP/1.0"}, 426),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": ""}, 426),
        ({"Connection": "keep-alive"}, 400),
        ({"Sec_WebSocket_Key": ""}, 400),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ({"Sec_WebSocket_Key": "no base64 at all"}, 400),
    ],
)
def test_what_is_no_handshake_is_refused(aws: Aws, changed: dict[str, str], status: int) -> None:
    """The RFC's rules hold before anybody is asked; a 426 says what to ask for."""
    function = aws.function("record(event)")
    got, head = answered(aws.web_socket({"$default": function}).url, **changed)
    assert got == status
    assert ("sec-websocket-version: 13" in head.lower()) == (status == 426)


def test_port_of_the_host_is_forwarded(aws: Aws) -> None:
    """Without one it is that of TLS, by which API Gateway is reached."""
    function = aws.function(ANSWER % 200)
    socket = aws.web_socket({"$connect": function})
    for changed in ({}, {"Host": "api.example"}):
        assert answered(socket.url, **changed)[0] == 101
    ports = [event["headers"]["X-Forwarded-Port"] for event in eventually(function.events, lambda got: len(got) == 2)]
    assert ports == [str(urlsplit(socket.url).port), "443"]


def shaken(url: str, *lines: bytes) -> bytes:
    """What is answered to a handshake that has these header lines instead of ``Connection``."""
    address = urlsplit(url)
    named = {"Host": address.netloc, **{name: value for name, value in GOOD.items() if name != "Connection"}}
    usual = [f"{name}: {value}".encode() for name, value in named.items()]
    with socket.create_connection((address.hostname, address.port), timeout=20) as raw:
        raw.sendall(b"\r\n".join([f"GET {address.path} HTTP/1.1".encode(), *usual, *lines, b"", b""]))
        return raw.recv(4096)


def test_header_may_be_spread_over_lines(aws: Aws) -> None:
    """``Connection`` is a list, and lists may come in parts."""
    answer = shaken(aws.web_socket({}).url, b"Connection: keep-alive", b"Connection: Upgrade")
    assert answer.startswith(b"HTTP/1.1 101 ")


def test_bytes_that_are_no_text_are_replaced_in_headers(aws: Aws) -> None:
    """An event is JSON, which has no other texts; the connection's own description says the same."""
    function = aws.function(ANSWER % 200)
    shaken(aws.web_socket({"$connect": function}).url, b"Connection: Upgrade", b"User-Agent: caf\xe9")
    [event] = eventually(function.events)
    assert event["headers"]["User-Agent"] == event["requestContext"]["identity"]["userAgent"] == "caf\ufffd"


@pytest.mark.parametrize("path", ["/extra", "/@connections", "/@connections/", "/@connections/a/b", "/x?y=1"])
def test_paths_below_a_stage_lead_nowhere(aws: Aws, path: str) -> None:
    """Neither a handshake nor a plain request reaches a function by any path but the stage's."""
    function = aws.function("record(event)")
    made = aws.web_socket({"$connect": function, "$default": function})
    assert answered(made.url + path)[0] == 403
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(made.management_url + path, data=b"{}", timeout=20)
    assert caught.value.code == 403
    assert function.events() == []
