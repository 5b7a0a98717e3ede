"""The API, its routes and its stage."""

import json
from pathlib import Path

import pulumi
import pytest

from infra.archives import Archive
from infra.function import LambdaFunction, LambdaFunctionArgs
from infra.grants import policy
from infra.websocket_api import WebSocketApi, WebSocketApiArgs, WebSocketStage, WebSocketStageArgs
from tests.infra.recording import Recording, deploy, resolve


def api() -> WebSocketApi:
    """An API with stage ``dev``."""
    return WebSocketApi("api", WebSocketApiArgs(api_name="my-api", stage="dev"))


def stage(*keys: str) -> Recording:
    """A stage with these routes to one function."""

    def program() -> None:
        args = LambdaFunctionArgs(
            function_name="my-f",
            handler="m.handle",
            archive=Archive(Path("f.zip"), "0"),
            memory_mb=128,
            timeout_seconds=1,
            log_retention_days=1,
            environment={},
            grants=(),
        )
        function = LambdaFunction("f", args)
        routes = dict.fromkeys(keys, function)
        WebSocketStage("ws", WebSocketStageArgs(api=api(), routes=routes, messages_per_second=20, message_burst=10))

    return deploy(program)


def test_api_selects_routes_by_action() -> None:
    """Messages are routed by their ``action``."""
    assert deploy(api).one("api-api").inputs == {
        "name": "my-api",
        "protocolType": "WEBSOCKET",
        "routeSelectionExpression": "$request.body.action",
    }


def test_addresses_come_from_the_api() -> None:
    """Clients get wss, functions https, both with the stage; none of it waits for the stage itself."""
    both = resolve(lambda: pulumi.Output.all(api().wss_endpoint, api().management_endpoint))

    assert both == [
        "wss://abc.execute-api.eu-west-1.amazonaws.com/dev",
        "https://abc.execute-api.eu-west-1.amazonaws.com/dev",
    ]


def test_posting_is_granted_on_the_stage() -> None:
    """Any connection, but of this stage only, and only posting."""
    assert json.loads(resolve(lambda: policy([api().grant_post()])))["Statement"] == [
        {
            "Sid": "Post",
            "Effect": "Allow",
            "Action": ["execute-api:ManageConnections"],
            "Resource": ["execute:abc/dev/POST/@connections/*"],
        }
    ]


def test_route_leads_to_the_alias() -> None:
    """Route, integration and permission name the alias, each route its own source."""
    made = stage("$connect", "todos")

    assert made.one("ws-connect-integration").inputs == {
        "apiId": "api-api-id",
        "integrationType": "AWS_PROXY",
        "integrationUri": "invoke:my-f:live",
        "integrationMethod": "POST",
        "timeoutMilliseconds": 29000,
    }
    assert made.one("ws-connect-route").inputs == {
        "apiId": "api-api-id",
        "routeKey": "$connect",
        "target": "integrations/ws-connect-integration-id",
    }
    assert made.one("ws-todos-permission").inputs == {
        "action": "lambda:InvokeFunction",
        "principal": "apigateway.amazonaws.com",
        "function": "my-f",
        "qualifier": "live",
        "sourceArn": "execute:abc/dev/todos",
    }


@pytest.mark.parametrize(
    ("key", "answers"), [("$connect", False), ("$disconnect", False), ("$default", True), ("todos", True)]
)
def test_messages_are_answered(key: str, answers: bool) -> None:
    """A route with messages declares a response, without which API Gateway drops the answer."""
    made = stage(key)
    name = key.removeprefix("$")

    expression = made.one(f"ws-{name}-route").inputs.get("routeResponseSelectionExpression")
    responses = [one.inputs for one in made.resources if one.type == "aws:apigatewayv2/routeResponse:RouteResponse"]

    assert expression == ("$default" if answers else None)
    expected = {"apiId": "api-api-id", "routeId": f"ws-{name}-route-id", "routeResponseKey": "$default"}
    assert responses == ([expected] if answers else [])


def test_deployment_waits_for_all_of_it() -> None:
    """A snapshot that is taken too early lacks routes."""
    made = stage("$connect", "$default")

    assert made.one("ws-deployment").depends_on >= {
        "ws-connect-integration",
        "ws-connect-route",
        "ws-default-integration",
        "ws-default-route",
        "ws-default-response",
    }


def test_other_routes_make_another_deployment() -> None:
    """Routes that are not in the deployment do not exist for clients."""

    def trigger(*keys: str) -> object:
        [digest] = stage(*keys).one("ws-deployment").inputs["triggers"].values()
        return digest

    assert trigger("$connect") == trigger("$connect")
    assert trigger("$connect") != trigger("$connect", "$default")


def test_stage_has_both_limits() -> None:
    """One limit alone would send 0 for the other."""
    made = stage("$connect", "$default").one("ws-stage")

    assert made.inputs == {
        "apiId": "api-api-id",
        "name": "dev",
        "deploymentId": "ws-deployment-id",
        "defaultRouteSettings": {"throttlingRateLimit": 20, "throttlingBurstLimit": 10},
    }
    assert made.depends_on >= {"ws-connect-permission", "ws-default-permission"}
