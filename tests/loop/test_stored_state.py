"""What lies in the tables, and who listens to it."""

import asyncio
import json
import time

from tests.loop.conftest import Deployed
from tests.loop.peer import Peer


def _item(deployed: Deployed, actor: str) -> dict[str, object]:
    found = deployed.aws.dynamodb.get_item(
        TableName=deployed.outputs["state_table"], Key={"actorId": {"S": actor}}, ConsistentRead=True
    )
    item = found["Item"]
    return {
        "state": json.loads(item["state"]["B"]),
        "version": int(item["version"]["N"]),
        "updatedAt": int(item["updatedAt"]["N"]),
    }


def test_item_holds_what_was_called(deployed: Deployed, todos: str) -> None:
    """Each call that changes something is one version of the actor's item."""

    async def scenario() -> None:
        async with Peer.at(deployed.endpoint) as peer:
            await peer.call(todos, "addTodo", "Buy milk")
            await peer.call(todos, "addTodo", "Bake bread")

    asyncio.run(scenario())
    item = _item(deployed, todos)
    assert isinstance(item["state"], dict)
    assert [todo["title"] for todo in item["state"]["todos"]] == ["Buy milk", "Bake bread"]
    assert item["version"] == 2


def test_write_from_outside_reaches_the_watcher(deployed: Deployed, todos: str) -> None:
    """Whoever writes the next version under the version's condition is seen by everybody who watches."""

    async def scenario() -> tuple[list[int], list[str]]:
        async with Peer.at(deployed.endpoint) as peer:
            await peer.call(todos, "addTodo", "Buy milk")
            stream = await peer.observe(todos)
            await stream.until(1)
            await asyncio.to_thread(_write_outside, deployed, todos)
            values = await stream.until(2)
            return stream.numbers, [todo["title"] for todo in values[-1]["todos"]]

    numbers, titles = asyncio.run(scenario())
    assert titles == ["from outside"]
    assert numbers[1] == numbers[0] + 1


def _write_outside(deployed: Deployed, actor: str) -> None:
    state = {"todos": [{"id": "1", "title": "from outside", "completed": False}]}
    deployed.aws.dynamodb.update_item(
        TableName=deployed.outputs["state_table"],
        Key={"actorId": {"S": actor}},
        UpdateExpression="SET #state = :state, version = version + :one, updatedAt = :now",
        ConditionExpression="version = :one",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={
            ":state": {"B": json.dumps(state).encode()},
            ":one": {"N": "1"},
            ":now": {"N": str(int(time.time() * 1000))},
        },
    )


def test_without_the_mapping_nothing_is_pushed(deployed: Deployed, todos: str) -> None:
    """Updates come through the table's stream and no other way: without its mapping a watcher hears nothing."""
    functions = deployed.aws.functions

    async def scenario() -> tuple[int, int]:
        async with Peer.at(deployed.endpoint) as peer:
            stream = await peer.observe(todos)
            await stream.until(1)
            processor = deployed.outputs["functions"]["stream-processor"]
            [mapping] = functions.list_event_source_mappings(FunctionName=processor)["EventSourceMappings"]
            functions.delete_event_source_mapping(UUID=mapping["UUID"])
            await peer.call(todos, "addTodo", "unheard")
            await (await peer.socket.ping())
            unheard = len(stream.values)
            await asyncio.to_thread(deployed.pulumi, "up", "--yes", "--skip-preview", "--refresh")
            await peer.call(todos, "addTodo", "heard")
            values = await stream.until_true(lambda values: len(values[-1]["todos"]) == 2)
            return unheard, len(values)

    unheard, heard = asyncio.run(scenario())
    assert unheard == 1
    assert heard >= 2
