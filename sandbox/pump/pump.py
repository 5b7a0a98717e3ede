"""Runs all mappings, each on its own."""

import asyncio

from sandbox.pump.mapping import Mapping
from sandbox.pump.queue_reader import QueueReader
from sandbox.pump.shard import Shard
from sandbox.services import Services


class Pump:
    """The mappings that exist, and their running shards and queue readers.

    Args:
        services: Read streams, invoke functions, send on-failure messages, measure windows and ages.
    """

    def __init__(self, services: Services) -> None:
        self.aws = services.aws
        self.clock = services.clock
        self.permissions = services.permissions
        self._services = services
        self.mappings: dict[str, Mapping] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._readers: dict[str, QueueReader] = {}

    def nudge(self) -> None:
        """Say that a table may have been written to."""
        self._services.streams.nudge()

    def nudge_queues(self) -> None:
        """Say that a queue may have been written to."""
        for reader in self._readers.values():
            reader.wake()

    def add_queue(self, mapping: Mapping) -> None:
        """Run the mapping of a queue."""
        reader = QueueReader(mapping, self._services)
        self.mappings[mapping.identifier] = mapping
        self._readers[mapping.identifier] = reader
        self._tasks[mapping.identifier] = [asyncio.create_task(reader.run())]

    async def add(self, mapping: Mapping) -> None:
        """Run the mapping of a stream from its starting position on.

        Raises:
            StreamGoneError: The stream is not there.
        """
        log = await self._services.streams.open(mapping.source_arn)
        # Made now: LATEST is the end as it is at this moment, not when a task gets its turn.
        shards = [Shard(mapping, log, index, self._services) for index in range(log.facts.shards)]
        self.mappings[mapping.identifier] = mapping
        self._tasks[mapping.identifier] = [asyncio.create_task(shard.run()) for shard in shards]

    async def remove(self, mapping: Mapping) -> None:
        """Stop a mapping; what is under way is dropped."""
        self.mappings.pop(mapping.identifier, None)
        self._readers.pop(mapping.identifier, None)
        await _end(self._tasks.pop(mapping.identifier, []))

    async def stop(self) -> None:
        """Stop all mappings."""
        await _end([task for tasks in self._tasks.values() for task in tasks])


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
