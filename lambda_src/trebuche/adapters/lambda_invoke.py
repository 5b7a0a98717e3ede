"""Calls other functions and waits for their answers."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from trebuche.adapters.failures import translated
from trebuche.errors import ServiceError

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
            ServiceError: It failed, ran out of time, answered with no object, or could not be called.
        """
        with translated(f"function {function}"):
            answer = self._client().invoke(FunctionName=function, Payload=json.dumps(event).encode())
            payload = answer["Payload"].read()
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
