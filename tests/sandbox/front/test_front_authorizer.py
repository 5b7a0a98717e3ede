"""REQUEST authorizers on ``$connect``: who is asked, what an answer means, and where its context arrives."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.sandbox import REGION, Aws, Function, Socket, eventually

TAKE = 'record(event)\nreturn {"statusCode": 200, "body": "taken"}'
GUARD = """
record(event)
headers = {name.lower(): value for name, value in event["headers"].items()}
effect, resource = headers.get("effect", "Allow"), headers.get("resource", event["methodArn"])
if effect == "Raise":
    raise Exception(resource)
statement = {"Action": headers.get("action", "execute-api:Invoke"), "Effect": effect, "Resource": resource}
answer = {"principalId": "user-1", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
answer["context"] = {"tenant": "t1", "count": 2, "ratio": 0.5, "admin": True}
if "answer" in headers:
    answer |= json.loads(headers["answer"])
if "padding" in headers:
    answer["context"]["padding"] = "x" * int(headers["padding"])
return None if effect == "None" else answer
"""


def guarded(aws: Aws, guard: Function, sources: Sequence[str] = (), **more: Any) -> tuple[Socket, Function]:
    """An API whose $connect asks ``guard``; all its routes lead to the function that is returned."""
    function = aws.function(TAKE)
    socket = aws.web_socket(dict.fromkeys(("$connect", "$default", "$disconnect"), function), **more)
    authorizer = aws.gateway.create_authorizer(
        ApiId=socket.api_id,
        Name="guard",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{guard.arn}/invocations",
        IdentitySource=list(sources),
    )["AuthorizerId"]
    routes = {route["RouteKey"]: route["RouteId"] for route in aws.gateway.get_routes(ApiId=socket.api_id)["Items"]}
    aws.gateway.update_route(
        ApiId=socket.api_id, RouteId=routes["$connect"], AuthorizationType="CUSTOM", AuthorizerId=authorizer
    )
    if not more.get("auto_deploy"):
        aws.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)
    return socket, function


def refusal(url: str, headers: Mapping[str, str]) -> tuple[int, str]:
    """Status and message of a handshake that must fail."""
    with pytest.raises(InvalidStatus) as caught, connect(url, additional_headers=headers):
        pass
    body = json.loads(caught.value.response.body or b"{}")
    assert sorted(body) == ["connectionId", "message", "requestId"]
    return caught.value.response.status_code, body["message"]


def test_context_of_the_authorizer_is_in_every_later_event(aws: Aws) -> None:
    """Connect, message and disconnect show principal and context, each value as a string."""
    socket, function = guarded(aws, aws.function(GUARD))
    with connect(socket.url) as client:
        client.send("{}")
        assert client.recv(timeout=20) == "taken"
    events = eventually(function.events, lambda events: len(events) == 3)
    for event in events:
        authorizer = event["requestContext"]["authorizer"]
        assert isinstance(authorizer.pop("integrationLatency"), int)
        assert authorizer == {"principalId": "user-1", "tenant": "t1", "count": "2", "ratio": "0.5", "admin": "true"}


def test_authorizer_gets_the_handshake(aws: Aws) -> None:
    """Headers, query, stage variables and the ARN to decide on, but neither body nor method."""
    guard = aws.function(GUARD)
    socket, _ = guarded(aws, guard, variables={"colour": "blue"})
    with connect(f"{socket.url}?ticket=a&ticket=b", additional_headers={"Auth": "me"}):
        event = eventually(guard.events)[0]
    assert sorted(event) == [
        "headers", "methodArn", "multiValueHeaders", "multiValueQueryStringParameters", "queryStringParameters",
        "requestContext", "stageVariables", "type",
    ]  # fmt: skip
    assert event["type"] == "REQUEST"
    assert event["methodArn"] == f"arn:aws:execute-api:{REGION}:{aws.account}:{socket.api_id}/{socket.stage}/$connect"
    assert (event["headers"]["Auth"], event["multiValueHeaders"]["Auth"]) == ("me", ["me"])
    assert event["multiValueQueryStringParameters"] == {"ticket": ["a", "b"]}
    assert event["stageVariables"] == {"colour": "blue"}
    assert event["requestContext"]["eventType"] == "CONNECT"


def test_each_handshake_is_asked_about(aws: Aws) -> None:
    """Answers are not cached, even for the same identity."""
    guard = aws.function(GUARD)
    socket, _ = guarded(aws, guard, ["route.request.header.Auth"])
    for _ in range(2):
        with connect(socket.url, additional_headers={"Auth": "me"}):
            pass
    assert len(guard.events()) == 2


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Effect": "Deny"}, 403, "User is not authorized to access this resource with an explicit deny"),
        ({"Resource": "arn:aws:execute-api:*:*:other/*"}, 403, "User is not authorized to access this resource"),
        ({"Action": "execute-api:ManageConnections"}, 403, "User is not authorized to access this resource"),
        ({"Effect": "Raise", "Resource": "Unauthorized"}, 401, "Unauthorized"),
        ({"Effect": "Raise", "Resource": "anything else"}, 500, "Internal server error"),
        ({"Effect": "None"}, 500, "Internal server error"),
        ({"Effect": "Maybe"}, 500, "Internal server error"),
        ({"Answer": '{"policyDocument": null}'}, 500, "Internal server error"),
        ({"Answer": '{"principalId": null}'}, 500, "Internal server error"),
        ({"Answer": '{"isAuthorized": true, "policyDocument": {}}'}, 500, "Internal server error"),
        ({"Answer": '{"context": {"list": [1]}}'}, 500, "Internal server error"),
        ({"Padding": "8192"}, 500, "Internal server error"),
    ],
)
def test_answer_that_does_not_allow_refuses(aws: Aws, headers: Mapping[str, str], status: int, message: str) -> None:
    """Deny and another resource are 403, ``Unauthorized`` is 401, what is not in order 500; $connect is not run."""
    socket, function = guarded(aws, aws.function(GUARD))
    assert refusal(socket.url, headers) == (status, message)
    assert function.events() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Resource": "*"},
        {"Resource": "arn:aws:execute-api:*:*:*/test/*"},
        {"Resource": "arn:aws:execute-api:us-east-1:????????????:*/test/$connect"},
        {"Action": "execute-api:*"},
        {"Padding": "7000"},
    ],
)
def test_answer_that_allows_lets_in(aws: Aws, headers: Mapping[str, str]) -> None:
    """Resources and actions may have wildcards; an answer of less than 8 KB is fine."""
    socket, _ = guarded(aws, aws.function(GUARD))
    with connect(socket.url, additional_headers=headers) as client:
        assert client.ping().wait(timeout=20)


@pytest.mark.parametrize(
    ("source", "query", "headers"),
    [
        ("route.request.header.Auth", "?Auth=1", {}),
        ("route.request.header.Auth", "", {"Auth": ""}),
        ("route.request.querystring.ticket", "?ticket=", {"ticket": "1"}),
        ("route.request.querystring.ticket", "?Ticket=1", {}),
        ("stageVariables.shape", "", {}),
        ("context.authorizer.tenant", "", {}),
    ],
)
def test_missing_identity_is_unauthorized(aws: Aws, source: str, query: str, headers: Mapping[str, str]) -> None:
    """401 without a call of the authorizer, when a source is missing or empty; names in the query have case."""
    guard = aws.function(GUARD)
    socket, _ = guarded(aws, guard, ["context.stage", source], variables={"colour": "blue"})
    assert refusal(socket.url + query, headers) == (401, "Unauthorized")
    assert guard.events() == []


def test_every_identity_that_is_there_is_found(aws: Aws) -> None:
    """Header (without case), query, stage variable and context value: all there, so the authorizer is asked."""
    guard = aws.function(GUARD)
    sources = [
        "route.request.header.auth",
        "route.request.querystring.ticket",
        "stageVariables.colour",
        "context.identity.sourceIp",
    ]
    socket, _ = guarded(aws, guard, sources, variables={"colour": "blue"})
    with connect(f"{socket.url}?ticket=1", additional_headers={"AUTH": "me"}):
        assert len(eventually(guard.events)) == 1


def test_deleted_authorizer_lets_nobody_in(aws: Aws) -> None:
    """A deployment that names an authorizer which is not there answers 500."""
    socket, _ = guarded(aws, aws.function(GUARD), auto_deploy=True)
    [authorizer] = aws.gateway.get_authorizers(ApiId=socket.api_id)["Items"]
    aws.gateway.delete_authorizer(ApiId=socket.api_id, AuthorizerId=authorizer["AuthorizerId"])
    assert refusal(socket.url, {}) == (500, "Internal server error")


def test_authorization_on_another_route_is_refused_at_creation(aws: Aws) -> None:
    """Only $connect can be authorized."""
    socket, _ = guarded(aws, aws.function(GUARD))
    with pytest.raises(ClientError, match="authorization is restricted to the \\$connect route only"):
        aws.gateway.create_route(ApiId=socket.api_id, RouteKey="other", AuthorizationType="AWS_IAM")


def test_jwt_authorizer_is_refused_at_creation(aws: Aws) -> None:
    """WebSocket APIs know REQUEST authorizers only."""
    socket = aws.web_socket({"$default": aws.function(TAKE)})
    with pytest.raises(ClientError, match="Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis"):
        aws.gateway.create_authorizer(
            ApiId=socket.api_id, Name="jwt", AuthorizerType="JWT", IdentitySource=["route.request.header.Auth"]
        )
