"""What API Gateway refuses of integrations and authorizers, and an emulator would let pass."""

from typing import Any

import pytest

from tests.support.refusals import refused
from tests.support.sandbox import REGION, Aws, Socket

FUNCTION = f"arn:aws:lambda:{REGION}:000000000000:function:f"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


@pytest.fixture
def socket(aws: Aws) -> Socket:
    """A deployed API without integrations."""
    return aws.web_socket({})


@pytest.fixture
def integration(aws: Aws, socket: Socket) -> dict[str, str]:
    """An integration, as calls name it."""
    made = aws.gateway.create_integration(ApiId=socket.api_id, IntegrationType="AWS_PROXY", IntegrationUri=URI)
    return {"ApiId": socket.api_id, "IntegrationId": made["IntegrationId"]}


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
def test_timeout_is_between_50_ms_and_29_s(aws: Aws, integration: Any, milliseconds: int) -> None:
    """The 29 s of a WebSocket API cannot be raised."""
    assert refused(aws.gateway.update_integration, **integration, TimeoutInMillis=milliseconds) == (
        "BadRequestException",
        "Timeout should be between 50 ms and 29000 ms",
    )


@pytest.mark.parametrize("uri", [None, "", "garbage", URI.removesuffix("/invocations"), f"x{URI}", f"{FUNCTION}/x"])
def test_uri_of_a_lambda_proxy_is_that_of_invocations(aws: Aws, socket: Socket, uri: str | None) -> None:
    """Authorizers are held to the same."""
    given: Any = {} if uri is None else {"IntegrationUri": uri}
    there: Any = {"ApiId": socket.api_id}
    code, text = refused(aws.gateway.create_integration, **there, IntegrationType="AWS_PROXY", **given)
    assert (code, f"Invalid URI {uri!r}" in text) == ("BadRequestException", True)
    given = {} if uri is None else {"AuthorizerUri": uri}
    asked: Any = {"Name": "a", "AuthorizerType": "REQUEST", "IdentitySource": []}
    assert refused(aws.gateway.create_authorizer, **there, **asked, **given) == (code, text)


def test_function_alone_is_a_uri_of_integrations(aws: Aws, socket: Socket) -> None:
    """With or without a qualifier; an authorizer names the invocations."""
    for function in (FUNCTION, f"{FUNCTION}:live"):
        aws.gateway.create_integration(ApiId=socket.api_id, IntegrationType="AWS_PROXY", IntegrationUri=function)
    asked: Any = {"Name": "a", "AuthorizerType": "REQUEST", "IdentitySource": [], "AuthorizerUri": FUNCTION}
    assert refused(aws.gateway.create_authorizer, ApiId=socket.api_id, **asked)[0] == "BadRequestException"


def test_uri_may_hold_stage_variables(aws: Aws, integration: Any) -> None:
    """As a part of the function's ARN, or in its place; it cannot be taken away."""
    for named in (f"{FUNCTION[:-1]}${{stageVariables.name}}", "${stageVariables.arn}"):
        aws.gateway.update_integration(**integration, IntegrationUri=URI.replace(FUNCTION, named))
    assert refused(aws.gateway.update_integration, **integration, IntegrationUri="")[0] == "BadRequestException"


