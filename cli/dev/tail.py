"""Shows failures out of the functions' logs as they happen."""

import asyncio
import time
from typing import Any

import aiohttp

from cli.dev.logs import LogReader
from cli.output import Output
from sandbox.aws import AwsClient, AwsRefusedError

_PERIOD_SECONDS = 0.5


async def tail_failures(aws_endpoint: str, region: str, output: Output) -> None:
    """Print each failure with its traceback until cancelled."""
    async with aiohttp.ClientSession() as session:
        client = AwsClient(session, aws_endpoint)

        async def logs(action: str, request: dict[str, Any]) -> dict[str, Any]:
            return await client.call(f"Logs_20140328.{action}", request, service="logs", region=region)

        reader = LogReader(logs, lambda: int(time.time() * 1000))
        while True:
            try:
                failures = await reader.failures()
            except (aiohttp.ClientError, AwsRefusedError, TimeoutError):
                failures = []  # the emulator is busy or going away: the next round, or the session, will tell
            for failure in failures:
                output.failure(failure.title)
                output.block(failure.detail)
            await asyncio.sleep(_PERIOD_SECONDS)
