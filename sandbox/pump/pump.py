"""Runs all mappings, each on its own."""

import asyncio

from sandbox.aws import Json
from sandbox.pump.mapping import Mapping
from sandbox.pump.shard import STREAMS, Shard
from sandbox.services import Services


class Pump:
    """The mappings that exist, and their running shards.

    Args:
        services: Read streams, invoke functions, send on-failure messages, measure windows and ages.
    """

    def __init__(self, services: Services) -> None:
        self.aws = services.aws
        self.clock = services.clock
        self._services = services
        self.mappings: dict[str, Mapping] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._news = asyncio.Event()

    def nudge(self) -> None:
        """Say that a table may have been written to: shards look at once instead of at their next turn."""
        self._news.set()
        self._news = asyncio.Event()

    async def add(self, mapping: Mapping) -> None:
        """Run a mapping from its starting position on.

        Raises:
            AwsRefusedError: The stream is not there.
        """
        request: Json = {"StreamArn": mapping.stream_arn}
        answer = await self.aws.call(
            f"{STREAMS}.DescribeStream", request, service="dynamodb", region=mapping.region, account=mapping.account
        )
        stream = answer["StreamDescription"]
        key = next(part["AttributeName"] for part in stream["KeySchema"] if part["KeyType"] == "HASH")
        shards = [self._shard(mapping, shard["ShardId"], key) for shard in stream["Shards"]]
        for shard in shards:
            await shard.open()
        self.mappings[mapping.identifier] = mapping
        self._tasks[mapping.identifier] = [asyncio.create_task(shard.run()) for shard in shards]

    async def remove(self, mapping: Mapping) -> None:
        """Stop a mapping; what is under way is dropped."""
        self.mappings.pop(mapping.identifier, None)
        await _end(self._tasks.pop(mapping.identifier, []))

    async def stop(self) -> None:
        """Stop all mappings."""
        await _end([task for tasks in self._tasks.values() for task in tasks])

    def _shard(self, mapping: Mapping, shard_id: str, partition_key: str) -> Shard:
        return Shard(
            mapping,
            shard_id=shard_id,
            partition_key=partition_key,
            services=self._services,
            news=lambda: self._news,
        )


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
