"""Calls of other functions: answers, and failures that say whether something was called."""

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from trebuche.adapters.lambda_invoke import LambdaFunctionInvoker
from trebuche.adapters.memory import InMemoryInvoker
from trebuche.errors import FunctionGoneError, ServiceError

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:my-app-dev-actor-todo-list:live"
EVENT = {"body": "{}"}


@pytest.fixture
def stubbed(aws: str) -> Iterator[tuple[LambdaFunctionInvoker, Stubber]]:
    """An invoker on prepared answers of Lambda's."""
    client = boto3.client("lambda", region_name=aws)
    with Stubber(client) as stubber:
        yield LambdaFunctionInvoker(lambda: client), stubber
        stubber.assert_no_pending_responses()


def prepare(stubber: Stubber, payload: bytes, **more: Any) -> None:
    """Lambda's next answer."""
    expected = {"FunctionName": FUNCTION, "Payload": json.dumps(EVENT).encode()}
    body = StreamingBody(io.BytesIO(payload), len(payload))
    stubber.add_response("invoke", {"StatusCode": 200, "Payload": body, **more}, expected)


def test_a_function_s_answer_comes_back(stubbed: tuple[LambdaFunctionInvoker, Stubber]) -> None:
    """In memory as on Lambda."""
    invoker, stubber = stubbed
    prepare(stubber, b'{"statusCode":200}')
    in_memory = InMemoryInvoker({FUNCTION: lambda _: {"statusCode": 200}})
    assert invoker.invoke(FUNCTION, EVENT) == in_memory.invoke(FUNCTION, EVENT) == {"statusCode": 200}


def test_a_function_that_is_not_there_was_not_called(stubbed: tuple[LambdaFunctionInvoker, Stubber]) -> None:
    """It has its own error, with the function's name, so that another may be tried."""
    invoker, stubber = stubbed
    stubber.add_client_error("invoke", "ResourceNotFoundException", "Function not found", 404)
    for one in (invoker, InMemoryInvoker()):
        with pytest.raises(FunctionGoneError, match="my-app-dev-actor-todo-list:live"):
            one.invoke(FUNCTION, EVENT)


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException", "AccessDeniedException"])
def test_other_refusals_do_not_say_that_it_is_gone(stubbed: tuple[LambdaFunctionInvoker, Stubber], code: str) -> None:
    """Nobody looks for a successor of a function that is only busy or forbidden."""
    invoker, stubber = stubbed
    stubber.add_client_error("invoke", code, "no", 429)
    with pytest.raises(ServiceError, match=code) as caught:
        invoker.invoke(FUNCTION, EVENT)
    assert not isinstance(caught.value, FunctionGoneError)


@pytest.mark.parametrize(
    ("payload", "more", "text"),
    [
        (b'{"errorMessage":"Task timed out"}', {"FunctionError": "Unhandled"}, "Unhandled.*Task timed out"),
        (b"", {}, "not JSON"),
        (b"[]", {}, "no object"),
    ],
)
def test_an_answer_that_is_none_is_a_failure(
    stubbed: tuple[LambdaFunctionInvoker, Stubber], payload: bytes, more: dict[str, str], text: str
) -> None:
    """It may have taken effect."""
    invoker, stubber = stubbed
    prepare(stubber, payload, **more)
    with pytest.raises(ServiceError, match=text):
        invoker.invoke(FUNCTION, EVENT)
