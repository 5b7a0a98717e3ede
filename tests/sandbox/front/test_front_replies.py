"""Messages to integrations, and what the client reads back."""

import json
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.sandbox import Aws, eventually

ECHO = 'record(event)\nreturn {"statusCode": 200, "body": event.get("body")}'
BARRIER = """
import pathlib
body = json.loads(event["body"])
flag = pathlib.Path(os.environ["FLAG"])
print("message")
if body["wait"]:
    while not flag.exists():
        time.sleep(0.01)
else:
    flag.touch()
return {"statusCode": 200, "body": event["body"]}
"""


def test_reply_reaches_the_client_of_a_two_way_route(aws: Aws) -> None:
    """With a route response, the function's body is the answer."""
    socket = aws.web_socket({"$default": aws.function(ECHO)})
    with connect(socket.url) as client:
        client.send('{"hello": 1}')
        assert client.recv(timeout=20) == '{"hello": 1}'


def test_reply_is_dropped_on_a_one_way_route(aws: Aws) -> None:
    """Without a route response the body goes nowhere, however often the function returns one."""
    one_way, two_way = aws.function(ECHO), aws.function(ECHO)
    socket = aws.web_socket({"$default": one_way}, replies=False)
    aws.route(socket.api_id, "answer", two_way, replies=True)
    deployment = aws.gateway.create_deployment(ApiId=socket.api_id)["DeploymentId"]
    aws.gateway.update_stage(ApiId=socket.api_id, StageName=socket.stage, DeploymentId=deployment)
    with connect(socket.url) as client:
        client.send('{"silent": true}')
        eventually(one_way.events)
        client.send('{"action": "answer"}')
        assert client.recv(timeout=20) == '{"action": "answer"}'


def test_connect_and_disconnect_may_have_route_responses(aws: Aws) -> None:
    """They are taken, and answer nobody: what the client reads first is the answer to its message."""
    function = aws.function('print(1)\nreturn {"statusCode": 200, "body": event["requestContext"]["eventType"]}')
    socket = aws.web_socket({"$connect": function, "$disconnect": function, "$default": function}, auto_deploy=True)
    routes = {route["RouteKey"]: route["RouteId"] for route in aws.gateway.get_routes(ApiId=socket.api_id)["Items"]}
    for key in ("$connect", "$disconnect"):
        there: Any = {"ApiId": socket.api_id, "RouteId": routes[key]}
        aws.gateway.update_route(**there, RouteResponseSelectionExpression="$default")
        aws.gateway.create_route_response(**there, RouteResponseKey="$default")
    with connect(socket.url) as client:
        client.send("{}")
        assert client.recv(timeout=20) == "MESSAGE"


def test_function_may_be_named_by_its_arn_alone(aws: Aws) -> None:
    """As the URI of the integration."""
    function = aws.function(ECHO)
    socket = aws.web_socket({"$default": function}, auto_deploy=True)
    [integration] = aws.gateway.get_integrations(ApiId=socket.api_id)["Items"]
    aws.gateway.update_integration(
        ApiId=socket.api_id, IntegrationId=integration["IntegrationId"], IntegrationUri=function.arn
    )
    with connect(socket.url) as client:
        client.send("{}")
        assert client.recv(timeout=20) == "{}"


def test_selection_expression_alone_makes_no_two_way_route(aws: Aws) -> None:
    """The route names a response, but there is none: the reply is dropped."""
    function = aws.function(ECHO)
    socket = aws.web_socket({"$default": function, "answer": function}, auto_deploy=True)
    routes = {route["RouteKey"]: route["RouteId"] for route in aws.gateway.get_routes(ApiId=socket.api_id)["Items"]}
    response = aws.gateway.get_route_responses(ApiId=socket.api_id, RouteId=routes["$default"])["Items"][0]
    aws.gateway.delete_route_response(
        ApiId=socket.api_id, RouteId=routes["$default"], RouteResponseId=response["RouteResponseId"]
    )
    with connect(socket.url) as client:
        client.send('{"silent": true}')
        eventually(function.events)
        client.send('{"action": "answer"}')
        assert client.recv(timeout=20) == '{"action": "answer"}'


@pytest.mark.parametrize(
    "body",
    ['raise ValueError("secret")', "return None", 'return "text"', 'return {"body": "no status"}'],
    ids=["raises", "nothing", "text", "no-status"],
)
def test_failing_integration_gives_awss_error_frame(aws: Aws, body: str) -> None:
    """A function that raises, or returns what is no proxy answer, shows as AWS's frame without its text."""
    socket = aws.web_socket({"$default": aws.function(f"print('called')\n{body}")})
    with connect(socket.url) as client:
        client.send("{}")
        frame = json.loads(client.recv(timeout=20))
        client.send("{}")
        again = json.loads(client.recv(timeout=20))
    assert frame["message"] == "Internal server error"
    assert sorted(frame) == ["connectionId", "message", "requestId"]
    assert again["connectionId"] == frame["connectionId"]


def test_function_is_invoked_by_post_only(aws: Aws) -> None:
    """An integration with another method can be made, and fails at each message."""
    function = aws.function(ECHO)
    socket = aws.web_socket({"$default": function}, auto_deploy=True)
    [integration] = aws.gateway.get_integrations(ApiId=socket.api_id)["Items"]
    aws.gateway.update_integration(
        ApiId=socket.api_id, IntegrationId=integration["IntegrationId"], IntegrationMethod="GET"
    )
    with connect(socket.url) as client:
        client.send("{}")
        assert json.loads(client.recv(timeout=20))["message"] == "Internal server error"
    assert function.events() == []


