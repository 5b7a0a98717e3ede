"""Mock integrations: what a client reads without any function."""

import json
from typing import Any, cast

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.sandbox import Aws, Json, Socket

VARIABLES = {"colour": "blue"}


def mock(aws: Aws, request: Json, *responses: Json, key: str = "$default") -> Socket:
    """A deployed API with one route, to a mock; responses are as boto3 takes them."""
    api = aws.gateway.create_api(Name="m", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    there: Any = {"ApiId": api["ApiId"]}
    made = aws.gateway.create_integration(**there, **cast("Any", {"IntegrationType": "MOCK", **request}))
    for response in responses:
        aws.gateway.create_integration_response(**there, IntegrationId=made["IntegrationId"], **cast("Any", response))
    reply: Any = {} if key.startswith("$connect") else {"RouteResponseSelectionExpression": "$default"}
    route = aws.gateway.create_route(**there, RouteKey=key, Target=f"integrations/{made['IntegrationId']}", **reply)
    if reply:
        aws.gateway.create_route_response(**there, RouteId=route["RouteId"], RouteResponseKey="$default")
    deployment = aws.gateway.create_deployment(**there)["DeploymentId"]
    aws.gateway.create_stage(**there, StageName="test", DeploymentId=deployment, StageVariables=VARIABLES)
    return Socket(api["ApiId"], "test", f"{api['ApiEndpoint']}/test")


def ask(socket: Socket, *texts: str) -> list[str]:
    """The answers to some messages on one socket."""
    with connect(socket.url) as client:
        answers = []
        for text in texts:
            client.send(text)
            answers.append(str(client.recv(timeout=20)))
    return answers


def told(answer: str) -> object:
    """The text of an error frame."""
    return json.loads(answer)["message"]


def test_templates_name_context_variables_and_payload(aws: Aws) -> None:
    """The request's is made of the message, the response's of the context and the status: a mock has no payload."""
    response = {
        "IntegrationResponseKey": "/2\\d\\d/",
        "ResponseTemplates": {
            "$default": '{"api": "$context.apiId", "ip": "$context.identity.sourceIp", "colour": '
            '"$stageVariables.colour", "status": $context.status, "payload": $input.body, "no": "#abc costs $5"}'
        },
    }
    socket = mock(aws, {"RequestTemplates": {"$default": "{\"statusCode\": $input.json('$.wanted[0]')}"}}, response)
    [answer] = ask(socket, '{"wanted": [201]}')
    assert json.loads(answer) == {
        "api": socket.api_id,
        "ip": "127.0.0.1",
        "colour": "blue",
        "status": 201,
        "payload": {},
        "no": "#abc costs $5",
    }


def test_message_and_status_choose_templates(aws: Aws) -> None:
    """The request's by a path in the message, else ``$default``; the response's by the status, too."""
    request = {
        "TemplateSelectionExpression": "$request.body.kind",
        "RequestTemplates": {"odd": '{"statusCode": 404}', "$default": '{"statusCode": 200}'},
    }
    response = {
        "IntegrationResponseKey": "$default",
        "TemplateSelectionExpression": "${integration.response.statuscode}-${request.body.kind}",
        "ResponseTemplates": {"404-odd": "odd", "$default": "any"},
    }
    assert ask(mock(aws, request, response), '{"kind": "odd"}', '{"kind": "even"}', "no json") == ["odd", "any", "any"]
    plain = {"IntegrationResponseKey": "$default", "ResponseTemplates": {"404": "odd", "$default": "any"}}
    assert ask(mock(aws, request, plain), '{"kind": "odd"}', '{"kind": "even"}') == ["odd", "any"]


@pytest.mark.parametrize(
    ("request_", "passes"),
    [
        ({}, True),
        ({"PassthroughBehavior": "WHEN_NO_TEMPLATES"}, True),
        ({"PassthroughBehavior": "WHEN_NO_TEMPLATES", "RequestTemplates": {"other": '{"statusCode": 200}'}}, False),
        ({"PassthroughBehavior": "NEVER"}, False),
    ],
)
def test_message_without_a_template_is_passed_through(aws: Aws, request_: Json, *, passes: bool) -> None:
    """Unless the integration says otherwise; a mock takes it for its request."""
    response = {"IntegrationResponseKey": "/200/", "ResponseTemplates": {"$default": "passed"}}
    answer, other = ask(mock(aws, request_, response), '{"statusCode": 200}', "{}")
    assert (answer if passes else told(answer)) == ("passed" if passes else "Internal server error")
    assert told(other) == "Internal server error"


@pytest.mark.parametrize("status", ["true", "101", "600", '"200"', "null"])
def test_status_that_is_none_fails_a_mock(aws: Aws, status: str) -> None:
    """As it fails a function's answer."""
    socket = mock(aws, {"RequestTemplates": {"$default": f'{{"statusCode": {status}}}'}})
    assert told(ask(socket, "{}")[0]) == "Internal server error"


@pytest.mark.parametrize("status", [401, 302])
def test_mock_refuses_handshakes(aws: Aws, status: int) -> None:
    """A $connect route needs no function either."""
    socket = mock(aws, {"RequestTemplates": {"$default": f'{{"statusCode": {status}}}'}}, key="$connect")
    with pytest.raises(InvalidStatus) as caught, connect(socket.url):
        pass
    assert caught.value.response.status_code == status
