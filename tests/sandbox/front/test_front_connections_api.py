"""``@connections``: post, get, delete, and who may."""

import contextlib
import json
import socket as sockets
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.sandbox import REGION, Aws, Json, Socket, eventually

WHO = 'record(event)\nreturn {"statusCode": 200, "body": event["requestContext"]["connectionId"]}'
UNKNOWN = "AAAABBBBCCCCDDD="
POST_FROM_INSIDE = """
import boto3, botocore
context = event["requestContext"]
url = event.get("body") or event["queryStringParameters"]["url"]
client = boto3.client("apigatewaymanagementapi", endpoint_url=url, region_name="us-east-1")
try:
    client.post_to_connection(ConnectionId=context["connectionId"], Data=b"hello")
    outcome = "posted"
except botocore.exceptions.ClientError as error:
    outcome = error.response["Error"]["Code"]
record({"outcome": outcome})
return {"statusCode": 200, "body": outcome}
"""


@pytest.fixture
def socket(aws: Aws) -> Socket:
    """An API that tells each client its connection's id."""
    return aws.web_socket({"$default": aws.function(WHO)})


def own_id(client: ClientConnection) -> str:
    """The id of a connection, as its function sees it."""
    client.send("{}")
    return str(client.recv(timeout=20))


def status(error: pytest.ExceptionInfo[ClientError]) -> int:
    """HTTP status of a refused call."""
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_posts_reach_the_socket_that_they_name(aws: Aws, socket: Socket) -> None:
    """Two clients, each reads what was posted to it, in order, and nothing else."""
    management = aws.management(socket)
    with connect(socket.url) as one, connect(socket.url) as two:
        names = {own_id(one): one, own_id(two): two}
        for number in range(3):
            for name in names:
                management.post_to_connection(ConnectionId=name, Data=f"{name} {number}".encode())
        for name, client in names.items():
            assert [client.recv(timeout=20) for _ in range(3)] == [f"{name} {n}" for n in range(3)]


def test_post_to_a_closed_or_unknown_connection_is_gone(aws: Aws, socket: Socket) -> None:
    """410 for a connection that was closed, and for one that never was."""
    management = aws.management(socket)
    with connect(socket.url) as client:
        name = own_id(client)
    for gone in (name, UNKNOWN):
        with pytest.raises(management.exceptions.GoneException) as caught:
            management.post_to_connection(ConnectionId=gone, Data=b"x")
        assert status(caught) == 410


def test_post_through_another_stage_is_gone(aws: Aws, socket: Socket) -> None:
    """A connection belongs to its stage; through one that is not there, nobody may post at all."""
    aws.gateway.create_stage(ApiId=socket.api_id, StageName="other", AutoDeploy=True)
    with connect(socket.url) as client:
        name = own_id(client)
        for stage, expected in (("other", 410), ("nosuch", 403)):
            other = Socket(socket.api_id, stage, f"{socket.url.removesuffix(socket.stage)}{stage}")
            with pytest.raises(ClientError) as caught:
                aws.management(other).post_to_connection(ConnectionId=name, Data=b"x")
            assert status(caught) == expected


def test_post_of_bytes_that_are_no_text_is_mended(aws: Aws, socket: Socket) -> None:
    """Clients get text frames only: what is not UTF-8 is replaced, and the socket stays."""
    with connect(socket.url) as client:
        aws.management(socket).post_to_connection(ConnectionId=own_id(client), Data=b"a\xffb")
        assert client.recv(timeout=20) == "a\ufffdb"


def test_concurrent_posts_never_mix_their_bytes(aws: Aws, socket: Socket) -> None:
    """Posts from many threads at once arrive whole, each exactly once, in whatever order."""
    management = aws.management(socket)
    texts = [f"{number}:" + chr(97 + number) * 20_000 for number in range(24)]
    with connect(socket.url) as client, ThreadPoolExecutor(8) as pool:
        name = own_id(client)
        list(pool.map(lambda text: management.post_to_connection(ConnectionId=name, Data=text.encode()), texts))
        assert sorted(str(client.recv(timeout=20)) for _ in texts) == sorted(texts)


def test_posts_to_a_deleted_stage_or_api_are_forbidden(aws: Aws) -> None:
    """An open socket outlives its stage, but nobody reaches it: posts are forbidden, its messages, too."""
    first, second = (aws.web_socket({"$default": aws.function(WHO)}) for _ in range(2))
    with connect(first.url) as one, connect(second.url) as two:
        names = [own_id(one), own_id(two)]
        aws.gateway.delete_stage(ApiId=first.api_id, StageName=first.stage)
        aws.gateway.delete_api(ApiId=second.api_id)
        for client, socket, name in zip((one, two), (first, second), names, strict=True):
            with pytest.raises(ClientError) as caught:
                aws.management(socket).post_to_connection(ConnectionId=name, Data=b"x")
            assert status(caught) == 403
            client.send("{}")
            assert json.loads(client.recv(timeout=20))["message"] == "Forbidden"


def test_malformed_id_is_a_bad_request(aws: Aws, socket: Socket) -> None:
    """An id that API Gateway could not have made answers 400."""
    with pytest.raises(ClientError) as caught:
        aws.management(socket).post_to_connection(ConnectionId="nobody", Data=b"x")
    assert status(caught) == 400


