"""Calling the actors' functions."""

import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from trebuche.adapters.lambda_invoke import LambdaFunctionInvoker
from trebuche.adapters.memory import InMemoryInvoker
from trebuche.errors import ServiceError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f:live"
EVENT = {"body": "x"}


@pytest.fixture
def client() -> "LambdaClient":
    """A client that nothing leaves."""
    return boto3.client("lambda", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def answer(payload: bytes, **more: Any) -> dict[str, Any]:
    """What Lambda answers to an invocation."""
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(payload), len(payload)), **more}


def invoke(client: "LambdaClient", response: dict[str, Any]) -> Any:
    """Call the function once."""
    with Stubber(client) as stubber:
        expected = {"FunctionName": FUNCTION, "Payload": json.dumps(EVENT).encode()}
        stubber.add_response("invoke", response, expected)
        return LambdaFunctionInvoker(lambda: client).invoke(FUNCTION, EVENT)


def test_what_the_function_returns_comes_back(client: "LambdaClient") -> None:
    """As an object."""
    assert invoke(client, answer(b'{"statusCode": 200}')) == {"statusCode": 200}
    assert InMemoryInvoker({FUNCTION: lambda event: {"got": event}}).invoke(FUNCTION, EVENT) == {"got": EVENT}


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (answer(b'{"errorMessage": "Task timed out"}', FunctionError="Unhandled"), "Task timed out"),
        (answer(b"null"), "no object"),
        (answer(b""), "not JSON"),
    ],
)
def test_a_function_that_fails_is_a_failing_service(
    client: "LambdaClient", response: dict[str, Any], says: str
) -> None:
    """With what it said, for the log."""
    with pytest.raises(ServiceError, match=says):
        invoke(client, response)


def test_a_function_that_cannot_be_called_is_a_failing_service(client: "LambdaClient") -> None:
    """Not there, or not allowed."""
    with Stubber(client) as stubber:
        stubber.add_client_error("invoke", "AccessDeniedException", "not yours", 403)
        with pytest.raises(ServiceError, match="AccessDeniedException: not yours"):
            LambdaFunctionInvoker(lambda: client).invoke(FUNCTION, EVENT)
    with pytest.raises(ServiceError, match="no function"):
        InMemoryInvoker().invoke(FUNCTION, EVENT)
