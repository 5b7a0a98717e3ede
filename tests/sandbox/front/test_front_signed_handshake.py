"""``AWS_IAM`` on ``$connect``: only a signed handshake by somebody who may."""

import json
import secrets
from collections.abc import Mapping

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.sandbox import REGION, Aws, Function, Socket, eventually

TAKE = 'record(event)\nreturn {"statusCode": 200}'


@pytest.fixture
def function(aws: Aws) -> Function:
    """The function of $connect."""
    return aws.function(TAKE)


@pytest.fixture
def api(aws: Aws, function: Function) -> Socket:
    """An API whose $connect wants a signature."""
    socket = aws.web_socket({"$connect": function})
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    aws.gateway.update_route(ApiId=socket.api_id, RouteId=route["RouteId"], AuthorizationType="AWS_IAM")
    aws.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)
    return socket


def user(aws: Aws, effect: str, resource: str) -> Credentials:
    """Keys of a new user with one statement about execute-api:Invoke."""
    name = f"user-{secrets.token_hex(4)}"
    aws.iam.create_user(UserName=name)
    statements = [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}]
    if effect == "Deny":
        statements.append({"Effect": "Allow", "Action": "*", "Resource": "*"})
    document = {"Version": "2012-10-17", "Statement": statements}
    aws.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    key = aws.iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def signature(api: Socket, credentials: Credentials) -> Mapping[str, str]:
    """The headers of a signed handshake."""
    request = AWSRequest("GET", api.management_url)
    SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


def refusal(api: Socket, headers: Mapping[str, str]) -> tuple[int, str]:
    """Status and message of a handshake that must fail."""
    with pytest.raises(InvalidStatus) as caught, connect(api.url, additional_headers=headers):
        pass
    return caught.value.response.status_code, json.loads(caught.value.response.body or b"{}")["message"]


def connect_arn(api: Socket) -> str:
    """The ARN that policies name."""
    return f"arn:aws:execute-api:{REGION}:000000000000:{api.api_id}/{api.stage}/$connect"


def test_signed_handshake_of_a_permitted_user_gets_in(aws: Aws, api: Socket, function: Function) -> None:
    """By headers or as a presigned URL; the function is run once for each."""
    credentials = user(aws, "Allow", connect_arn(api))
    with connect(api.url, additional_headers=signature(api, credentials)):
        pass
    request = AWSRequest("GET", api.management_url)
    SigV4QueryAuth(credentials, "execute-api", REGION).add_auth(request)
    with connect(str(request.url).replace("http:", "ws:", 1)):
        pass
    assert len(eventually(function.events, lambda events: len(events) >= 2)) == 2


def test_unsigned_handshake_is_refused(api: Socket, function: Function) -> None:
    """403, and nothing is run."""
    assert refusal(api, {}) == (403, "Missing Authentication Token")
    assert function.events() == []


def test_wrong_signature_is_refused(aws: Aws, api: Socket) -> None:
    """A key of a permitted user, and somebody else's secret."""
    credentials = user(aws, "Allow", "*")
    status, message = refusal(api, signature(api, Credentials(credentials.access_key, "wrong")))
    assert (status, "signature" in message) == (403, True)


@pytest.mark.parametrize(
    ("effect", "resource"),
    [
        ("Allow", "arn:aws:execute-api:*:*:other/*"),
        ("Allow", "arn:aws:execute-api:*:*:*/*/GET/*"),
        ("Deny", "arn:aws:execute-api:*:*:*/*/$connect"),
    ],
)
def test_user_without_permission_is_refused(aws: Aws, api: Socket, effect: str, resource: str) -> None:
    """Another API, another route, or an explicit deny: 403."""
    status, message = refusal(api, signature(api, user(aws, effect, resource)))
    assert status == 403
    assert f"is not authorized to perform: execute-api:Invoke on resource: {connect_arn(api)}" in message


def test_session_of_a_role_is_judged_by_its_role(aws: Aws, api: Socket) -> None:
    """Temporary credentials get in when the role may invoke $connect, and not otherwise."""
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": connect_arn(api)}
    allowed = session(aws, aws.role({"Version": "2012-10-17", "Statement": [statement]}))
    elsewhere = {**statement, "Resource": "arn:aws:execute-api:*:*:other/*"}
    other = session(aws, aws.role({"Version": "2012-10-17", "Statement": [elsewhere]}))
    with connect(api.url, additional_headers=signature(api, allowed)):
        pass
    assert refusal(api, signature(api, other))[0] == 403


def session(aws: Aws, role: str) -> Credentials:
    """Temporary credentials of a role."""
    made = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="s")["Credentials"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
