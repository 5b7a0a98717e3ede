"""What API Gateway refuses of stages and deployments, and an emulator would let pass."""

from typing import Any

import pytest

from tests.support.refusals import refused
from tests.support.sandbox import REGION, Aws, Socket

LOG_GROUP = f"arn:aws:logs:{REGION}:000000000000:log-group:access"
LINE = '{"id": "$context.requestId"}'


@pytest.fixture
def socket(aws: Aws) -> Socket:
    """A deployed API, whose only route is ``leads-nowhere``."""
    return aws.web_socket({})


@pytest.fixture
def without_log_role(aws: Aws) -> None:
    """The account has no role for API Gateway's logs."""
    operations: Any = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}]
    aws.client("apigateway").update_account(patchOperations=operations)


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


def test_stage_name_is_taken_once(aws: Aws, socket: Socket) -> None:
    """Of one API."""
    assert refused(aws.gateway.create_stage, ApiId=socket.api_id, StageName=socket.stage) == (
        "ConflictException",
        "Stage already exists",
    )


@pytest.mark.parametrize("name", ["bad name", "$default", "a" * 129, "", "ümlaut", "a/b"])
def test_stage_name_has_letters_digits_hyphens_and_underscores(aws: Aws, socket: Socket, name: str) -> None:
    """1 to 128 of them; ``$default`` is a stage of HTTP APIs."""
    code, text = refused(aws.gateway.create_stage, ApiId=socket.api_id, StageName=name)
    assert (code, repr(name) in text) == ("BadRequestException", True)


def test_longest_stage_name_is_taken(aws: Aws, socket: Socket) -> None:
    """128 characters."""
    name = "aZ0-_" + "a" * 123
    assert aws.gateway.create_stage(ApiId=socket.api_id, StageName=name)["StageName"] == name


@pytest.mark.parametrize(
    ("variables", "named"),
    [({"bad-name": "x"}, "'bad-name'"), ({"": "x"}, "''"), ({"ok": "has space"}, "ok"), ({"ok": "a{b"}, "ok")],
)
def test_stage_variables_have_few_characters(aws: Aws, socket: Socket, variables: dict[str, str], named: str) -> None:
    """Names of letters, digits and _, values of these and some signs, by CreateStage and UpdateStage alike."""
    there: Any = {"ApiId": socket.api_id, "StageVariables": variables}
    for call, name in ((aws.gateway.create_stage, "variables"), (aws.gateway.update_stage, socket.stage)):
        code, text = refused(call, **there, StageName=name)
        assert (code, f"variable {named}" in text or f"name {named}" in text) == ("BadRequestException", True)


def test_stage_variables_may_be_addresses(aws: Aws, socket: Socket) -> None:
    """And UpdateStage takes one away by an empty value, with which none can be made."""
    there: Any = {"ApiId": socket.api_id, "StageName": "variables"}
    assert refused(aws.gateway.create_stage, **there, StageVariables={"a": ""})[0] == "BadRequestException"
    value = "https://a.example:8000/b-c_d~?e=f&g=1,2#h"
    made = aws.gateway.create_stage(**there, StageVariables={"Url_1": value})
    assert made["StageVariables"] == {"Url_1": value}
    aws.gateway.update_stage(**there, StageVariables={"Url_1": ""})


@pytest.mark.parametrize("limit", [{"ThrottlingBurstLimit": -1}, {"ThrottlingRateLimit": -0.5}])
def test_throttles_are_not_negative(aws: Aws, socket: Socket, limit: dict[str, Any]) -> None:
    """Neither the stage's nor a route's; 0 is taken, and refuses everybody."""
    there: Any = {"ApiId": socket.api_id, "StageName": socket.stage}
    for settings in ({"DefaultRouteSettings": limit}, {"RouteSettings": {"leads-nowhere": limit}}):
        code, text = refused(aws.gateway.update_stage, **there, **settings)
        assert (code, "not negative" in text) == ("BadRequestException", True)


def test_settings_are_for_routes_that_are_there(aws: Aws, socket: Socket) -> None:
    """Settings for a key that no route has are refused."""
    there: Any = {"ApiId": socket.api_id, "StageName": socket.stage}
    plenty: Any = {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 1.0}
    assert refused(aws.gateway.update_stage, **there, RouteSettings={"nosuch": plenty}) == (
        "NotFoundException",
        "Unable to find Route by key nosuch within the provided RouteSettings",
    )
    aws.gateway.update_stage(**there, RouteSettings={"leads-nowhere": plenty})


def test_access_log_format_has_at_most_3_kb(aws: Aws, socket: Socket) -> None:
    """One byte more is refused."""
    there: Any = {"ApiId": socket.api_id, "StageName": socket.stage}
    longest = "$context.requestId".ljust(3 * 1024)
    settings: Any = {"DestinationArn": LOG_GROUP, "Format": f"{longest}x"}
    code, text = refused(aws.gateway.update_stage, **there, AccessLogSettings=settings)
    assert (code, "3072 bytes" in text) == ("BadRequestException", True)
    operations: Any = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": aws.role()}]
    aws.client("apigateway").update_account(patchOperations=operations)
    aws.gateway.update_stage(**there, AccessLogSettings={"DestinationArn": LOG_GROUP, "Format": longest})


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
