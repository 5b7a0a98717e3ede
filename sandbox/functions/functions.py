"""The one way by which the sandbox's own services invoke functions."""

from dataclasses import dataclass

from sandbox.aws import AwsClient, Invocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One invocation that a service asks for.

    Args:
        function_arn: With or without a version or alias.
        payload: The event, as JSON.
        timeout: Seconds until the caller gives up; the function goes on running.
    """

    function_arn: str
    payload: bytes
    timeout: float = 900.0


class Functions:
    """Invokes functions for API Gateway and for event source mappings.

    Args:
        aws: Reaches the emulator's Lambda API.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws

    async def invoke(self, call: Call) -> Invocation:
        """Invoke and wait for the answer.

        Raises:
            aiohttp.ClientError: The emulator cannot be reached.
            TimeoutError: No answer in time.
        """
        return await self._aws.invoke(call.function_arn, call.payload, timeout=call.timeout)
