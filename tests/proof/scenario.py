"""Everything that a deployed stack does, as named checks that run side by side on actors of their own."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

import pytest

from sandbox.handle import Handle
from tests.loop.conftest import Aws, Deployed
from tests.loop.peer import CallFailedError, Peer, Stream
from tests.proof.queues import catch_up_queue, failure_queue, has_dead_letter
from trebuche.adapters.cloud_map import PAUSE_MS
from trebuche.adapters.dynamodb_connections import DynamoDBConnectionStorage
from trebuche.adapters.dynamodb_subscriptions import DynamoDBSubscriptionStorage
from trebuche.reminders import successor, write_reminder
from trebuche.stored import Connection, Phase, Reminder, Subscription

CHECK_SECONDS: Final = 8.0
"""For one check; all but two take less than a second when the functions are warm."""
AT_ONCE: Final = 4
DEAD_LETTER: Final = "dead letter"
METHODS: Final = {"todos": "addTodo", "game": "join"}
FUNCTIONS: Final = {"todos": "actor-todo-list", "game": "actor-game-room"}
LOG_SECONDS: Final = 60.0
"""How far back logs are searched: longer than a check may take."""
NOBODY: Final = "AAAAAAAAAAAAAAA="
"""A well-formed id of a connection that is long gone."""

Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Failure:
    """A check that did not hold, and what was wrong."""

    check: str
    problem: str

    def __str__(self) -> str:
        return f"{self.check}: {self.problem}"


class Scenario:
    """What a deployed stack must do.

    Args:
        deployed: The stack.
    """

    def __init__(self, deployed: Deployed) -> None:
        self._endpoint = deployed.endpoint
        self._aws: Aws = deployed.aws
        self._outputs = deployed.outputs
        self._connections = DynamoDBConnectionStorage(lambda: self._aws.dynamodb, self._outputs["connections_table"])
        self._subscriptions = DynamoDBSubscriptionStorage(
            lambda: self._aws.dynamodb, self._outputs["subscriptions_table"]
        )
        handle = Handle(deployed.local.environment["AWS_ENDPOINT_URL"])
        self._faults, self._clock = handle.faults, handle.clock
        self._checks = self._all_checks()

    async def first_failure(self, *, seconds: float = CHECK_SECONDS, at_once: int = AT_ONCE) -> Failure | None:
        """Run all checks; the first one that fails, None when all hold.

        Args:
            seconds: Until a check counts as failed.
            at_once: How many run side by side; functions that start cold want few.
        """
        places = asyncio.Semaphore(at_once)
        running = {asyncio.create_task(self._hold(check, seconds, places)) for check in self._checks}
        try:
            while running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for failure in (task.result() for task in done):
                    if failure is not None:
                        return failure
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        # Alone, because the batch that fails here may hold changes of the other checks.
        return await self.failure_of(DEAD_LETTER, seconds=seconds)

    async def failure_of(self, check: str, *, seconds: float = CHECK_SECONDS) -> Failure | None:
        """Run one check; None when it holds."""
        return await self._hold(check, seconds, asyncio.Semaphore())

    async def _hold(self, check: str, seconds: float, places: asyncio.Semaphore) -> Failure | None:
        work = self._give_up if check == DEAD_LETTER else self._checks[check]
        async with places:
            try:
                async with asyncio.timeout(seconds):
                    await work()
            except Exception as error:  # whatever a missing permission leads to
                return Failure(check, f"{type(error).__name__} {error}".strip())
        return None

    def _all_checks(self) -> dict[str, Check]:
        checks: dict[str, Check] = {}
        for actor in METHODS:
            checks |= {
                f"call {actor} directly": partial(self._call, actor, action=True),
                f"call {actor} forwarded": partial(self._call, actor, action=False),
                f"observe {actor}": partial(self._observe, actor),
                f"unsubscribe {actor}": partial(self._unsubscribe, actor, action=True),
                f"resume {actor}": partial(self._resume, actor),
            }
        return checks | {
            "unsubscribe forwarded": partial(self._unsubscribe, "todos", action=False),
            "call nobody": self._call_nobody,
            "observe nobody": self._observe_nobody,
            "opening subscriber of todos": partial(self._open_late, "todos"),
            "opening subscriber of game": partial(self._open_late, "game"),
            "dead subscriber": self._outlive,
            "subscriber of a deleted actor": self._delete,
            "late subscriber of todos": partial(self._catch_up, "todos"),
            "late subscriber of game": partial(self._catch_up, "game"),
            "slow subscriber": self._put_off,
        }

    async def _call(self, actor: str, *, action: bool) -> None:
        async with Peer.at(self._endpoint) as peer:
            own = _fresh(actor)
            for name in ("first", "second"):
                assert await peer.call(own, METHODS[actor], name, action=action)
        role = FUNCTIONS[actor] if action else "websocket"
        assert await asyncio.to_thread(self._logged, role, own), f"no line of {role} about {own}"

    async def _observe(self, actor: str) -> None:
        """A subscriber sees the state, and a change that somebody else makes."""
        own = _fresh(actor)
        async with Peer.at(self._endpoint) as watcher, Peer.at(self._endpoint) as caller:
            stream = await watcher.observe(own)
            await stream.until(1)
            await caller.call(own, METHODS[actor], "first")
            await stream.until(2)

    async def _unsubscribe(self, actor: str, *, action: bool) -> None:
        """A stream that its reader ends is gone from both tables."""
        own = _fresh(actor)
        async with Peer.at(self._endpoint) as peer:
            stream = await peer.observe(own)
            row = await self._live(own, stream)
            payload = {"streamID": stream.stream_id, "reason": "clientUnsubscribed"}
            frame = {"type": "streamEnd", "payload": payload}
            await peer.send({"action": actor, **frame} if action else frame)
            await _until(lambda: self._attached(own, stream) is None)
            await _until(lambda: not self._connection(row.connection_id).streams)

    async def _delete(self) -> None:
        """A stream whose actor is deleted ends, and counts for its connection no more."""
        own = _fresh("todos")
        async with Peer.at(self._endpoint) as peer:
            stream = await peer.observe(own)
            row = await self._live(own, stream)
            await peer.call(own, METHODS["todos"], "first")
            await stream.until(2)
            self._aws.dynamodb.delete_item(TableName=self._outputs["state_table"], Key={"actorId": {"S": own}})
            assert (await stream.until_ended())["type"] == "streamEnd"
            await _until(lambda: not self._connection(row.connection_id).streams)

    async def _resume(self, actor: str) -> None:
        """A closed connection is forgotten, its stream kept; the next connection goes on with it."""
        own = _fresh(actor)
        async with Peer.at(self._endpoint) as peer:
            stream = await peer.observe(own)
            await stream.until(1)
            row = await self._live(own, stream)
        await _until(lambda: self._detached(stream) is not None)
        await _until(lambda: self._connections.load(row.connection_id) is None)
        async with Peer.at(self._endpoint) as peer:
            await peer.call(own, METHODS[actor], "meanwhile")
            again = await peer.resume(own, stream, stream.numbers[-1])
            assert again.start["recovered"]
            await again.until(1)

    async def _call_nobody(self) -> None:
        """The registry knows that there is no such actor, also when its last answer is too old to go by."""
        until = time.monotonic() + PAUSE_MS / 1000
        async with Peer.at(self._endpoint) as peer:
            while time.monotonic() < until:
                with pytest.raises(CallFailedError, match="not found"):
                    await peer.call(_fresh("nobody"), "wave", action=False)

    async def _observe_nobody(self) -> None:
        """A stream that cannot begin is announced before it ends."""
        async with Peer.at(self._endpoint) as peer:
            stream = await peer.observe(_fresh("nobody"))
            assert (await stream.until_ended())["type"] == "streamError"

    async def _open_late(self, actor: str) -> None:
        """A change that finds a subscriber still opening is noted for it, once its worker has a reminder."""
        row = self._row(_fresh(actor), NOBODY)
        assert self._subscriptions.open(row, None, now=0)
        async with Peer.at(self._endpoint) as peer:
            await peer.call(row.actor_id, METHODS[actor], "first")

        def pending() -> bool:
            found = self._subscriptions.load(row.actor_id, row.stream_id, now=0)
            return found is not None and found.pending == 1

        await _until(pending)

    async def _catch_up(self, actor: str) -> None:
        """A worker lets changes through to a subscriber that it is reminded of, and that has missed nothing."""
        row = self._row(_fresh(actor), NOBODY)
        assert self._subscriptions.open(row, None, now=0)
        await asyncio.to_thread(self._remind, row)

        def live() -> bool:
            found = self._subscriptions.load(row.actor_id, row.stream_id, now=0)
            return found is not None and found.phase is Phase.LIVE

        await _until(live)

    async def _put_off(self) -> None:
        """A worker leaves a subscriber that takes no frames now to a later one: it says so in a message to itself."""
        async with Peer.at(self._endpoint) as peer:
            actors = [_fresh(actor) for actor in METHODS]
            rows = [await self._behind(own, peer) for own in actors]
            with self._faults.during("post-throttled", connection=rows[0].connection_id):
                for row in rows:
                    await asyncio.to_thread(self._remind, row)
                for row in rows:
                    await _until(partial(self._moved_on, row))

    async def _behind(self, actor_id: str, peer: Peer) -> Subscription:
        """A row of this connection that misses a change, which the stream processor is done with."""
        stream = await peer.observe(actor_id)
        await peer.call(actor_id, METHODS[actor_id.partition("/")[0]], "first")
        await stream.until(2)
        row = self._row(actor_id, (await self._live(actor_id, stream)).connection_id)
        assert self._subscriptions.open(row, None, now=0)
        return row

    def _moved_on(self, row: Subscription) -> bool:
        """Whether a worker has taken a row over, and put it off after that."""
        found = self._subscriptions.load(row.actor_id, row.stream_id, now=0)
        return found is not None and found.opener not in (row.opener, successor(row.opener))

    def _remind(self, row: Subscription) -> None:
        """Send an actor's function a reminder of a row."""
        function = self._outputs["functions"][FUNCTIONS[row.actor_id.partition("/")[0]]]
        body = write_reminder(Reminder(row.actor_id, row.stream_id, row.opener, start=int(self._clock.now() * 1000)))
        self._aws.queues.send_message(QueueUrl=catch_up_queue(self._aws, function), MessageBody=body)

    async def _outlive(self) -> None:
        """A post to a connection that died unnoticed ends all that it had."""
        connection_id = f"{uuid.uuid4().hex[:15]}="
        rows = [self._row(_fresh("todos"), connection_id) for _ in range(2)]
        self._connections.register(Connection(connection_id=connection_id, connected_at=0, ttl=self._later()))
        for row in rows:
            assert self._subscriptions.open(row, None, now=0)
            assert self._subscriptions.flip_live(row, 0)
            assert self._connections.note_stream(connection_id, row.actor_id, row.stream_id, 0)
        async with Peer.at(self._endpoint) as peer:
            await peer.call(rows[0].actor_id, METHODS["todos"], "first")
        for row in rows:
            await _until(partial(self._subscriptions.find_detached, row.stream_id, now=0))
        await _until(lambda: self._connections.load(connection_id) is None)
        logged = partial(self._logged, "stream-processor", rows[0].actor_id)
        await _until(logged)
        async with Peer.at(self._endpoint) as peer:  # while it is answered, a line that may not stay is taken back
            await peer.call(rows[0].actor_id, METHODS["todos"], "second")
        assert await asyncio.to_thread(logged), "a line of the stream processor is gone"

    async def _give_up(self) -> None:
        """A change that cannot be delivered ends in the failure queue."""
        own, table = _fresh("todos"), self._outputs["subscriptions_table"]
        queue = failure_queue(self._aws, self._outputs["functions"]["stream-processor"])
        self._aws.queues.purge_queue(QueueUrl=queue)  # of what other removals have left there
        broken: Any = {"actorId": {"S": own}, "streamId": {"S": "broken"}}
        self._aws.dynamodb.put_item(TableName=table, Item=broken | {"ttl": {"N": str(self._later())}})
        try:
            async with Peer.at(self._endpoint) as peer:
                await peer.call(own, METHODS["todos"], "lost")
            await _until(partial(has_dead_letter, self._aws, queue))
        finally:
            self._aws.dynamodb.delete_item(TableName=table, Key=broken)

    def _logged(self, role: str, actor_id: str) -> list[str]:
        """What a function's log says about an actor; the lines of a call are there before its reply."""
        group = f"/aws/lambda/{self._outputs['functions'][role].split(':')[6]}"
        recently = int(time.time() - LOG_SECONDS) * 1000
        pages = self._aws.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=recently, filterPattern=json.dumps(actor_id)
        )
        return [event["message"] for page in pages for event in page["events"]]

    def _later(self) -> int:
        """In an hour on the sandbox's clock, which other tests may have turned by days."""
        return int(self._clock.now()) + 3600

    def _row(self, actor_id: str, connection_id: str) -> Subscription:
        return Subscription(
            actor_id=actor_id,
            stream_id=uuid.uuid4(),
            connection_id=connection_id,
            connected_at=0,
            target="observeState",
            opener=uuid.uuid4(),
            base=0,
            ttl=self._later(),
        )

    async def _live(self, actor_id: str, stream: Stream) -> Subscription:
        def live() -> Subscription | None:
            row = self._attached(actor_id, stream)
            return row if row is not None and row.phase is Phase.LIVE else None

        await _until(live)
        found = live()
        assert found is not None
        return found

    def _attached(self, actor_id: str, stream: Stream) -> Subscription | None:
        return self._subscriptions.load(actor_id, UUID(stream.stream_id), now=0)

    def _detached(self, stream: Stream) -> Subscription | None:
        return self._subscriptions.find_detached(UUID(stream.stream_id), now=0)

    def _connection(self, connection_id: str) -> Connection:
        found = self._connections.load(connection_id)
        assert found is not None, f"connection {connection_id} is gone"
        return found


async def _until(look: Callable[[], object]) -> None:
    while not await asyncio.to_thread(look):
        await asyncio.sleep(0.05)


def _fresh(actor: str) -> str:
    return f"{actor}/{uuid.uuid4().hex}"
