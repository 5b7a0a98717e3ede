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
        management.post_to_connection(ConnectionId=name, Data=b"meanwhile")
        assert not hanging.done()
        handle.clock.advance(101)
        hanging.result(20)
        assert [client.recv(timeout=20) for _ in range(2)] == ["meanwhile", "late"]


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
    """The lost goodbye is counted; the next sockets' come."""
    here, gone = aws.function(HERE), aws.function("record(event)")
    socket = aws.web_socket({"$default": here, "$disconnect": gone})
    handle.faults.set("lost-disconnect", count=1, api=socket.api_id)

    def ended() -> list[str]:
        return [event["requestContext"]["connectionId"] for event in gone.events()]

    names: list[str] = []
    for _ in range(3):
        with connect(socket.url) as client:
            names.append(own_id(client))
        eventually(lambda: taken(handle, "lost-disconnect"))
        eventually(ended, lambda got: names[1:] == [name for name in got if name in names[1:]])
    handle.clock.advance(1)  # waits for what still runs: a goodbye that was not lost could be the slowest
    assert ended() == names[1:]


def test_a_slow_client_gets_its_messages_late_and_in_order(aws: Aws, socket: Socket, handle: Handle) -> None:
    """Posts are accepted at once; each takes the client its time on the clock, and another socket is not held up."""
    management = aws.management(socket)
    with connect(socket.url) as slow, connect(socket.url) as quick:
        name, other = own_id(slow), own_id(quick)
        handle.faults.set("slow-client", connection=name, seconds=100)
        for text in (b"first", b"second"):
            management.post_to_connection(ConnectionId=name, Data=text)
        management.post_to_connection(ConnectionId=other, Data=b"at once")
        assert quick.recv(timeout=20) == "at once"
        handle.clock.advance(70)
        slow.send("{}")
        eventually(lambda: taken(handle, "slow-client") == 3)  # the reply has to wait, too
        assert nothing_comes(slow)
        handle.clock.advance(40)
        assert slow.recv(timeout=20) == "first"
        assert nothing_comes(slow)
        handle.clock.advance(200)
        assert [slow.recv(timeout=20), slow.recv(timeout=20)] == ["second", name]


def nothing_comes(client: ClientConnection) -> bool:
    """Whether a client has nothing to read."""
    try:
        client.recv(timeout=0.2)
    except TimeoutError:
        return True
    return False


def test_a_slow_client_has_a_buffer_that_ends(aws: Aws, socket: Socket, handle: Handle) -> None:
    """What waits counts: 429 when it is full, and room again when the client has read."""
    management = aws.management(socket)
    text = b"x" * 128 * 1024
    with connect(socket.url) as client:
        name = own_id(client)
        handle.faults.set("slow-client", connection=name, seconds=100)
        for _ in range(3):
            management.post_to_connection(ConnectionId=name, Data=text)
        with pytest.raises(management.exceptions.LimitExceededException):
            management.post_to_connection(ConnectionId=name, Data=text)
        handle.clock.advance(101)
        assert client.recv(timeout=20) == text.decode()
        management.post_to_connection(ConnectionId=name, Data=text)


def test_a_slow_client_reads_the_end_behind_its_messages(aws: Aws, handle: Handle) -> None:
    """A deleted connection is gone for callers at once; its client reads what was taken for it, then the goodbye."""
    function = aws.function(HERE)
    socket = aws.web_socket({"$default": function, "$disconnect": function})
    management = aws.management(socket)
    with connect(socket.url) as client:
        name = own_id(client)
        handle.faults.set("slow-client", connection=name, seconds=100)
        management.post_to_connection(ConnectionId=name, Data=b"last")
        management.delete_connection(ConnectionId=name)
        with pytest.raises(management.exceptions.GoneException):
            management.post_to_connection(ConnectionId=name, Data=b"too late")
        eventually(function.events, lambda events: len(events) == 2)
        assert nothing_comes(client)
        handle.clock.advance(101)
        assert client.recv(timeout=20) == "last"
        with pytest.raises(ConnectionClosed) as caught:
            client.recv(timeout=20)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1000


def test_a_slow_client_can_leave(aws: Aws, handle: Handle) -> None:
    """A client that breaks off while messages wait for it says goodbye like any other."""
    function = aws.function(HERE)
    socket = aws.web_socket({"$default": function, "$disconnect": function})
    with connect(socket.url, close_timeout=0.1) as client:
        name = own_id(client)
        handle.faults.set("slow-client", connection=name, seconds=10**6)
        aws.management(socket).post_to_connection(ConnectionId=name, Data=b"never read")
    _, goodbye = eventually(function.events, lambda events: len(events) == 2)
    assert goodbye["requestContext"]["disconnectStatusCode"] == 1000
