"""What API Gateway refuses when an API is made: the mistakes that an emulator would let pass."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import REGION, Aws, Function, Socket

ANSWER = 'print(1)\nreturn {"statusCode": 200}'
LOG_GROUP = f"arn:aws:logs:{REGION}:000000000000:log-group:access"
LINE = '{"id": "$context.requestId"}'


@pytest.fixture
def function(aws: Aws) -> Function:
    """A function for routes."""
    return aws.function(ANSWER)


@pytest.fixture
def socket(aws: Aws, function: Function) -> Socket:
    """A deployed API."""
    return aws.web_socket({"$default": function})


@pytest.fixture
def without_log_role(aws: Aws) -> None:
    """The account has no role for API Gateway's logs."""
    operations: Any = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}]
    aws.client("apigateway").update_account(patchOperations=operations)


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    """Code and text of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_deployment_needs_a_route(aws: Aws) -> None:
    """An API without routes cannot be deployed."""
    api = aws.gateway.create_api(Name="a", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    assert refused(aws.gateway.create_deployment, ApiId=api["ApiId"]) == (
        "BadRequestException",
        "Unable to deploy API because no routes exist in this API",
    )


def test_deployment_in_use_cannot_be_deleted(aws: Aws, socket: Socket) -> None:
    """The stage must be moved first; then the old deployment can go."""
    used = aws.gateway.get_stage(ApiId=socket.api_id, StageName=socket.stage)["DeploymentId"]
    assert refused(aws.gateway.delete_deployment, ApiId=socket.api_id, DeploymentId=used) == (
        "BadRequestException",
        "Active stages pointing to this deployment must be moved or deleted",
    )
    aws.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)
    aws.gateway.delete_deployment(ApiId=socket.api_id, DeploymentId=used)


def test_deployment_on_a_stage_with_auto_deploy_is_refused(aws: Aws, socket: Socket) -> None:
    """By CreateStage, UpdateStage and CreateDeployment alike."""
    deployment = aws.gateway.create_deployment(ApiId=socket.api_id)["DeploymentId"]
    there: Any = {"ApiId": socket.api_id, "StageName": "auto"}
    expected = (
        "BadRequestException",
        "Deployment ID cannot be set on this stage because AutoDeploy is enabled",
    )
    assert refused(aws.gateway.create_stage, **there, AutoDeploy=True, DeploymentId=deployment) == expected
    aws.gateway.create_stage(**there, AutoDeploy=True)
    assert refused(aws.gateway.update_stage, **there, DeploymentId=deployment) == expected
    assert refused(aws.gateway.create_deployment, **there) == expected
    aws.gateway.update_stage(**there, AutoDeploy=False, DeploymentId=deployment)


def test_what_is_named_must_be_there(aws: Aws, socket: Socket) -> None:
    """A stage's deployment and a deployment's stage."""
    assert refused(aws.gateway.create_stage, ApiId=socket.api_id, StageName="s", DeploymentId="nosuch") == (
        "NotFoundException",
        "Invalid deployment identifier specified",
    )
    assert refused(aws.gateway.create_deployment, ApiId=socket.api_id, StageName="nosuch") == (
        "NotFoundException",
        "Invalid stage identifier specified",
    )


def test_names_are_taken_once(aws: Aws, socket: Socket) -> None:
    """A stage's name and a route's key; a route may keep its own."""
    assert refused(aws.gateway.create_stage, ApiId=socket.api_id, StageName=socket.stage) == (
        "ConflictException",
        "Stage already exists",
    )
    assert refused(aws.gateway.create_route, ApiId=socket.api_id, RouteKey="$default") == (
        "ConflictException",
        "Route with key $default already exists for this API",
    )
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    aws.gateway.update_route(ApiId=socket.api_id, RouteId=route["RouteId"], RouteKey="$default", OperationName="o")


def test_own_route_keys_have_no_dollar(aws: Aws, socket: Socket) -> None:
    """What starts with $ is API Gateway's."""
    code, text = refused(aws.gateway.create_route, ApiId=socket.api_id, RouteKey="$mine")
    assert (code, "$mine" in text) == ("BadRequestException", True)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"IntegrationType": "HTTP_PROXY", "IntegrationUri": "https://example.com"}, "HTTP_PROXY"),
        ({"IntegrationType": "HTTP", "IntegrationUri": "https://example.com"}, "HTTP"),
        ({"IntegrationType": "AWS"}, "AWS"),
        ({"IntegrationType": "HTTP_PROXY", "ConnectionType": "VPC_LINK"}, "HTTP_PROXY over a VPC link"),
    ],
)
def test_integration_that_does_not_run_here_is_refused_by_name(
    aws: Aws, socket: Socket, settings: dict[str, Any], name: str
) -> None:
    """AWS would take it; the sandbox says that it does not run it, instead of failing at the first message."""
    code, text = refused(aws.gateway.create_integration, ApiId=socket.api_id, IntegrationMethod="POST", **settings)
    assert code == "BadRequestException"
    assert text.startswith(f"The sandbox does not run integrations of type {name};")


