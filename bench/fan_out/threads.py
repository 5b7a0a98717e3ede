"""The rival that handlers usually have: boto3 with 32 threads, a pool as large, and its standard retries."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bench.fan_out.server import Server
from bench.fan_out.workload import Workload

THREADS: Final = 32


def send(server: Server, work: Workload) -> float:
    """Post everything that is ready; seconds of processor time."""
    config = Config(max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": 8})
    # A session of its own: boto3's keeps the credentials that somebody in this process had first.
    api = boto3.Session().client("apigatewaymanagementapi", endpoint_url=server.endpoint, config=config)
    ready = [(name, [frame.encode() for frame in frames]) for name, frames in work.ready()]

    def post_all(one: tuple[str, list[bytes]]) -> None:
        for frame in one[1]:
            try:
                api.post_to_connection(ConnectionId=one[0], Data=frame)
            except ClientError as error:
                if error.response["Error"]["Code"] != "GoneException":
                    raise
                return

    started = time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(post_all, ready):
            pass
    return time.process_time() - started
