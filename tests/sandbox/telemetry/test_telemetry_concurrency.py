"""AWS/Lambda's concurrent executions; without a sandbox, so that what runs at once is known."""

import asyncio
import json
from typing import Any, cast

from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer, AwsClient, AwsRefusedError, Json
from sandbox.functions import Call
from sandbox.quotas import Quotas
from sandbox.services import services_on
from sandbox.telemetry.series import Metric

ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"


class TwoFunctions(AwsClient):
    """An emulator whose functions all run until there are three of them; ``kept`` has reserved its concurrency."""

    def __init__(self) -> None:
        super().__init__(cast("Any", None), "http://127.0.0.1:1")
        self._together = asyncio.Barrier(3)

    async def get_json(self, path: str, **_: object) -> Json:
        """What is reserved; nothing else is known."""
        if path.endswith("/kept/concurrency"):
            return {"ReservedConcurrentExecutions": 5}
        raise AwsRefusedError(404, "ResourceNotFoundException", path)

    async def send(self, *_: object, **__: object) -> Answer:
        """An invocation."""
        await self._together.wait()
        return Answer(200, CIMultiDictProxy(CIMultiDict[str]()), json.dumps("done").encode())


def test_executions_of_the_account_are_told_apart() -> None:
    """Two of one function and one of another: by function, of the account, and of those that have reserved nothing."""

    async def main() -> dict[str, float]:
        services = services_on(TwoFunctions(), Quotas())
        calls = [Call(function_arn=ARN.format(name), payload=b"{}") for name in ("free", "free", "kept")]
        await asyncio.gather(*map(services.functions.invoke, calls))

        def most(name: str, **dimensions: str) -> float:
            metric = Metric("000000000000", "us-east-1", "AWS/Lambda", name, tuple(dimensions.items()))
            return services.telemetry.store.between(metric, 0, services.clock.now() + 60).high

        return {
            "account": most("ConcurrentExecutions"),
            "free": most("ConcurrentExecutions", FunctionName="free"),
            "kept": most("ConcurrentExecutions", FunctionName="kept"),
            "unreserved": most("UnreservedConcurrentExecutions"),
        }

    assert asyncio.run(main()) == {"account": 3, "free": 2, "kept": 1, "unreserved": 2}
