"""What traffic on sockets is billed, whoever made the API."""

from pathlib import Path

from websockets.sync.client import connect

from sandbox.client import RunningSandbox
from sandbox.handle import Handle, MeterHandle
from sandbox.meter.units import CONNECTION_MINUTES, LOG_BYTES, MESSAGES, TRANSFER_OUT, started_minutes
from tests.support.front import Turn, on_turnable
from tests.support.sandbox import REGION, Aws, Socket, eventually

ECHO = 'print("x")\nreturn {"statusCode": 200, "body": event["body"]}'
KEEP = 'print("x")\nrecord(event)\nreturn {"statusCode": 200}'
KIB = 1024


def messages(meter: MeterHandle, socket: Socket, cause: str = "*") -> float:
    """Billed messages of one stage."""
    return meter.total(MESSAGES, resource=f"{socket.api_id}/{socket.stage}", cause=cause)


def test_messages_are_billed_by_32_kb_both_ways(aws: Aws, meter: MeterHandle) -> None:
    """A message of 40 KB in two frames is two, and so is its reply; a ping and what it is answered are none."""
    socket = aws.web_socket({"$default": aws.function(ECHO)})
    with connect(socket.url, compression=None) as client:
        client.ping().wait()
        for text in ("small", "x" * 40 * KIB):
            client.send([text[: 20 * KIB], text[20 * KIB :]])
            assert client.recv() == text
    assert messages(meter, socket, "received") == 1 + 2
    assert messages(meter, socket, "replied") == 1 + 2
    assert messages(meter, socket) == 6


def test_posts_are_billed_by_32_kb(aws: Aws, meter: MeterHandle) -> None:
    """What is posted counts like what is replied, and so do its bytes; a post that reaches nobody is free."""
    function = aws.function(KEEP)
    socket = aws.web_socket({"$connect": function})
    management = aws.management(socket)
    with connect(socket.url, compression=None) as client:
        connection = function.events()[0]["requestContext"]["connectionId"]
        for size in (32 * KIB, 32 * KIB + 1):
            management.post_to_connection(ConnectionId=connection, Data=b"x" * size)
            client.recv()
        management.get_connection(ConnectionId=connection)
        client.close()
    eventually(lambda: gone(aws, socket, connection))
    assert messages(meter, socket, "posted") == messages(meter, socket) == 1 + 2
    assert meter.total(TRANSFER_OUT, resource=f"{socket.api_id}/*") == 64 * KIB + 1


def gone(aws: Aws, socket: Socket, connection: str) -> bool:
    """Whether a post finds nobody."""
    management = aws.management(socket)
    try:
        management.post_to_connection(ConnectionId=connection, Data=b"?")
    except management.exceptions.GoneException:
        return True
    return False


def test_what_the_api_says_itself_is_billed(aws: Aws, meter: MeterHandle) -> None:
    """A frame about a missing route goes to the client like any other."""
    socket = aws.web_socket({})
    with connect(socket.url, compression=None) as client:
        client.send("{}")
        assert "Forbidden" in str(client.recv())
    assert (messages(meter, socket, "received"), messages(meter, socket, "error")) == (1, 1)


def test_connections_are_billed_by_the_started_minute(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """An open connection counts until now, a closed one until its end, each minute that has begun."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws, meter = Aws(endpoint, tmp_path), Handle(endpoint).meter
        socket = aws.web_socket({})
        with connect(socket.url, compression=None):
            assert meter.total(CONNECTION_MINUTES) == 1
            turn(150)
            assert meter.total(CONNECTION_MINUTES) == 3
            meter.reset()
            assert meter.total(CONNECTION_MINUTES) == 1
        turn(600)
        assert meter.total(CONNECTION_MINUTES, resource=f"{socket.api_id}/{socket.stage}") == 1

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_minutes_begin_at_once() -> None:
    """A connection of no time has begun a minute; one of exactly two has not begun the third."""
    assert [started_minutes(seconds) for seconds in (0, 59, 60, 61, 120)] == [1, 1, 1, 2, 2]


def test_access_logs_are_billed_by_the_byte(aws: Aws, meter: MeterHandle) -> None:
    """The lines of a stage's access log are ingested like anybody's."""
    role = aws.role()
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
        '"Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
    )
    aws.iam.update_assume_role_policy(RoleName=role.rpartition("/")[2], PolicyDocument=trust)
    aws.client("apigateway").update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
    )
    socket = aws.web_socket({"$default": aws.function(ECHO)})
    group = f"access-{socket.api_id}"
    aws.client("logs").create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{REGION}:{aws.account}:log-group:{group}"
    log = {"DestinationArn": arn, "Format": "$context.requestId $context.routeKey"}
    aws.client("apigatewayv2").update_stage(ApiId=socket.api_id, StageName=socket.stage, AccessLogSettings=log)
    with connect(socket.url, compression=None) as client:
        client.send("{}")
        client.recv()
    counted = eventually(lambda: meter.total(LOG_BYTES, resource=group))
    [event] = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    assert event["message"].endswith(" $default")
    assert counted == len(event["message"])
