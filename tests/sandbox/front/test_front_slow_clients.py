"""Clients that do not read: what waits for them is bounded, and nothing that was taken is lost."""

import base64
import os
import select
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
from websockets.sync.client import ClientConnection, connect

from tests.support.sandbox import Aws, Socket, eventually

KIB = 1024
MANY = 200
TOO_MUCH_BYTES = 64 * KIB * KIB
WHO = 'print("called")\nreturn {"statusCode": 200, "body": event["requestContext"]["connectionId"]}'


@contextmanager
def slow_client(socket: Socket) -> Iterator[tuple[ClientConnection, str]]:
    """A client with small buffers that reads only when it is asked to, and its connection's id."""
    address = urlsplit(socket.url)
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 32 * KIB)
    raw.connect((address.hostname, address.port))
    with connect(socket.url, sock=raw, max_queue=1, ping_interval=None, close_timeout=0.1) as client:
        client.send("{}")
        yield client, str(client.recv(timeout=20))


def text_of(number: int) -> str:
    """A message of 32 KB that names its number."""
    return f"{number:05}" + "x" * (32 * KIB - 5)


def post_until_full(management: ApiGatewayManagementApiClient, name: str) -> int:
    """Post until it is refused for the client's buffer; how many posts were taken."""
    for number in range(MANY):
        try:
            management.post_to_connection(ConnectionId=name, Data=text_of(number).encode())
        except management.exceptions.LimitExceededException:
            return number
    raise AssertionError(f"{MANY} posts were taken for a client that does not read")


def test_posts_to_a_client_that_does_not_read_are_refused_at_last(aws: Aws) -> None:
    """429 once its buffer is full; what was taken arrives in order, and afterwards posts are taken again."""
    socket = aws.web_socket({"$default": aws.function(WHO)})
    management = aws.management(socket)
    with slow_client(socket) as (client, name):
        taken = post_until_full(management, name)
        assert [client.recv(timeout=20) for _ in range(taken)] == [text_of(number) for number in range(taken)]
        management.post_to_connection(ConnectionId=name, Data=b"again")
        assert client.recv(timeout=20) == "again"


def test_largest_message_fits_into_an_empty_buffer(aws: Aws) -> None:
    """A message of 128 KB is never refused to a client that reads."""
    socket = aws.web_socket({"$default": aws.function(WHO)})
    with slow_client(socket) as (client, name):
        for _ in range(3):
            aws.management(socket).post_to_connection(ConnectionId=name, Data=b"x" * (128 * KIB))
            assert len(client.recv(timeout=20)) == 128 * KIB


def test_slow_client_can_be_closed(aws: Aws) -> None:
    """A full buffer holds up neither the end nor the goodbye."""
    goodbye = aws.function("record(event)")
    socket = aws.web_socket({"$default": aws.function(WHO), "$disconnect": goodbye})
    management = aws.management(socket)
    with slow_client(socket) as (_, name):
        post_until_full(management, name)
        management.delete_connection(ConnectionId=name)
        context = eventually(goodbye.events)[0]["requestContext"]
        assert (context["connectionId"], context["disconnectStatusCode"]) == (name, 1000)
        with pytest.raises(ClientError) as caught:
            management.post_to_connection(ConnectionId=name, Data=b"x")
        assert caught.value.response["Error"]["Code"] == "GoneException"


def test_pings_of_a_client_that_does_not_read_are_not_answered_without_end(aws: Aws) -> None:
    """When its pongs have filled the buffer, nothing more is read from the client: it has to wait."""
    socket = aws.web_socket({})
    ping = b"\x89\xfd" + bytes(4) + b"x" * 125
    with raw_client(socket) as raw:
        raw.setblocking(False)
        sent = 0
        while sent < TOO_MUCH_BYTES and select.select([], [raw], [], 2.0)[1]:
            sent += raw.send(ping * 1000)
    assert sent < TOO_MUCH_BYTES


@contextmanager
def raw_client(socket: Socket) -> Iterator[sockets.socket]:
    """A socket after its handshake, without a library that reads on its own."""
    address = urlsplit(socket.url)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    with sockets.create_connection((address.hostname, address.port), timeout=20) as raw:
        raw.sendall("\r\n".join([*lines, "", ""]).encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 101")
        yield raw
