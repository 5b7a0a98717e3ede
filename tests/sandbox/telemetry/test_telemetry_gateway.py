"""AWS/ApiGateway: what happens on sockets."""

import json

from websockets.sync.client import connect

from sandbox.clock import Clock
from tests.support.metrics import values
from tests.support.sandbox import Aws, Json, eventually

WORKS = 'print("x")\nreturn 1'
FAILS = 'print("x")\nraise ValueError("no")'


def test_sockets_are_counted(aws: Aws) -> None:
    """Handshakes, messages both ways, failed integrations and their latency, by API and by stage."""
    fine, bad = aws.function('print("x")\nreturn {"statusCode": 200, "body": "b"}'), aws.function(FAILS)
    socket = aws.web_socket({"$connect": fine, "$default": fine, "fail": bad})
    with connect(socket.url) as client:
        for text in ("{}", "{}", '{"action": "fail"}'):
            client.send(text)
            client.recv(timeout=20)
    for dimensions in ({"ApiId": socket.api_id}, {"ApiId": socket.api_id, "Stage": socket.stage}):

        def count(name: str, statistic: str = "Sum", where: Json = dimensions) -> float:
            return values(aws, Clock(), name, statistic, where, "AWS/ApiGateway")

        assert (count("ConnectCount"), count("MessageCount")) == (1, 5)
        assert (count("IntegrationError"), count("ExecutionError"), count("ClientError")) == (1, 1, 0)
        assert count("IntegrationLatency", "SampleCount") == 4


def test_posts_are_messages(aws: Aws) -> None:
    """What somebody posts to a client counts like what a client sends; an error that the API tells does not."""
    echo = aws.function('print("x")\nreturn {"statusCode": 200, "body": event["requestContext"]["connectionId"]}')
    socket = aws.web_socket({"known": echo})
    with connect(socket.url) as client:
        client.send('{"action": "known"}')
        connection = str(client.recv(timeout=20))
        aws.management(socket).post_to_connection(ConnectionId=connection, Data=b"hello")
        assert client.recv(timeout=20) == "hello"
        client.send('{"action": "unknown"}')
        client.recv(timeout=20)
    assert values(aws, Clock(), "MessageCount", "Sum", {"ApiId": socket.api_id}, "AWS/ApiGateway") == 4


def test_an_answer_of_the_api_itself_has_no_latency(aws: Aws) -> None:
    """A mock integration is no errand; its message counts all the same."""
    api = aws.gateway.create_api(Name="api", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    integration = aws.gateway.create_integration(
        ApiId=api["ApiId"], IntegrationType="MOCK", RequestTemplates={"200": '{"statusCode": 200}'}
    )
    target = f"integrations/{integration['IntegrationId']}"
    aws.gateway.create_route(ApiId=api["ApiId"], RouteKey="ping", Target=target)
    aws.gateway.create_stage(ApiId=api["ApiId"], StageName="test", AutoDeploy=True)
    where = {"ApiId": api["ApiId"]}
    with connect(f"{api['ApiEndpoint']}/test") as client:
        client.send('{"action": "ping"}')
        eventually(lambda: values(aws, Clock(), "ExecutionError", "SampleCount", where, "AWS/ApiGateway"))
    assert values(aws, Clock(), "MessageCount", "Sum", where, "AWS/ApiGateway") == 1
    assert values(aws, Clock(), "IntegrationLatency", "SampleCount", where, "AWS/ApiGateway") == 0


def test_routes_have_metrics_where_the_stage_wants_them(aws: Aws) -> None:
    """Those of its default settings, but for a route that has settings of its own; what leads nowhere has no route."""
    fine = aws.function('print("x")\nreturn {"statusCode": 200, "body": "b"}')
    socket = aws.web_socket({"$connect": fine, "$default": fine, "loud": fine, "quiet": fine})
    aws.gateway.update_stage(
        ApiId=socket.api_id,
        StageName=socket.stage,
        DefaultRouteSettings={"DetailedMetricsEnabled": True},
        RouteSettings={"quiet": {"DetailedMetricsEnabled": False}},
    )
    with connect(socket.url) as client:
        for action in ("loud", "quiet", "loud"):
            client.send(json.dumps({"action": action}))
            client.recv(timeout=20)

    def count(route: str, name: str, statistic: str = "Sum") -> float:
        where = {"ApiId": socket.api_id, "Stage": socket.stage, "Route": route}
        return values(aws, Clock(), name, statistic, where, "AWS/ApiGateway")

    assert [count(route, "MessageCount") for route in ("loud", "quiet", "$connect")] == [4, 0, 0]
    assert [count(route, "ConnectCount") for route in ("$connect", "loud")] == [1, 0]
    assert [count(route, "IntegrationLatency", "SampleCount") for route in ("$connect", "loud", "quiet")] == [1, 2, 0]


def test_messages_that_go_nowhere_are_errors_of_the_client(aws: Aws) -> None:
    """A message without a route reaches no integration."""
    socket = aws.web_socket({"known": aws.function(WORKS)})
    with connect(socket.url) as client:
        client.send('{"action": "unknown"}')
        client.recv(timeout=20)
    where = {"ApiId": socket.api_id}
    assert values(aws, Clock(), "ClientError", "Sum", where, "AWS/ApiGateway") == 1
    assert values(aws, Clock(), "IntegrationError", "Sum", where, "AWS/ApiGateway") == 0
