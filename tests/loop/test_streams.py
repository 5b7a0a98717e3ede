"""Streams over real sockets: every version, in order, to everybody, whoever else dies."""

import asyncio
from contextlib import AsyncExitStack

from sandbox.handle import Handle
from tests.loop.conftest import Deployed
from tests.loop.late import live_row, until_left_to_a_worker
from tests.loop.peer import Peer, Stream
from tests.loop.workshop import eventually


def test_watcher_sees_every_version_in_order(deployed: Deployed, todos: str) -> None:
    """The state as it is comes first, then each change; the last one is the final state."""

    async def scenario() -> tuple[list[int], list[list[str]]]:
        async with Peer.at(deployed.endpoint) as watcher, Peer.at(deployed.endpoint) as caller:
            stream = await watcher.observe(todos)
            for index in range(5):
                await caller.call(todos, "addTodo", str(index))
            values = await stream.until(6)
            return stream.numbers, [[todo["title"] for todo in value["todos"]] for value in values]

    numbers, titles = asyncio.run(scenario())
    assert titles == [[str(index) for index in range(count)] for count in range(6)]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    assert numbers[0] >= 1


def test_one_property_is_streamed_alone(deployed: Deployed, game: str) -> None:
    """``observePlayers`` streams the players, not the whole state."""

    async def scenario() -> object:
        async with Peer.at(deployed.endpoint) as peer:
            stream = await peer.observe(game, "observePlayers")
            await peer.call(game, "join", "ada")
            return (await stream.until(2))[-1]

    players = asyncio.run(scenario())
    assert isinstance(players, dict)
    assert set(players) == {"ada"}


def test_twenty_subscribers_all_see_the_end(deployed: Deployed, game: str) -> None:
    """Everybody who watches gets every version, and nobody is kept who has left."""

    async def scenario() -> list[list[object]]:
        async with AsyncExitStack() as stack:
            peers = [await stack.enter_async_context(Peer.at(deployed.endpoint)) for _ in range(20)]
            streams = [await peer.observe(game) for peer in peers]
            for name in ("ada", "bob", "eve"):
                await peers[0].call(game, "join", name)
            return [[sorted(value["players"]) for value in await stream.until(4)] for stream in streams]

    expected = [[], ["ada"], ["ada", "bob"], ["ada", "bob", "eve"]]
    assert asyncio.run(scenario()) == [expected] * 20
    # Twenty functions that start at once for twenty disconnects leave a busy machine no time for the next connect.
    _until_subscribers(deployed, game, 0, seconds=120)


def test_two_subscriptions_share_a_connection(deployed: Deployed, todos: str, game: str) -> None:
    """One connection can watch two actors, and one actor twice; nothing is mixed up."""

    async def scenario() -> tuple[object, object, object]:
        async with Peer.at(deployed.endpoint) as peer:
            first, second, room = await peer.observe(todos), await peer.observe(todos), await peer.observe(game)
            await peer.call(todos, "addTodo", "Buy milk")
            await peer.call(game, "join", "ada")
            ids = {first.stream_id, second.stream_id, room.stream_id}
            values = [(await stream.until(2))[-1] for stream in (first, second, room)]
            return len(ids), [value["todos"][0]["title"] for value in values[:2]], sorted(values[2]["players"])

    assert asyncio.run(scenario()) == (3, ["Buy milk", "Buy milk"], ["ada"])


def test_unsubscribed_stream_falls_silent(deployed: Deployed, todos: str) -> None:
    """After ``clientUnsubscribed`` nothing comes on that stream, while another one goes on."""

    async def scenario() -> tuple[int, int]:
        async with Peer.at(deployed.endpoint) as peer:
            left, kept = await peer.observe(todos), await peer.observe(todos)
            await left.until(1)
            payload = {"streamID": left.stream_id, "reason": "clientUnsubscribed"}
            await peer.send({"action": "todos", "type": "streamEnd", "payload": payload})
            await asyncio.to_thread(_until_subscribers, deployed, todos, 1)
            await peer.call(todos, "addTodo", "Buy milk")
            await kept.until(2)
            return len(left.values), len(kept.values)

    assert asyncio.run(scenario()) == (1, 2)


