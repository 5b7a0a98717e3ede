"""Limits that close a socket: sizes, binary frames."""

import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from sandbox.front.api_model import read_integration
from tests.support.sandbox import Aws, Socket, eventually

KIB = 1024
SIZE = 'record({"size": len(event["body"])})\nreturn {"statusCode": 200, "body": str(len(event["body"]))}'
GOODBYE = "record(event)"


@pytest.fixture
def socket(aws: Aws) -> Socket:
    """An API that answers with the size of each message."""
    return aws.web_socket({"$default": aws.function(SIZE)})


def close_code(client: ClientConnection) -> int | None:
    """How the server closes a socket that has done wrong."""
    with pytest.raises(ConnectionClosed) as caught:
        client.recv(timeout=20)
    return caught.value.rcvd.code if caught.value.rcvd else None


def test_frame_of_32_kib_is_taken(socket: Socket) -> None:
    """The largest frame that is allowed."""
    with connect(socket.url) as client:
        client.send("x" * (32 * KIB))
        assert client.recv(timeout=20) == str(32 * KIB)


def test_frame_above_32_kib_closes_with_1009(socket: Socket) -> None:
    """One byte more in a single frame is too much, although the message would fit."""
    with connect(socket.url) as client:
        client.send("x" * (32 * KIB + 1))
        assert close_code(client) == 1009


def test_message_of_128_kib_in_fragments_is_taken(socket: Socket) -> None:
    """The largest message, in frames of the largest size."""
    with connect(socket.url) as client:
        client.send(["x" * (32 * KIB)] * 4)
        assert client.recv(timeout=20) == str(128 * KIB)


def test_message_above_128_kib_closes_with_1009(socket: Socket) -> None:
    """One byte more is too much, although each frame is within its limit."""
    with connect(socket.url) as client:
        # The message is too long before its last, empty frame: whoever sends that may hear of the close already.
        with contextlib.suppress(ConnectionClosed):
            client.send([*["x" * (32 * KIB)] * 4, "x"])
        assert close_code(client) == 1009


def test_huge_frame_still_hears_why(socket: Socket) -> None:
    """A client in the middle of a megabyte reads the close frame, not a reset connection."""
    with connect(socket.url) as client:
        client.send("x" * KIB * KIB)
        assert close_code(client) == 1009


def test_binary_frame_closes_with_1003(socket: Socket) -> None:
    """Binary frames are not supported, however small."""
    with connect(socket.url) as client:
        client.send(b"\x00")
        assert close_code(client) == 1003


def test_text_that_is_not_utf_8_closes_with_1007(socket: Socket) -> None:
    """A text frame must be text."""
    with connect(socket.url) as client:
        client.socket.sendall(b"\x81\x81" + bytes(4) + b"\xff")
        assert close_code(client) == 1007


def test_reply_above_128_kib_is_an_error_frame(aws: Aws) -> None:
    """What a function may not post it may not return either: the client reads an error, and the socket stays."""
    answers = 'print(1)\nreturn {"statusCode": 200, "body": "x" * int(event["body"])}'
    with connect(aws.web_socket({"$default": aws.function(answers)}).url) as client:
        client.send(str(128 * KIB + 1))
        assert json.loads(client.recv(timeout=20))["message"] == "Internal server error"
        client.send(str(128 * KIB))
        assert len(client.recv(timeout=20)) == 128 * KIB


@pytest.mark.parametrize(
    ("given", "waits"), [({}, 29), ({"timeoutInMillis": 60_000}, 29), ({"timeoutInMillis": 50}, 0.05)]
)
def test_integration_is_waited_for_29_seconds_at_most(given: dict[str, int], waits: float) -> None:
    """Whatever the integration asks for; without a word, 29 seconds."""
    assert read_integration({"integrationType": "AWS_PROXY", **given}, []).timeout_seconds == waits


def test_url_above_4096_characters_is_refused(socket: Socket) -> None:
    """A ticket in the query string has to be short."""
    with pytest.raises(InvalidStatus) as caught, connect(f"{socket.url}?ticket={'x' * 4096}"):
        pass
    assert caught.value.response.status_code == 414
    with connect(f"{socket.url}?ticket={'x' * 3900}"):
        pass


def test_headers_above_10240_bytes_are_refused(socket: Socket) -> None:
    """Cookies and tokens together have to be short."""
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(socket.url, additional_headers={"Cookie": "x" * 5120, "Authorization": "y" * 5120}),
    ):
        pass
    assert caught.value.response.status_code == 431
    with connect(socket.url, additional_headers={"Cookie": "x" * 5120, "Authorization": "y" * 4800}):
        pass


def test_too_large_a_message_reaches_disconnect_as_1009(aws: Aws) -> None:
    """The function that says goodbye learns the code that the server closed with."""
    function = aws.function(GOODBYE)
    socket = aws.web_socket({"$disconnect": function})
    with connect(socket.url) as client:
        client.send("x" * (33 * KIB))
        assert close_code(client) == 1009
    context = eventually(function.events)[0]["requestContext"]
    assert context["disconnectStatusCode"] == 1009


def test_ping_is_answered_without_the_function(aws: Aws) -> None:
    """A ping of the protocol gets its pong from the server."""
    socket = aws.web_socket({})
    with connect(socket.url) as client:
        assert client.ping().wait(timeout=20)


def test_nothing_after_a_binary_frame_is_read(aws: Aws) -> None:
    """Frames that arrive together with a binary one, behind it, reach no function."""
    function, goodbye = aws.function(SIZE), aws.function(GOODBYE)
    socket = aws.web_socket({"$default": function, "$disconnect": goodbye})
    with connect(socket.url) as client:
        client.send("{}")
        assert client.recv(timeout=20) == "2"
        mask = bytes(4)
        client.socket.sendall(b"\x82\x81" + mask + b"x" + b"\x81\x81" + mask + b"y")
        assert close_code(client) == 1003
    eventually(goodbye.events)
    assert [event["size"] for event in function.events()] == [2]
