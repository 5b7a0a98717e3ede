"""Calls over real sockets, through the gateway, the functions and the tables."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from tests.loop.conftest import Deployed
from tests.loop.peer import SECONDS, CallFailedError, Peer


def test_todo_is_added_over_a_socket(deployed: Deployed, todos: str) -> None:
    """A call returns what the method returned."""

    async def scenario() -> object:
        async with Peer.at(deployed.endpoint) as peer:
            return await peer.call(todos, "addTodo", "Buy milk")

    todo = asyncio.run(scenario())
    assert isinstance(todo, dict)
    assert (todo["title"], todo["completed"]) == ("Buy milk", False)
    assert todo["id"]


def test_client_without_action_is_served(deployed: Deployed, todos: str) -> None:
    """Swift clients send no action: the default route forwards them to the actor's function."""

    async def scenario() -> object:
        async with Peer.at(deployed.endpoint) as peer:
            return (await peer.call(todos, "addTodo", "Buy milk", action=False))["title"]

    assert asyncio.run(scenario()) == "Buy milk"


def test_both_actors_keep_their_state(deployed: Deployed, todos: str, game: str) -> None:
    """What one call changes, the next call sees, on another connection as well."""

    async def scenario() -> tuple[object, object]:
        async with Peer.at(deployed.endpoint) as peer:
            todo = await peer.call(todos, "addTodo", "Buy milk")
            await peer.call(game, "join", "ada")
        async with Peer.at(deployed.endpoint) as peer:
            toggled = await peer.call(todos, "toggleTodo", todo["id"])
            moved = await peer.call(game, "move", "ada", 2, -1)
        return toggled["completed"], moved

    completed, moved = asyncio.run(scenario())
    assert completed is True
    assert isinstance(moved, dict)
    assert moved["name"] == "ada"


def test_method_without_result_answers_with_nothing(deployed: Deployed, todos: str) -> None:
    """A void method is acknowledged with an empty result."""

    async def scenario() -> object:
        async with Peer.at(deployed.endpoint) as peer:
            todo = await peer.call(todos, "addTodo", "Buy milk")
            return await peer.call(todos, "removeTodo", todo["id"])

    assert asyncio.run(scenario()) is None


@pytest.mark.parametrize(
    ("method", "arguments", "text"),
    [
        ("toggleTodo", ("no-such-id",), "not found"),
        ("noSuchMethod", (), "noSuchMethod"),
        ("addTodo", (), "argument"),
        ("addTodo", (7,), "title"),
    ],
)
def test_refused_call_says_why(
    deployed: Deployed, todos: str, method: str, arguments: tuple[object, ...], text: str
) -> None:
    """An error of the caller's comes back as text, on a connection that goes on working."""

    async def scenario() -> str:
        async with Peer.at(deployed.endpoint) as peer:
            with pytest.raises(CallFailedError) as caught:
                await peer.call(todos, method, *arguments)
            assert await peer.call(todos, "clearCompleted") == 0
            return str(caught.value)

    message = asyncio.run(scenario())
    assert text in message
    assert "Traceback" not in message


def test_unknown_actor_is_not_found(deployed: Deployed) -> None:
    """The text holds the words that clients look for."""

    async def scenario() -> str:
        async with Peer.at(deployed.endpoint) as peer:
            with pytest.raises(CallFailedError) as caught:
                await peer.call("nobody", "hello")
            return str(caught.value)

    assert asyncio.run(scenario()) == "Actor 'nobody' not found"


def test_hundred_concurrent_calls_lose_nothing(deployed: Deployed, todos: str) -> None:
    """Ten clients add ten todos each: all are there, and every client saw rising numbers ending in that state."""

    async def client(ready: asyncio.Barrier, name: int) -> tuple[list[int], list[str]]:
        async with Peer.at(deployed.endpoint) as peer:
            stream = await peer.observe(todos)
            await ready.wait()
            for index in range(10):
                await peer.call(todos, "addTodo", f"{name}-{index}")
            values = await stream.until_true(lambda values: values and len(values[-1]["todos"]) == 100)
            return stream.numbers, sorted(todo["title"] for todo in values[-1]["todos"])

    async def scenario() -> list[tuple[list[int], list[str]]]:
        ready = asyncio.Barrier(10)
        return await asyncio.gather(*(client(ready, name) for name in range(10)))

    titles = sorted(f"{name}-{index}" for name in range(10) for index in range(10))
    for numbers, seen in asyncio.run(scenario()):
        assert seen == titles
        assert numbers == sorted(set(numbers))


def test_ping_is_answered_without_a_function(deployed: Deployed) -> None:
    """Browsers can send no ping of WebSocket's own; the route's answer tells them that somebody is there."""

    async def scenario() -> object:
        async with asyncio.timeout(SECONDS), connect(deployed.endpoint, open_timeout=SECONDS) as socket:
            await socket.send('{"action":"ping"}')
            return json.loads(await socket.recv())

    assert asyncio.run(scenario()) == {"type": "pong"}
