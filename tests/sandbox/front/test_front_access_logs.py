"""Access logs: one line per event that a route handles."""

import json
import secrets
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sandbox.front.access_logs import render, values_of
from sandbox.front.outcome import Outcome
from tests.support.sandbox import REGION, Aws, Json, Socket, eventually

WRITER = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
LINE = json.dumps(
    {
        "id": "$context.requestId",
        "connection": "$context.connectionId",
        "type": "$context.eventType",
        "route": "$context.routeKey",
        "status": "$context.status",
        "integration": "$context.integration.status",
        "error": "$context.error.message",
        "caller": "$context.identity.sourceIp",
    }
)
TAKE = 'record(event)\nreturn {"statusCode": 200, "body": "taken"}'


def log_role(aws: Aws, service: str = "apigateway.amazonaws.com", policy: str = WRITER) -> str:
    """A role with which a service may do what one of AWS's own policies says."""
    name = f"logs-{secrets.token_hex(4)}"
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    role = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    aws.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return role


def logged(aws: Aws, socket: Socket, role: str | None = None) -> str:
    """Switch the stage's access log on; the name of its log group."""
    operations: Any = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": role or log_role(aws)}]
    aws.client("apigateway").update_account(patchOperations=operations)
    group = f"access-{secrets.token_hex(4)}"
    aws.client("logs").create_log_group(logGroupName=group)
    settings: Any = {"DestinationArn": f"arn:aws:logs:{REGION}:{aws.account}:log-group:{group}", "Format": LINE}
    aws.gateway.update_stage(ApiId=socket.api_id, StageName=socket.stage, AccessLogSettings=settings)
    return group


def lines(aws: Aws, group: str) -> list[Json]:
    """What has been logged so far."""
    events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    return [json.loads(event["message"]) for event in events]


def test_each_event_of_a_route_is_one_line(aws: Aws) -> None:
    """Connect, message, disconnect; the id is the one that the function sees."""
    function = aws.function(TAKE)
    socket = aws.web_socket(dict.fromkeys(("$connect", "known", "$disconnect"), function))
    group = logged(aws, socket)
    with connect(socket.url) as client:
        client.send('{"action": "known"}')
        client.recv(timeout=20)
        client.send('{"action": "unknown"}')
        assert "Forbidden" in str(client.recv(timeout=20))
    written = eventually(lambda: lines(aws, group), lambda found: len(found) >= 3)
    contexts = {event["requestContext"]["requestId"]: event["requestContext"] for event in function.events()}
    assert [line["type"] for line in written] == ["CONNECT", "MESSAGE", "DISCONNECT"]
    assert [line["route"] for line in written] == ["$connect", "known", "$disconnect"]
    assert {line["id"] for line in written} == set(contexts)
    assert {line["connection"] for line in written} == {context["connectionId"] for context in contexts.values()}
    assert {(line["status"], line["integration"], line["error"]) for line in written} == {("200", "200", "-")}
    assert {line["caller"] for line in written} == {"127.0.0.1"}


def test_refused_and_failed_events_are_logged_with_their_status(aws: Aws) -> None:
    """A refusal of $connect and a failure of a message say what the client was told."""
    refusing = aws.web_socket({"$connect": aws.function('print(1)\nreturn {"statusCode": 401}')})
    failing = aws.web_socket({"$default": aws.function('print(1)\nraise ValueError("secret")')})
    groups = logged(aws, refusing), logged(aws, failing)
    with pytest.raises(InvalidStatus), connect(refusing.url):
        pass
    with connect(failing.url) as client:
        client.send("{}")
        client.recv(timeout=20)
    [refused] = eventually(lambda: lines(aws, groups[0]))
    [failed] = eventually(lambda: lines(aws, groups[1]))
    assert (refused["status"], refused["integration"]) == ("401", "401")
    assert (failed["status"], failed["error"]) == ("500", "Internal server error")


def test_stage_without_a_log_writes_none(aws: Aws) -> None:
    """The setting is live at once, and so is its absence."""
    socket = aws.web_socket({"$default": aws.function(TAKE)})
    group = logged(aws, socket)
    with connect(socket.url) as client:
        client.send("{}")
        client.recv(timeout=20)
        eventually(lambda: lines(aws, group))
        aws.gateway.update_stage(ApiId=socket.api_id, StageName=socket.stage, AccessLogSettings={})
        client.send("{}")
        client.recv(timeout=20)
        logged_elsewhere = logged(aws, socket)
        client.send("{}")
        client.recv(timeout=20)
        eventually(lambda: lines(aws, logged_elsewhere))
    assert len(lines(aws, group)) == 1


def test_variables_are_replaced_plainly() -> None:
    """Braced or not, nested or not; what has no value is a dash, what is no variable stays."""
    event = {"requestContext": {"stage": "s", "authorizer": {"principalId": "p", "integrationLatency": 7}}}
    values = values_of(event, Outcome(504, problem='late "one"', latency_ms=12))
    template = (
        "$context.stage ${context.stage}x $context.authorizer.principalId $context.status $context.error.message "
        "$context.error.messageString $context.integrationLatency $context.authorizer.latency $context.nosuch. $other"
    )
    assert render(template, values) == 's sx p 504 late "one" "late \\"one\\"" 12 7 -. $other'


@pytest.mark.parametrize(
    "unfit",
    [{"service": "lambda.amazonaws.com"}, {"policy": "arn:aws:iam::aws:policy/AmazonSQSFullAccess"}],
    ids=["role of another service", "role that may not write"],
)
def test_log_is_written_in_the_accounts_role(aws: Aws, unfit: dict[str, str]) -> None:
    """Nothing is written in a role that API Gateway cannot take, or that may not write; with a fit one it is."""
    socket = aws.web_socket({"$default": aws.function(TAKE)})
    group = logged(aws, socket, log_role(aws, **unfit))
    with connect(socket.url) as client:
        client.send("lost")
        client.recv(timeout=20)
        fit: Any = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": log_role(aws)}]
        aws.client("apigateway").update_account(patchOperations=fit)
        client.send("kept")
        client.recv(timeout=20)
        assert len(eventually(lambda: lines(aws, group))) == 1
