"""The alarms that every function has."""

from collections.abc import Iterator

from infra.alarm import Alarm
from infra.function import LambdaFunction

ERRORS = 10
SLOW_PERCENT = 80
"""Of the time that a function has: what takes longer is soon ended by it."""
BUSY_PERCENT = 80
"""Of the environments that are set aside for a function."""


def of_function(function: LambdaFunction) -> Iterator[Alarm]:
    """That it fails, is refused or takes too long; and that its own environments run out, where it has any."""
    yield _errors(function)
    yield _throttles(function)
    yield _slow(function)
    # The account's own quota is known to nobody here; beyond it, and beyond what is set aside, throttles ring.
    if function.reserved_concurrency:
        yield _busy(function, function.reserved_concurrency)


def _errors(function: LambdaFunction) -> Alarm:
    return Alarm(
        watched=function.function_name,
        what="errors",
        description="Invocations fail: `trebuche logs` shows why.",
        namespace="AWS/Lambda",
        metric="Errors",
        dimensions={"FunctionName": function.function_name},
        statistic="Sum",
        above=ERRORS,
        periods=2,
        period_seconds=300,
    )


def _throttles(function: LambdaFunction) -> Alarm:
    return Alarm(
        watched=function.function_name,
        what="throttles",
        description="Invocations are refused: the account's or the function's concurrency is used up.",
        namespace="AWS/Lambda",
        metric="Throttles",
        dimensions={"FunctionName": function.function_name},
        statistic="Sum",
        above=0,
        periods=1,
        period_seconds=300,
    )


def _slow(function: LambdaFunction) -> Alarm:
    return Alarm(
        watched=function.function_name,
        what="duration",
        description="Invocations nearly run out of time: what takes longer is ended, and answered by an error.",
        namespace="AWS/Lambda",
        metric="Duration",
        dimensions={"FunctionName": function.function_name},
        statistic="p99",
        above=function.timeout_seconds * 1000 * SLOW_PERCENT // 100,
        periods=2,
        period_seconds=300,
    )


def _busy(function: LambdaFunction, reserved: int) -> Alarm:
    return Alarm(
        watched=function.function_name,
        what="concurrency",
        description="The environments that are set aside for the function are nearly all at work.",
        namespace="AWS/Lambda",
        metric="ConcurrentExecutions",
        dimensions={"FunctionName": function.function_name},
        statistic="Maximum",
        above=reserved * BUSY_PERCENT // 100,
        periods=1,
        period_seconds=300,
    )
