"""Integrations and authorizers that name a role act in it; others need the function's resource policy."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.sandbox import REGION, Aws, Function, Json, Socket

ECHO = 'record(event)\nreturn {"statusCode": 200, "body": "taken"}'
GUARD = """
record(event)
statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
return {"principalId": "user-1", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
"""


def gateway_role(aws: Aws, function_arn: str, *, service: str = "apigateway.amazonaws.com") -> str:
    """A role that a service may take and that may invoke one function."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function_arn}
    name = f"gateway-{uuid.uuid4().hex[:8]}"
    role = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
    aws.iam.put_role_policy(RoleName=name, PolicyName="invoke", PolicyDocument=_document(invoke))
    return role


def _document(statement: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def in_role(aws: Aws, socket: Socket, role: str) -> None:
    """Have the API's only integration act in a role; an empty text takes it away again."""
    [integration] = aws.gateway.get_integrations(ApiId=socket.api_id)["Items"]
    aws.gateway.update_integration(ApiId=socket.api_id, IntegrationId=integration["IntegrationId"], CredentialsArn=role)
    aws.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)


def answer(socket: Socket) -> str:
    """What comes back for a message."""
    with connect(socket.url) as client:
        client.send("{}")
        text = str(client.recv(timeout=20))
    return text if text == "taken" else str(json.loads(text)["message"])


def test_integration_acts_in_its_role(aws: Aws) -> None:
    """The role is enough without a permission of the function; without the role the permission is needed."""
    function = aws.function(ECHO, permitted=False)
    socket = aws.web_socket({"$default": function})
    in_role(aws, socket, gateway_role(aws, function.arn))
    assert answer(socket) == "taken"
    in_role(aws, socket, "")
    assert answer(socket) == "Internal server error"


@pytest.mark.parametrize("service", ["apigateway.amazonaws.com", "lambda.amazonaws.com"])
def test_unfit_role_is_no_way_round_by_the_functions_policy(aws: Aws, service: str) -> None:
    """A role for another function, or another service's, fails although the function lets API Gateway in."""
    function = aws.function(ECHO)
    other = f"{function.arn}-other" if service.startswith("apigateway") else function.arn
    socket = aws.web_socket({"$default": function})
    in_role(aws, socket, gateway_role(aws, other, service=service))
    assert answer(socket) == "Internal server error"
    assert function.events() == []


def guarded(aws: Aws, guard: Function, **more: Any) -> tuple[Socket, str]:
    """An API whose $connect asks ``guard``, and the authorizer's id."""
    socket = aws.web_socket({"$connect": aws.function(ECHO)})
    authorizer = aws.gateway.create_authorizer(
        ApiId=socket.api_id,
        Name="guard",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{guard.arn}/invocations",
        IdentitySource=[],
        **more,
    )["AuthorizerId"]
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    aws.gateway.update_route(
        ApiId=socket.api_id, RouteId=route["RouteId"], AuthorizationType="CUSTOM", AuthorizerId=authorizer
    )
    aws.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)
    return socket, authorizer


def status(socket: Socket) -> int:
    """What a handshake is answered; 101 lets it in."""
    try:
        with connect(socket.url):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def test_authorizer_needs_a_permission_of_its_own(aws: Aws) -> None:
    """A permission for the API's routes does not cover its authorizer; one for the authorizer does."""
    guard = aws.function(GUARD, permitted=False)
    socket, authorizer = guarded(aws, guard)
    api = f"arn:aws:execute-api:{REGION}:{aws.account}:{socket.api_id}"
    aws.permit(guard.arn, SourceArn=f"{api}/test/*")
    assert status(socket) == 500
    assert guard.events() == []
    aws.permit(guard.arn, SourceArn=f"{api}/authorizers/{authorizer}")
    assert status(socket) == 101


def test_authorizer_acts_in_its_role(aws: Aws) -> None:
    """A fit role takes the permission's place, an unfit one lets nobody in."""
    guard = aws.function(GUARD, permitted=False)
    fit, unfit = gateway_role(aws, guard.arn), gateway_role(aws, f"{guard.arn}-other")
    assert status(guarded(aws, guard, AuthorizerCredentialsArn=fit)[0]) == 101
    assert status(guarded(aws, aws.function(GUARD), AuthorizerCredentialsArn=unfit)[0]) == 500


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("arn:aws:iam::*:user/*", "does not call functions with the caller's credentials"),
        ("my-role", "Invalid ARN specified in the request"),
    ],
)
def test_credentials_that_are_no_role_are_refused(aws: Aws, arn: str, told: str) -> None:
    """The caller's own credentials are refused by name, anything else as on AWS, for both kinds."""
    function = aws.function(ECHO)
    socket = aws.web_socket({"$default": function})
    with pytest.raises(ClientError, match="BadRequestException") as caught:
        in_role(aws, socket, arn)
    assert told in str(caught.value)
    with pytest.raises(ClientError, match="BadRequestException") as caught:
        guarded(aws, function, AuthorizerCredentialsArn=arn)
    assert told in str(caught.value)