def test_integration_of_a_route_cannot_be_deleted(aws: Aws, integration: Any) -> None:
    """The route goes first."""
    target = f"integrations/{integration['IntegrationId']}"
    route = aws.gateway.create_route(ApiId=integration["ApiId"], RouteKey="used", Target=target)["RouteId"]
    code, text = refused(aws.gateway.delete_integration, **integration)
    assert (code, "'used'" in text) == ("ConflictException", True)
    aws.gateway.delete_route(ApiId=integration["ApiId"], RouteId=route)
    aws.gateway.delete_integration(**integration)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"PayloadFormatVersion": "2.0"}, "PayloadFormatVersion"),
        ({"IntegrationSubtype": "SQS-SendMessage"}, "IntegrationSubtype"),
        ({"TlsConfig": {"ServerNameToVerify": "a.example"}}, "TlsConfig"),
        ({"ResponseParameters": {"200": {"overwrite:statuscode": "201"}}}, "ResponseParameters"),
    ],
)
def test_what_http_apis_alone_have_is_refused_of_integrations(
    aws: Aws, integration: Any, settings: dict[str, Any], name: str
) -> None:
    """The second format of events, for one."""
    code, text = refused(aws.gateway.update_integration, **integration, **settings)
    assert (code, text.startswith(name)) == ("BadRequestException", True)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"EnableSimpleResponses": True}, "EnableSimpleResponses"),
        ({"AuthorizerResultTtlInSeconds": 300}, "AuthorizerResultTtlInSeconds"),
        ({"AuthorizerPayloadFormatVersion": "2.0"}, "AuthorizerPayloadFormatVersion"),
        ({"JwtConfiguration": {"Issuer": "https://a.example"}}, "JwtConfiguration"),
    ],
)
def test_what_http_apis_alone_have_is_refused_of_authorizers(
    aws: Aws, socket: Socket, settings: dict[str, Any], name: str
) -> None:
    """A WebSocket API's authorizer answers with a policy, and nothing is kept of it."""
    asked: Any = {"Name": "a", "AuthorizerType": "REQUEST", "IdentitySource": [], "AuthorizerUri": URI}
    assert refused(aws.gateway.create_authorizer, ApiId=socket.api_id, **asked, **settings) == (
        "BadRequestException",
        f"{name} is supported for HTTP APIs only",
    )


def test_identity_source_of_an_http_api_is_refused(aws: Aws, socket: Socket) -> None:
    """The syntax is ``route.request.header.X``; ``$request.header.X`` is for HTTP APIs."""
    code, text = refused(
        aws.gateway.create_authorizer,
        ApiId=socket.api_id,
        Name="a",
        AuthorizerType="REQUEST",
        AuthorizerUri=URI,
        IdentitySource=["$request.header.Auth"],
    )
    assert code == "BadRequestException"
    assert "Invalid mapping expression specified: $request.header.Auth" in text


def test_template_with_directives_is_refused_by_name(aws: Aws, socket: Socket) -> None:
    """Where it is written, as the template of a request and as that of a response."""
    there: Any = {"ApiId": socket.api_id, "IntegrationType": "MOCK"}
    good, clever = {"200": '{"statusCode": 200, "id": "$context.connectionId"}'}, {"200": "#set($x = 1)"}
    code, text = refused(aws.gateway.create_integration, **there, RequestTemplates=clever)
    assert (code, "'#set'" in text) == ("BadRequestException", True)
    made = aws.gateway.create_integration(**there, RequestTemplates=good)["IntegrationId"]
    response: Any = {"ApiId": socket.api_id, "IntegrationId": made, "IntegrationResponseKey": "$default"}
    clever = {"200": "$util.urlEncode('x')"}
    _, text = refused(aws.gateway.create_integration_response, **response, ResponseTemplates=clever)
    assert "'$util.urlEncode('x')'" in text
    aws.gateway.create_integration_response(**response, ResponseTemplates={"200": "issue #abc for $5"})


def test_template_has_at_most_300_kb(aws: Aws, socket: Socket) -> None:
    """One byte more is refused."""
    longest = '{"statusCode": 200}'.ljust(300 * 1024)
    there: Any = {"ApiId": socket.api_id, "IntegrationType": "MOCK"}
    code, text = refused(aws.gateway.create_integration, **there, RequestTemplates={"200": f"{longest} "})
    assert (code, "307200 bytes" in text) == ("BadRequestException", True)
    aws.gateway.create_integration(**there, RequestTemplates={"200": longest})


@pytest.mark.parametrize("expression", ["$request.header.a", "${context.stage}", "$default"])
def test_template_is_chosen_by_body_or_constant(aws: Aws, socket: Socket, expression: str) -> None:
    """Another variable is refused by name."""
    there: Any = {"ApiId": socket.api_id, "IntegrationType": "MOCK", "TemplateSelectionExpression": expression}
    code, text = refused(aws.gateway.create_integration, **there)
    assert (code, f"'{expression}'" in text) == ("BadRequestException", True)
