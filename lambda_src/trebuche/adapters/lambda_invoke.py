"""Calls other functions and waits for their answers."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from trebuche.adapters.failures import code_of, describe, translated
from trebuche.errors import FunctionGoneError, ServiceError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class LambdaFunctionInvoker:
    """Lambda's Invoke.

    Args:
        client: Gives the Lambda client.
    """

    def __init__(self, client: "Callable[[], LambdaClient]") -> None:
        self._client = client

    def invoke(self, function: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a function by ARN and wait for its answer.

        Raises:
            FunctionGoneError: There is no such function or alias.
            ServiceError: It failed, ran out of time, answered with no object, or could not be called.
        """
        with translated(f"function {function}"):
            try:
                answer = self._client().invoke(FunctionName=function, Payload=json.dumps(event).encode())
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    raise FunctionGoneError(f"function {function}: {describe(error)}") from error
                raise
            payload = answer["Payload"].read()
        # A function that raised answers with status 200, too (Lambda API, Invoke).
        if failure := answer.get("FunctionError"):
            raise ServiceError(f"function {function} failed ({failure}): {payload[:2000]!r}")
        return _object(function, payload)


def _object(function: str, payload: bytes) -> dict[str, Any]:
    try:
        result = json.loads(payload)
    except ValueError:
        raise ServiceError(f"function {function} answered with something that is not JSON") from None
    if not isinstance(result, dict):
        raise ServiceError(f"function {function} answered with something that is no object")
    return result
