"""An account's concurrent executions: the pool of all functions, and what can be reserved of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from sandbox.errors import SandboxError
from sandbox.quotas import Quotas, read_quotas
from tests.support.front import turnable_front
from tests.support.sandbox import Aws, Function, eventually

WAIT = """
import pathlib, time
record(event)
while not pathlib.Path(os.environ["FLAG"]).exists():
    time.sleep(0.02)
"""


def refusal(call: Any, **request: Any) -> ClientError:
    """The error that a call must end with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value


def let_end(aws: Aws, function: Function) -> None:
    """Have every running invocation of a waiting function return."""
    (aws.folder / f"{function.name}.flag").touch()


def test_an_account_runs_so_many_invocations_at_once(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Beyond the quota every function is throttled that has reserved nothing, and only until another one has ended."""

    async def main() -> None:
        quotas = Quotas(concurrent_executions=1)
        async with turnable_front(sandbox.record.emulator_endpoint, quotas) as front:
            aws = Aws(front.endpoint, tmp_path)
            busy, other = await asyncio.gather(*(asyncio.to_thread(aws.function, WAIT) for _ in range(2)))
            running = asyncio.create_task(asyncio.to_thread(aws.functions.invoke, FunctionName=busy.name))
            await asyncio.to_thread(eventually, busy.events)
            refused = await asyncio.to_thread(refusal, aws.functions.invoke, FunctionName=other.name)
            let_end(aws, busy)
            let_end(aws, other)
            await running
            assert (await asyncio.to_thread(aws.functions.invoke, FunctionName=other.name))["StatusCode"] == 200
            response: Any = refused.response
            assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
            assert response["Error"]["Code"] == "TooManyRequestsException"
            assert response["Reason"] == "ConcurrentInvocationLimitExceeded"

    asyncio.run(main())


def test_a_hundred_executions_cannot_be_reserved(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """All reservations of an account together leave 100 of its 1,000 for the others; another account's do not count."""
    aws = Aws(sandbox.record.aws_endpoint, tmp_path, account="345678901234")
    first, second = aws.function("pass", permitted=False), aws.function("pass", permitted=False)
    put = aws.functions.put_function_concurrency
    put(FunctionName=first.name, ReservedConcurrentExecutions=500)
    refused = refusal(put, FunctionName=second.name, ReservedConcurrentExecutions=401)
    assert refused.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            "below its minimum value of [100]."
        ),
    }
    put(FunctionName=second.name, ReservedConcurrentExecutions=400)
    put(FunctionName=first.name, ReservedConcurrentExecutions=400)
    put(FunctionName=second.name, ReservedConcurrentExecutions=500)


def test_account_settings_tell_the_quota_and_what_is_left(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """GetAccountSettings shows the sandbox's quota, less what the account's functions have reserved."""

    def settings(aws: Aws) -> tuple[int, int]:
        limits = aws.functions.get_account_settings()["AccountLimit"]
        return limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint, Quotas(concurrent_executions=250)) as front:
            aws = Aws(front.endpoint, tmp_path, account="456789012345")
            function = await asyncio.to_thread(lambda: aws.function("pass", permitted=False))
            assert await asyncio.to_thread(settings, aws) == (250, 250)
            await asyncio.to_thread(
                lambda: aws.functions.put_function_concurrency(
                    FunctionName=function.name, ReservedConcurrentExecutions=30
                )
            )
            assert await asyncio.to_thread(settings, aws) == (250, 220)

    asyncio.run(main())


def test_concurrent_executions_are_a_quota() -> None:
    """The quota can be set to a whole number above 0."""
    assert read_quotas(["concurrent-executions=10"]).concurrent_executions == 10
    with pytest.raises(SandboxError, match="whole number"):
        read_quotas(["concurrent-executions=0"])