@pytest.mark.parametrize("milliseconds", [49, 29_001])
def test_timeout_is_between_50_ms_and_29_s(aws: Aws, socket: Socket, milliseconds: int) -> None:
    """The 29 s of a WebSocket API cannot be raised."""
    [integration] = aws.gateway.get_integrations(ApiId=socket.api_id)["Items"]
    there: Any = {"ApiId": socket.api_id, "IntegrationId": integration["IntegrationId"]}
    assert refused(aws.gateway.update_integration, **there, TimeoutInMillis=milliseconds) == (
        "BadRequestException",
        "Timeout should be between 50 ms and 29000 ms",
    )


def test_identity_source_of_an_http_api_is_refused(aws: Aws, socket: Socket, function: Function) -> None:
    """The syntax is ``route.request.header.X``; ``$request.header.X`` is for HTTP APIs."""
    code, text = refused(
        aws.gateway.create_authorizer,
        ApiId=socket.api_id,
        Name="a",
        AuthorizerType="REQUEST",
        AuthorizerUri=function.arn,
        IdentitySource=["$request.header.Auth"],
    )
    assert code == "BadRequestException"
    assert "Invalid mapping expression specified: $request.header.Auth" in text


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("$context.connectionId", "Access Log format must include either $context.requestId or $context.extended"),
        ('{"id":\n"$context.requestId"}', "Access Log format must be single line"),
    ],
)
def test_access_log_format_is_held_to_its_rules(aws: Aws, socket: Socket, line: str, reason: str) -> None:
    """One line, and an id by which the request can be found."""
    settings: Any = {"DestinationArn": LOG_GROUP, "Format": line}
    code, text = refused(
        aws.gateway.update_stage, ApiId=socket.api_id, StageName=socket.stage, AccessLogSettings=settings
    )
    assert code == "BadRequestException"
    assert text.startswith(f"The following errors are found in Access Log Format: {reason}")


def test_access_log_goes_to_a_log_group(aws: Aws, socket: Socket) -> None:
    """Firehose, which AWS allows, is refused by name."""
    settings: Any = {"DestinationArn": "arn:aws:firehose:us-east-1:000000000000:deliverystream/a", "Format": LINE}
    _, text = refused(aws.gateway.update_stage, ApiId=socket.api_id, StageName=socket.stage, AccessLogSettings=settings)
    assert "Firehose" in text


@pytest.mark.usefixtures("without_log_role")
@pytest.mark.parametrize(
    "settings",
    [
        {"AccessLogSettings": {"DestinationArn": LOG_GROUP, "Format": LINE}},
        {"DefaultRouteSettings": {"LoggingLevel": "ERROR"}},
    ],
)
def test_logging_needs_the_accounts_role(aws: Aws, socket: Socket, settings: dict[str, Any]) -> None:
    """CreateStage and UpdateStage refuse logs until the account has a role for them."""
    there: Any = {"ApiId": socket.api_id, "StageName": "logs"}
    expected = (
        "BadRequestException",
        "CloudWatch Logs role ARN must be set in account settings to enable logging",
    )
    assert refused(aws.gateway.create_stage, **there, **settings) == expected
    aws.gateway.create_stage(**there)
    assert refused(aws.gateway.update_stage, **there, **settings) == expected


def test_refusals_are_for_web_socket_apis_only(aws: Aws) -> None:
    """An HTTP API is the emulator's, with whatever integration it has."""
    api = aws.gateway.create_api(Name="h", ProtocolType="HTTP")["ApiId"]
    made = aws.gateway.create_integration(
        ApiId=api, IntegrationType="HTTP_PROXY", IntegrationUri="https://example.com", IntegrationMethod="ANY"
    )
    assert made["IntegrationType"] == "HTTP_PROXY"


def test_template_that_must_be_evaluated_is_refused(aws: Aws, socket: Socket) -> None:
    """A mapping template of plain text runs; one with variables or directives is refused, as request and response."""
    there: Any = {"ApiId": socket.api_id, "IntegrationType": "MOCK"}
    plain, clever = {"200": '{"statusCode": 200}'}, {"200": "#set($x = 1)"}
    assert "mapping templates" in refused(aws.gateway.create_integration, **there, RequestTemplates=clever)[1]
    made = aws.gateway.create_integration(**there, RequestTemplates=plain)["IntegrationId"]
    response: Any = {"ApiId": socket.api_id, "IntegrationId": made, "IntegrationResponseKey": "$default"}
    clever = {"200": '{"id": "$context.connectionId"}'}
    assert "'$c…'" in refused(aws.gateway.create_integration_response, **response, ResponseTemplates=clever)[1]
    aws.gateway.create_integration_response(**response, ResponseTemplates=plain)


def test_route_response_is_the_default_one(aws: Aws, socket: Socket) -> None:
    """WebSocket routes know one response key only."""
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    there: Any = {"ApiId": socket.api_id, "RouteId": route["RouteId"]}
    code, text = refused(aws.gateway.create_route_response, **there, RouteResponseKey="200")
    assert (code, "$default" in text) == ("BadRequestException", True)


@pytest.mark.parametrize("kind", ["CUSTOM", "AWS_IAM"])
def test_authorization_is_for_connect_only(aws: Aws, socket: Socket, kind: str) -> None:
    """Another route is refused with it, and a WebSocket API takes no JWT authorizer for any."""
    make = aws.client("apigatewayv2").create_route
    for key, wanted in (("guarded", kind), ("$connect", "JWT")):
        code, _ = refused(make, ApiId=socket.api_id, RouteKey=key, AuthorizationType=wanted)
        assert code == "BadRequestException"