def test_dead_client_is_detached_and_others_are_served(deployed: Deployed, todos: str) -> None:
    """A client that dies leaves the actor's subscribers; the others miss nothing."""

    async def scenario() -> list[int]:
        async with Peer.at(deployed.endpoint) as survivor:
            stream = await survivor.observe(todos)
            async with Peer.at(deployed.endpoint) as victim:
                await (await victim.observe(todos)).until(1)
                victim.break_off()
            for index in range(3):
                await survivor.call(todos, "addTodo", str(index))
            await stream.until(4)
            await asyncio.to_thread(_until_subscribers, deployed, todos, 1)
            return [len(value["todos"]) for _, value in stream.values]

    assert asyncio.run(scenario()) == [0, 1, 2, 3]


def test_resumed_stream_misses_nothing(deployed: Deployed, todos: str) -> None:
    """After a drop, what happened meanwhile is replayed under the stream's own numbers."""

    async def scenario() -> tuple[list[int], list[int], object]:
        async with Peer.at(deployed.endpoint) as caller:
            async with Peer.at(deployed.endpoint) as first:
                stream = await first.observe(todos)
                await caller.call(todos, "addTodo", "0")
                await stream.until(2)
                first.break_off()
            for index in (1, 2):
                await caller.call(todos, "addTodo", str(index))
            async with Peer.at(deployed.endpoint) as second:
                resumed = await second.resume(todos, stream, stream.numbers[-1])
                await resumed.until(2)
                await caller.call(todos, "addTodo", "3")
                values = await resumed.until(3)
                return stream.numbers, resumed.numbers, len(values[-1]["todos"])

    before, after, todo_count = asyncio.run(scenario())
    assert after == [before[-1] + 1, before[-1] + 2, before[-1] + 3]
    assert todo_count == 4


def test_a_throttled_subscriber_gets_the_last_state_without_asking(deployed: Deployed, todos: str) -> None:
    """Nothing else changes and it asks for nothing: a worker brings what it missed, and nobody waited for it."""
    sandbox = Handle(deployed.local.environment["AWS_ENDPOINT_URL"])

    async def scenario() -> tuple[list[int], list[int]]:
        async with Peer.at(deployed.endpoint) as slow, Peer.at(deployed.endpoint) as quick:
            late, prompt = await slow.observe(todos), await quick.observe(todos)
            connection_id = (await asyncio.to_thread(live_row, deployed, todos, late))["connectionId"]["S"]
            with sandbox.faults.during("post-throttled", connection=connection_id):
                await quick.call(todos, "addTodo", "0")
                await quick.call(todos, "addTodo", "1")
                await prompt.until(3)
                await asyncio.to_thread(until_left_to_a_worker, deployed, todos, late)
                assert len(late.values) == 1
            await asyncio.to_thread(eventually, lambda: _later(sandbox, late, 3), what="what was missed")
            return late.numbers, [len(value["todos"]) for _, value in late.values]

    numbers, counts = asyncio.run(scenario())
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert counts == [0, 1, 2]


def _later(sandbox: Handle, stream: Stream, count: int) -> bool:
    """Whether so many values are there; if not, seconds pass."""
    if len(stream.values) < count:
        sandbox.clock.advance(5)
    return len(stream.values) >= count


def _until_subscribers(deployed: Deployed, actor: str, count: int, *, seconds: float = 30) -> None:
    """Wait until an actor's partition of the subscriptions holds so many rows."""

    def look() -> bool:
        rows = deployed.aws.dynamodb.query(
            TableName=deployed.outputs["subscriptions_table"],
            KeyConditionExpression="actorId = :actor",
            ExpressionAttributeValues={":actor": {"S": actor}},
            ConsistentRead=True,
        )["Items"]
        return len([row for row in rows if "connectionId" in row]) == count

    eventually(look, seconds=seconds, what=f"{count} subscribers of {actor}")
