"""The API, its routes and its stage."""

import json

import pulumi
import pytest

from infra.access_logs import AccessLogs, AccessLogsArgs, AccountLogRole, AccountLogRoleArgs
from infra.grants import policy
from infra.websocket_api import Target, WebSocketApi, WebSocketApiArgs, WebSocketStage, WebSocketStageArgs
from tests.infra.project import small_function
from tests.infra.recording import Recording, deploy, resolve


def api() -> WebSocketApi:
    """An API with stage ``dev``."""
    return WebSocketApi("api", WebSocketApiArgs(api_name="my-api", stage="dev"))


def stage(*keys: str, function: str = "f") -> Recording:
    """A stage with these routes to one function."""

    def program() -> None:
        routes = dict.fromkeys(keys, small_function(function))
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
    assert made.one("ws-action-todos-permission").inputs == {
        "action": "lambda:InvokeFunction",
        "principal": "apigateway.amazonaws.com",
        "function": "my-f",
        "qualifier": "live",
        "sourceArn": "execute:abc/dev/todos",
    }


@pytest.mark.parametrize(
    ("key", "name", "answers"),
    [
        ("$connect", "connect", False),
        ("$disconnect", "disconnect", False),
        ("$default", "default", True),
        ("default", "action-default", True),
    ],
)
def test_messages_are_answered(key: str, name: str, answers: bool) -> None:
    """A route with messages declares a response, without which API Gateway drops the answer."""
    made = stage(key)

    expression = made.one(f"ws-{name}-route").inputs.get("routeResponseSelectionExpression")
    responses = [one.inputs for one in made.resources if one.type == "aws:apigatewayv2/routeResponse:RouteResponse"]

    assert expression == ("$default" if answers else None)
    expected = {"apiId": "api-api-id", "routeId": f"ws-{name}-route-id", "routeResponseKey": "$default"}
    assert [one for one in responses if one["routeId"] != "ws-ping-route-id"] == ([expected] if answers else [])


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


def test_ping_is_answered_without_a_function() -> None:
    """API Gateway answers by itself, so that a browser learns whether anybody is there; templates are named twice."""
    made = stage("$connect")

    assert made.one("ws-ping-integration").inputs == {
        "apiId": "api-api-id",
        "integrationType": "MOCK",
        "requestTemplates": {"200": '{"statusCode": 200}'},
        "templateSelectionExpression": "200",
    }
    assert made.one("ws-ping-route").inputs == {
        "apiId": "api-api-id",
        "routeKey": "ping",
        "target": "integrations/ws-ping-integration-id",
        "routeResponseSelectionExpression": "$default",
    }
    assert made.one("ws-ping-answer").inputs == {
        "apiId": "api-api-id",
        "integrationId": "ws-ping-integration-id",
        "integrationResponseKey": "$default",
        "responseTemplates": {"200": '{"type":"pong"}'},
        "templateSelectionExpression": "200",
    }
    assert made.one("ws-deployment").depends_on >= {"ws-ping-answer", "ws-ping-response"}
    assert sorted(one.name for one in made.resources if one.name.startswith("ws-ping")) == [
        "ws-ping-answer",
        "ws-ping-integration",
        "ws-ping-response",
        "ws-ping-route",
    ]


def trigger(*keys: str, function: str = "f") -> object:
    """What decides whether a new deployment is made."""
    [digest] = stage(*keys, function=function).one("ws-deployment").inputs["triggers"].values()
    return digest


def test_other_routes_make_another_deployment() -> None:
    """Routes that are not in the deployment do not exist for clients."""
    assert trigger("$connect") == trigger("$connect")
    assert trigger("$connect") != trigger("$connect", "$default")
    assert trigger("$connect") != trigger("$connect", function="g")


def test_templates_are_part_of_a_route() -> None:
    """What a route answers by itself counts for the deployment like what it leads to."""
    one = Target(type="MOCK", templates={"200": '{"statusCode": 200}'}, selection="200")
    other = Target(type="MOCK", templates={"200": '{"statusCode": 204}'}, selection="200")

    assert one.parts != other.parts
    assert one.parts != Target(type="MOCK", templates={"200": '{"statusCode": 200}'}, selection="204").parts


def logged_stage(*, own_role: bool) -> Recording:
    """A stage with an access log."""

    def program() -> None:
        role = AccountLogRole("account", AccountLogRoleArgs(role_name="my-logs")) if own_role else None
        logs = AccessLogs("logs", AccessLogsArgs(log_group="/aws/apigateway/my-api", retention_days=3, role=role))
        routes = {"$default": small_function()}
        args = WebSocketStageArgs(api=api(), routes=routes, messages_per_second=20, message_burst=10, access_logs=logs)
        WebSocketStage("ws", args)

    return deploy(program)


def test_access_log_is_one_line_of_json() -> None:
    """It names the request, as API Gateway demands, and no content, addresses or headers."""
    made = logged_stage(own_role=False)

    settings = made.one("ws-stage").inputs["accessLogSettings"]
    assert settings["destinationArn"] == "arn:/aws/apigateway/my-api"
    assert made.one("logs-group").inputs == {"name": "/aws/apigateway/my-api", "retentionInDays": 3}
    assert "\n" not in settings["format"]
    assert json.loads(settings["format"]) == {
        "requestId": "$context.requestId",
        "requestTime": "$context.requestTime",
        "connectionId": "$context.connectionId",
        "eventType": "$context.eventType",
        "routeKey": "$context.routeKey",
        "messageId": "$context.messageId",
        "status": "$context.status",
        "integration.status": "$context.integration.status",
        "integrationLatency": "$context.integrationLatency",
        "error.message": "$context.error.message",
    }


def test_accounts_log_role_comes_before_the_stage() -> None:
    """Else API Gateway refuses a stage with an access log."""
    made = logged_stage(own_role=True)

    assert "account-account" in made.one("ws-stage").depends_on
    assert made.one("account-account").depends_on >= {"account-writer"}
    assert made.one("account-account").inputs == {"cloudwatchRoleArn": "arn:my-logs"}
    assert made.one("account-writer").inputs == {
        "role": "my-logs",
        "policyArn": "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    }
    assert json.loads(made.one("account-role").inputs["assumeRolePolicy"])["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]


def test_accounts_log_role_is_left_alone() -> None:
    """A stack that does not own it neither makes nor sets it."""
    made = logged_stage(own_role=False)

    assert not [one.name for one in made.resources if "apigateway/account" in one.type or "my-logs" in one.name]


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