def signed(method: str, url: str, body: bytes = b"") -> urllib.request.Request:
    """A request that root has signed by hand."""
    request = AWSRequest(method, url, data=body)
    SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(request)
    return urllib.request.Request(url, data=body, method=method, headers=dict(request.headers.items()))


@pytest.mark.parametrize("query", ["", "?trace=1"])
def test_requests_by_hand_reach_the_socket(socket: Socket, query: str) -> None:
    """The id percent-encoded or not, with a query or without: it is the same connection; a message may be empty."""
    with connect(socket.url) as client:
        name = own_id(client)
        for written in (name, quote(name, safe="")):
            url = f"{socket.management_url}/@connections/{written}{query}"
            with urllib.request.urlopen(signed("POST", url, b""), timeout=20) as answer:
                assert answer.status == 200
            assert client.recv(timeout=20) == ""


@contextlib.contextmanager
def silent_client(socket: Socket) -> Iterator[str]:
    """The id of the connection of a client that never answers a close."""
    address = urlsplit(socket.url)
    with sockets.create_connection((address.hostname, address.port), timeout=20) as raw:
        lines = [f"GET {address.path} HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
        raw.sendall("\r\n".join(lines).encode())
        reader = raw.makefile("rb")
        while reader.readline().strip():
            pass
        raw.sendall(b"\x81\x82" + bytes(4) + b"{}")
        yield reader.read(2 + len(UNKNOWN))[2:].decode()


def test_closing_twice_is_gone_the_second_time(aws: Aws, socket: Socket) -> None:
    """Whoever comes after the first DELETE, even before the client has answered the close, is told 410."""
    management = aws.management(socket)
    with silent_client(socket) as name:
        management.delete_connection(ConnectionId=name)
        for call in (management.delete_connection, management.get_connection):
            with pytest.raises(management.exceptions.GoneException):
                call(ConnectionId=name)


def test_post_above_128_kib_is_too_large(aws: Aws, socket: Socket) -> None:
    """128 KiB reach the client; one byte more answers 413 and the socket stays."""
    management = aws.management(socket)
    with connect(socket.url) as client:
        name = own_id(client)
        with pytest.raises(management.exceptions.PayloadTooLargeException) as caught:
            management.post_to_connection(ConnectionId=name, Data=b"x" * (128 * 1024 + 1))
        assert status(caught) == 413
        management.post_to_connection(ConnectionId=name, Data=b"x" * (128 * 1024))
        assert len(client.recv(timeout=20)) == 128 * 1024


def test_get_shows_times_and_identity(aws: Aws, socket: Socket) -> None:
    """boto3 reads the connection's times as dates."""
    with connect(socket.url, user_agent_header="tester") as client:
        shown = aws.management(socket).get_connection(ConnectionId=own_id(client))
    assert shown["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "tester"}
    assert timedelta(0) <= shown["LastActiveAt"] - shown["ConnectedAt"] < timedelta(minutes=1)
    assert abs(datetime.now(UTC) - shown["ConnectedAt"]) < timedelta(minutes=1)


def test_delete_closes_the_socket_and_says_goodbye(aws: Aws) -> None:
    """What was posted before still arrives; then the socket closes, $disconnect runs, and the connection is gone."""
    goodbye = aws.function("record(event)")
    socket = aws.web_socket({"$default": aws.function(WHO), "$disconnect": goodbye})
    management = aws.management(socket)
    with connect(socket.url) as client:
        name = own_id(client)
        management.post_to_connection(ConnectionId=name, Data=b"last")
        management.delete_connection(ConnectionId=name)
        assert client.recv(timeout=20) == "last"
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000
    context = eventually(goodbye.events)[0]["requestContext"]
    assert context["connectionId"] == name
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1000, "Connection Closed Normally")
    with pytest.raises(management.exceptions.GoneException):
        management.get_connection(ConnectionId=name)


def test_post_before_connect_has_returned_is_gone(aws: Aws) -> None:
    """A $connect function cannot post to the connection that it is about to accept."""
    function = aws.function(POST_FROM_INSIDE)
    socket = aws.web_socket({"$connect": function, "$default": function})
    with connect(f"{socket.url}?url={socket.management_url}") as client:
        client.send(socket.management_url)
        assert [client.recv(timeout=20), client.recv(timeout=20)] == ["hello", "posted"]
    assert [event["outcome"] for event in function.events()] == ["GoneException", "posted"]


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [("{api}/test/POST/@connections/*", "posted"), ("{api}/test/GET/@connections/*", "AccessDeniedException")],
)
def test_function_needs_manage_connections(aws: Aws, resource: str, outcome: str) -> None:
    """The role of the posting function decides, by API, stage and method; nothing arrives if it may not."""
    api = aws.gateway.create_api(Name="api", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    arn = "arn:aws:execute-api:us-east-1:000000000000:" + resource.format(api=api["ApiId"])
    statement = {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": arn}
    policy: Json = {"Version": "2012-10-17", "Statement": [statement]}
    aws.route(api["ApiId"], "$default", aws.function(POST_FROM_INSIDE, role=aws.role(policy)), replies=True)
    aws.gateway.create_stage(ApiId=api["ApiId"], StageName="test", AutoDeploy=True)
    url = f"{api['ApiEndpoint']}/test"
    with connect(url) as client:
        client.send(url.replace("ws://", "http://"))
        read = [client.recv(timeout=20) for _ in range(2 if outcome == "posted" else 1)]
    assert read[-1] == outcome
