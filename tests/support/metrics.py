"""Metrics as an SDK reads them, and what makes them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from sandbox.client import RunningSandbox
from sandbox.clock import Clock
from tests.support.front import turnable_front
from tests.support.sandbox import Aws, Json

Play = Callable[[Aws, Clock], Awaitable[None]]


def run(sandbox: RunningSandbox, folder: Path, play: Play) -> None:
    """Play against a front whose clock can be turned."""

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            await asyncio.wait_for(play(Aws(front.endpoint, folder), front.clock), 60)

    asyncio.run(main())


def values(aws: Aws, clock: Clock, name: str, statistic: str, dimensions: Json, namespace: str = "AWS/Lambda") -> float:
    """A metric's statistic over the last hour; 0 without values."""
    end = datetime.fromtimestamp(clock.now() + 60, UTC)
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=datetime.fromtimestamp(clock.now() - 3600, UTC),
        EndTime=end,
        Period=86400,
        Statistics=[statistic],
    )
    return float(sum(point[statistic] for point in answer["Datapoints"]))


def invoke(aws: Aws, function: str, times: int = 1) -> None:
    """Invoke, whatever comes of it."""
    for _ in range(times):
        with contextlib.suppress(aws.functions.exceptions.TooManyRequestsException):
            aws.functions.invoke(FunctionName=function, Payload=b"{}")
