"""Posts frames with aiobotocore; run as a file in an environment that has it, and nothing of ours.

Arguments: the endpoint. Standard input: ``[[connection id, [frame, ...]], ...]``. Prints seconds of processor time.
"""

import asyncio
import json
import sys
import time
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

SIDE_BY_SIDE: Final = 64
"""As many as our sender has under way."""


async def send(endpoint: str, ready: list[tuple[str, list[str]]]) -> float:
    """Post to all connections side by side, in order to each."""
    config = AioConfig(max_pool_connections=SIDE_BY_SIDE, retries={"mode": "standard", "total_max_attempts": 8})
    waiting = iter([(name, [frame.encode() for frame in frames]) for name, frames in ready])
    async with get_session().create_client("apigatewaymanagementapi", endpoint_url=endpoint, config=config) as api:

        async def work() -> None:
            for name, frames in waiting:
                await post_all(api, name, frames)

        started = time.process_time()
        await asyncio.gather(*(work() for _ in range(SIDE_BY_SIDE)))
        return time.process_time() - started


async def post_all(api: Any, name: str, frames: list[bytes]) -> None:
    """Post to one connection, until it is gone."""
    for frame in frames:
        try:
            await api.post_to_connection(ConnectionId=name, Data=frame)
        except ClientError as error:
            if error.response["Error"]["Code"] != "GoneException":
                raise
            return


if __name__ == "__main__":
    print(asyncio.run(send(sys.argv[1], json.load(sys.stdin))))