def test_late_integration_is_told_as_timed_out(aws: Aws) -> None:
    """An integration that takes longer than its timeout is given up; the socket stays."""
    function = aws.function('record(event)\ntime.sleep(20)\nreturn {"statusCode": 200}')
    socket = aws.web_socket({"$default": function}, auto_deploy=True)
    integration = aws.gateway.get_integrations(ApiId=socket.api_id)["Items"][0]["IntegrationId"]
    aws.gateway.update_integration(ApiId=socket.api_id, IntegrationId=integration, TimeoutInMillis=100)
    with connect(socket.url) as client:
        client.send("{}")
        assert json.loads(client.recv(timeout=20))["message"] == "Endpoint request timed out"
        assert client.ping().wait(timeout=20)


def test_message_without_a_route_is_forbidden(aws: Aws) -> None:
    """Neither a matching route nor $default: the Forbidden frame."""
    socket = aws.web_socket({"known": aws.function(ECHO)})
    with connect(socket.url) as client:
        client.send('{"action": "unknown"}')
        assert json.loads(client.recv(timeout=20))["message"] == "Forbidden"
        client.send('{"action": "known"}')
        assert client.recv(timeout=20) == '{"action": "known"}'


def test_messages_of_one_socket_run_concurrently(aws: Aws) -> None:
    """The first message waits for the second one to run: only possible side by side; the answers come in any order."""
    socket = aws.web_socket({"$default": aws.function(BARRIER)})
    with connect(socket.url) as client:
        client.send('{"wait": true}')
        client.send('{"wait": false}')
        assert {_wait(client), _wait(client)} == {False, True}


def test_mock_integration_answers_by_template(aws: Aws) -> None:
    """A mock route answers from its templates, without any function."""
    socket = aws.web_socket({}, auto_deploy=True)
    integration = aws.gateway.create_integration(
        ApiId=socket.api_id,
        IntegrationType="MOCK",
        RequestTemplates={"200": '{"statusCode": 200}', "500": '{"statusCode": 500}'},
        TemplateSelectionExpression="200",
    )["IntegrationId"]
    shown = aws.gateway.get_integration(ApiId=socket.api_id, IntegrationId=integration)
    assert shown["TemplateSelectionExpression"] == "200"
    aws.gateway.create_integration_response(
        ApiId=socket.api_id,
        IntegrationId=integration,
        IntegrationResponseKey="/200/",
        ResponseTemplates={"pong": '{"type": "pong"}'},
        TemplateSelectionExpression="pong",
    )
    target = f"integrations/{integration}"
    route = aws.gateway.create_route(
        ApiId=socket.api_id, RouteKey="ping", Target=target, RouteResponseSelectionExpression="$default"
    )["RouteId"]
    aws.gateway.create_route_response(ApiId=socket.api_id, RouteId=route, RouteResponseKey="$default")
    with connect(socket.url) as client:
        client.send('{"action": "ping"}')
        assert json.loads(client.recv(timeout=20)) == {"type": "pong"}
        aws.gateway.update_integration(
            ApiId=socket.api_id, IntegrationId=integration, TemplateSelectionExpression="404"
        )
        client.send('{"action": "ping"}')
        assert json.loads(client.recv(timeout=20))["message"] == "Internal server error"


def test_client_cannot_name_connect_or_disconnect(aws: Aws) -> None:
    """A message whose action is one of API Gateway's own routes goes to $default."""
    guard, function = aws.function(ECHO), aws.function(ECHO)
    socket = aws.web_socket({"$connect": guard, "$disconnect": guard, "$default": function})
    with connect(socket.url) as client:
        for action in ("$connect", "$disconnect"):
            client.send(json.dumps({"action": action}))
            assert json.loads(client.recv(timeout=20)) == {"action": action}
        assert [event["requestContext"]["eventType"] for event in guard.events()] == ["CONNECT"]
    assert {event["requestContext"]["routeKey"] for event in function.events()} == {"$default"}


def test_stage_variable_chooses_the_function(aws: Aws) -> None:
    """An integration's URI may name a stage variable; it counts as it is now, without a deployment."""
    first, second = aws.function('print(1)\nreturn {"statusCode": 200, "body": "first"}'), aws.function(ECHO)
    socket = aws.web_socket({"$default": first}, auto_deploy=True)
    [integration] = aws.gateway.get_integrations(ApiId=socket.api_id)["Items"]
    uri = integration["IntegrationUri"].replace(first.name, "${stageVariables.function}")
    aws.gateway.update_integration(ApiId=socket.api_id, IntegrationId=integration["IntegrationId"], IntegrationUri=uri)
    answers = []
    with connect(socket.url) as client:
        for variables in ({"function": first.name}, {"function": second.name}, {"other": "x"}):
            aws.gateway.update_stage(ApiId=socket.api_id, StageName=socket.stage, StageVariables=variables)
            client.send('{"n": 1}')
            answers.append(str(client.recv(timeout=20)))
    assert answers[:2] == ["first", '{"n": 1}']
    assert json.loads(answers[2])["message"] == "Internal server error"


def _wait(client: ClientConnection) -> object:
    return json.loads(client.recv(timeout=20))["wait"]
