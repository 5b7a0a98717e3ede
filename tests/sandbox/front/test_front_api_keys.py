"""API keys that a ``$connect`` route asks for."""

import secrets
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.sandbox import REGION, Aws, Socket

GUARD = """
statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
policy = {"Version": "2012-10-17", "Statement": [statement]}
key = event["queryStringParameters"]["key"]
print(1)
return {"principalId": "u", "policyDocument": policy, "usageIdentifierKey": key}
"""
TAKE = 'print(1)\nreturn {"statusCode": 200}'


def keyed(aws: Aws) -> Socket:
    """An API whose $connect asks for a key."""
    socket = aws.web_socket({"$connect": aws.function(TAKE)})
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    aws.gateway.update_route(ApiId=socket.api_id, RouteId=route["RouteId"], ApiKeyRequired=True)
    aws.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)
    return socket


def plan(aws: Aws, socket: Socket, stage: str, *, enabled: bool = True) -> str:
    """The value of a new key in a usage plan for a stage."""
    keys: Any = aws.client("apigateway")
    value = secrets.token_hex(16)
    key = keys.create_api_key(name="k", value=value, enabled=enabled)["id"]
    made = keys.create_usage_plan(name="p", apiStages=[{"apiId": socket.api_id, "stage": stage}])["id"]
    keys.create_usage_plan_key(usagePlanId=made, keyId=key, keyType="API_KEY")
    return value


def test_key_of_a_usage_plan_lets_in(aws: Aws) -> None:
    """A key in ``x-api-key`` that a usage plan allows on this stage."""
    socket = keyed(aws)
    with connect(socket.url, additional_headers={"X-Api-Key": plan(aws, socket, socket.stage)}) as client:
        assert client.ping().wait(timeout=20)


def test_key_may_come_from_the_authorizer(aws: Aws) -> None:
    """Beside its policy; the client brings none, and another key is as good as none."""
    socket = keyed(aws)
    guard = aws.function(GUARD)
    authorizer = aws.gateway.create_authorizer(
        ApiId=socket.api_id,
        Name="guard",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{guard.arn}/invocations",
        IdentitySource=[],
    )["AuthorizerId"]
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    there: Any = {"ApiId": socket.api_id, "AuthorizationType": "CUSTOM", "AuthorizerId": authorizer}
    aws.gateway.update_route(RouteId=route["RouteId"], **there)
    place = "$context.authorizer.usageIdentifierKey"
    aws.gateway.update_api(ApiId=socket.api_id, ApiKeySelectionExpression=place)
    aws.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)
    value = plan(aws, socket, socket.stage)
    with connect(f"{socket.url}?key={value}") as client:
        assert client.ping().wait(timeout=20)
    with pytest.raises(InvalidStatus), connect(f"{socket.url}?key=other", additional_headers={"x-api-key": value}):
        pass


@pytest.mark.parametrize("case", ["none", "unknown", "disabled", "other stage"])
def test_any_other_key_is_forbidden(aws: Aws, case: str) -> None:
    """No key, an unknown or disabled one, or one for another stage: 403."""
    socket = keyed(aws)
    plan(aws, socket, socket.stage)
    headers = {
        "none": {},
        "unknown": {"x-api-key": "nosuch"},
        "disabled": {"x-api-key": plan(aws, socket, socket.stage, enabled=False)},
        "other stage": {"x-api-key": plan(aws, socket, "elsewhere")},
    }[case]
    with pytest.raises(InvalidStatus) as caught, connect(socket.url, additional_headers=headers):
        pass
    assert caught.value.response.status_code == 403
