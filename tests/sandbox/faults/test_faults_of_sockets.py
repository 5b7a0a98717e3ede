"""Posts that fail, sockets that break, goodbyes that never come."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sandbox.handle import Handle
from tests.support.sandbox import Aws, Socket, eventually

HERE = 'record(event)\nreturn {"statusCode": 200, "body": event["requestContext"]["connectionId"]}'


@pytest.fixture
def socket(aws: Aws) -> Socket:
    """An API that tells each client its connection's id."""
    return aws.web_socket({"$default": aws.function(HERE)})


def own_id(client: ClientConnection) -> str:
    """The id of a connection, as its function sees it."""
    client.send("{}")
    return str(client.recv(timeout=20))


def taken(handle: Handle, name: str) -> int:
    """How often a fault has struck."""
    return next(int(fault["set"]["taken"]) for fault in handle.faults.describe() if fault["name"] == name)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("post-gone", 410, "GoneException"),
        ("post-throttled", 429, "LimitExceededException"),
        ("post-error", 500, "InternalServerErrorException"),
    ],
)
def test_a_post_is_refused_and_the_next_one_is_not(
    aws: Aws, socket: Socket, handle: Handle, fault: str, status: int, code: str
) -> None:
    """The fault answers as AWS does and delivers nothing; the socket stays open."""
    management = aws.management(socket)
    with connect(socket.url) as client:
        name = own_id(client)
        handle.faults.set(fault, count=1, connection=name)
        with pytest.raises(ClientError) as caught:
            management.post_to_connection(ConnectionId=name, Data=b"lost")
        management.post_to_connection(ConnectionId=name, Data=b"delivered")
        assert client.recv(timeout=20) == "delivered"
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)


def test_a_post_hangs_until_the_clock_has_moved(aws: Aws, socket: Socket, handle: Handle) -> None:
    """Nothing is answered before; then the post is done."""
    management = aws.management(socket)
    with connect(socket.url) as client, ThreadPoolExecutor() as pool:
        name = own_id(client)
        handle.faults.set("post-hang", count=1, connection=name, seconds=300)
        hanging = pool.submit(management.post_to_connection, ConnectionId=name, Data=b"late")
        eventually(lambda: taken(handle, "post-hang"))
        handle.clock.advance(200)
        assert not hanging.done()
        handle.clock.advance(101)
        hanging.result(20)
        assert client.recv(timeout=20) == "late"


def test_a_socket_breaks_though_the_post_was_accepted(aws: Aws, socket: Socket, handle: Handle) -> None:
    """The caller sees 200; the client sees no message and no close frame."""
    management = aws.management(socket)
    with connect(socket.url) as client:
        name = own_id(client)
        handle.faults.set("cut-socket", connection=name)
        management.post_to_connection(ConnectionId=name, Data=b"lost")
        with pytest.raises(ConnectionClosed) as caught:
            client.recv(timeout=20)
    assert caught.value.rcvd is None


def test_a_disconnect_never_comes(aws: Aws, handle: Handle) -> None:
    """The lost goodbye is counted; the next socket's comes."""
    function = aws.function(HERE)
    socket = aws.web_socket({"$default": function, "$disconnect": function})
    handle.faults.set("lost-disconnect", count=1, api=socket.api_id)
    names = []
    for _ in range(2):
        with connect(socket.url) as client:
            names.append(own_id(client))
        eventually(lambda: taken(handle, "lost-disconnect"))
    contexts = eventually(lambda: [event["requestContext"] for event in function.events()], lambda got: len(got) == 3)
    ended = [context["connectionId"] for context in contexts if context["eventType"] == "DISCONNECT"]
    assert ended == names[1:]
