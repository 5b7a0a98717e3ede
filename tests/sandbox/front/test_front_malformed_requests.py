"""Requests that AWS could not read are the caller's mistake; whatever else goes wrong is told in the service's form."""

import asyncio
import json
import logging
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.front.server import Front
from tests.support.front import turnable_front
from tests.support.sandbox import REGION, Aws

TABLES = "DynamoDB_20120810"
NOBODY = "http://127.0.0.1:9"


def send(endpoint: str, path: str, body: bytes, *, service: str = "lambda", **headers: str) -> tuple[int, bytes, Any]:
    """Status, body and headers of a signed POST."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    signed = AWSRequest("POST", endpoint + path, data=body, headers=named)
    SigV4Auth(Credentials("test", "test"), service, REGION).add_auth(signed)
    request = urllib.request.Request(endpoint + path, data=body, headers=dict(signed.headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


@pytest.mark.parametrize(
    ("path", "document", "code", "text"),
    [
        ("/2015-03-31/functions", {"FunctionName": 5}, "SerializationException", "NUMBER_VALUE"),
        ("/2015-03-31/functions", {"FunctionName": "f"}, "ValidationException", "'role'"),
        (
            "/2015-03-31/functions",
            {"FunctionName": "f", "Role": "r", "Code": {}, "Environment": {"Variables": {"A": [1]}}},
            "SerializationException",
            "Environment.Variables.A",
        ),
        ("/2015-03-31/functions", [], "SerializationException", "START_ARRAY"),
        (
            "/2015-03-31/event-source-mappings/",
            {"FunctionName": "f", "BatchSize": "10"},
            "SerializationException",
            "STRING_VALUE can not be converted to an Integer: BatchSize",
        ),
        ("/v2/apis", {"name": True, "protocolType": "WEBSOCKET"}, "BadRequestException", "TRUE_VALUE"),
        ("/v2/apis/a/integrations", {"integrationType": "MOCK", "timeoutInMillis": 5.5}, "BadRequestException", "DECI"),
        ("/v2/apis/a/routes", {"routeKey": {"a": 1}}, "BadRequestException", "START_OBJECT"),
        ("/v2/apis/a/stages", {"stageName": "s", "routeSettings": {"k": 5}}, "BadRequestException", "routeSettings.k"),
        ("/v2/apis/a/authorizers", {"name": "a", "authorizerType": "REQUEST"}, "BadRequestException", "identitySource"),
    ],
)
def test_wrong_types_are_refused_before_anything_is_made(
    aws: Aws, path: str, document: Any, code: str, text: str
) -> None:
    """By Lambda and API Gateway, with the place of the mistake."""
    service = "apigateway" if path.startswith("/v2") else "lambda"
    status, body, headers = send(aws.endpoint, path, json.dumps(document).encode(), service=service)
    assert (status, headers["x-amzn-ErrorType"]) == (400, code)
    assert text in json.loads(body)["message"]


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        (f"{TABLES}.PutItem", b'{"TransactItems": [1]}', "ValidationException"),
        (f"{TABLES}.PutItem", b"null", "SerializationException"),
        (f"{TABLES}.BatchWriteItem", b'{"RequestItems": 5}', "SerializationException"),
    ],
)
def test_what_front_or_emulator_trip_over_is_the_callers_mistake(aws: Aws, target: str, body: bytes, code: str) -> None:
    """A request that breaks the service's model is no failure of the server."""
    headers = {"X_Amz_Target": target, "Content_Type": "application/x-amz-json-1.0"}
    status, answer, _ = send(aws.endpoint, "/", body, service="dynamodb", **headers)
    assert (status, json.loads(answer)["__type"]) == (400, code)


@pytest.mark.parametrize(
    ("path", "headers", "text"),
    [
        ("/2015-03-31/functions/f/x", {}, b'"message": "The sandbox failed'),
        ("/", {"X_Amz_Target": "AmazonSQS.X"}, b'"__type": "InternalFailure"'),
        ("/", {"Content_Type": "application/x-www-form-urlencoded"}, b"<ErrorResponse><Error><Type>Receiver</Type>"),
        ("/service/S/operation/O", {}, b"InternalFailure"),
        ("/bucket", {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/r/s3/aws4_request"}, b"<Error><Code>In"),
    ],
)
def test_failure_of_the_front_is_told_in_the_protocol_of_the_service(
    path: str, headers: dict[str, str], text: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """500, without a word of ours to the caller, and with the traceback in the sandbox's own output."""
    with caplog.at_level(logging.ERROR):
        status, body = failing(monkeypatch, path, headers)
    assert (status, text in body, b"secret" in body) == (500, True, False)
    assert "LookupError: secret" in caplog.text


def test_failure_over_a_request_that_nobody_could_read_is_the_callers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The front's own is not even told: a line says what is wrong with the request."""
    with caplog.at_level(logging.WARNING):
        status, body = failing(monkeypatch, "/", {"X_Amz_Target": f"{TABLES}.PutItem"})
    assert (status, json.loads(body)["__type"]) == (400, "ValidationException")
    [record] = caplog.records
    assert "'tableName'" in record.getMessage()


def failing(monkeypatch: pytest.MonkeyPatch, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of what a front answers that fails on an empty POST."""

    async def fail(*_: object) -> None:
        raise LookupError("secret")

    async def main() -> tuple[int, bytes]:
        async with turnable_front(NOBODY) as front:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            request = urllib.request.Request(front.endpoint + path, data=b"", headers=named, method="POST")
            return await asyncio.to_thread(answer_of, request)

    monkeypatch.setattr(Front, "_answer", fail)
    return asyncio.run(main())


def answer_of(request: urllib.request.Request) -> tuple[int, bytes]:
    """Status and body of a failure."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    with caught.value as error:
        return error.code, error.read()
