"""Actors as objects, with a class and without: names, types, arguments by position and by name."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, assert_type

import pytest

from tests.clients.python.quick import answer
from tests.support.endpoint import from_data
from trebuche import Actor, distributed, query
from trebuche_client import ActorProxy, TrebuchetClient, Value

STREAM = "2C8A1F60-4B7D-4E93-9D15-6A0E3F7B8C24"


@dataclass
class Item:
    """One thing."""

    title: str
    many: int = 1


@dataclass
class Items:
    """What is kept."""

    on_top: list[Item] = field(default_factory=list)


class Box(Actor[Items], exposed_as="box"):
    """Keeps things."""

    @distributed
    def put_in(self, item: Item, place: int = 7, timeout: str = "none") -> Item:
        """Keep something."""
        raise NotImplementedError

    @query
    def find(self, title: str) -> Item | None:
        """Look for something."""
        raise NotImplementedError

    @distributed(name="throwOut")
    def clear(self) -> None:
        """Keep nothing."""
        raise NotImplementedError


class Shelf(Actor[Items], exposed_as="shelf"):
    """Keeps things elsewhere."""

    @distributed
    def find(self, title: str) -> Item:
        """Look for something."""
        raise NotImplementedError


async def find_milk(peer: Any) -> None:
    """Show one state where it is asked for, and answer each call with an item."""
    while True:
        frame = await peer.receive()
        if frame["payload"]["targetIdentifier"].startswith("observe"):
            await peer.start_stream(frame, STREAM)
            whole = frame["payload"]["targetIdentifier"] == "observeState"
            things = [{"title": "Milk", "many": 2}]
            await peer.state(STREAM, 1, {"onTop": things} if whole else things)
        elif frame["payload"]["targetIdentifier"] == "throwOut":
            await peer.send("response", callID=frame["payload"]["callID"], result="")
        else:
            await answer(peer, frame, {"title": "Milk", "many": 2})


Use = Callable[[Callable[[TrebuchetClient], Awaitable[Any]]], tuple[Any, list[Any]]]


@pytest.fixture
def use(serving: Any) -> Use:
    """Lets a program use a client; what it returned, and the targets and arguments that travelled."""

    def run(program: Callable[[TrebuchetClient], Awaitable[Any]]) -> tuple[Any, list[Any]]:
        endpoint = serving(find_milk)

        async def go() -> Any:
            async with TrebuchetClient(endpoint.url) as client:
                return await program(client)

        result = asyncio.run(go())
        calls = [frame["payload"] for frame in endpoint.received if frame["type"] == "invocation"]
        return result, [(one["targetIdentifier"], *map(from_data, one["arguments"])) for one in calls]

    return run


def test_class_gives_arguments_results_and_states_their_types(use: Use) -> None:
    """Dataclasses go out as objects and come back as themselves."""

    async def program(client: TrebuchetClient) -> list[Any]:
        box = client.resolve(Box, "blue")
        assert box.actor_id == "box/blue"
        put = await box.put_in(Item("Tea"))
        async for state in box.observe():
            assert_type(state, Items)
            break
        async for value in box.observe("on_top").values():
            assert_type(value, Value[Any])
            return [put, state, value.value]
        return []

    things = [Item("Milk", 2), Items([Item("Milk", 2)]), [Item("Milk", 2)]]
    assert use(program) == (things, [("putIn", {"title": "Tea", "many": 1}), ("observeState",), ("observeOnTop",)])


def test_method_of_the_class_is_typed_in_full(use: Use) -> None:
    """Arguments, their names and the result are what the class says, also for a type checker; so is the wire's name."""

    async def program(client: TrebuchetClient) -> list[Any]:
        box = client.resolve(Box)
        found = await box.call(Box.find, title="Milk")
        assert_type(found, Item | None)
        with pytest.raises(TypeError, match="find"):
            await box.call(Box.find, 7)  # type: ignore[call-overload]
        return [found, await box.call(Box.clear)]

    assert use(program) == ([Item("Milk", 2), None], [("find", "Milk"), ("throwOut",)])


def test_names_find_their_places(use: Use) -> None:
    """The wire has places only: what is left out before a name travels as the default, what comes after it does not."""

    async def program(client: TrebuchetClient) -> None:
        box = client.resolve(Box)
        await box.put_in(item=Item("Tea"))
        await box.put_in(Item("Tea"), place=3)
        await box.call(Box.put_in, Item("Tea"), timeout="long")
        await box.call("put_in", Item("Tea"), timeout=20)

    tea = {"title": "Tea", "many": 1}
    sent = [("putIn", tea), ("putIn", tea, 3), ("putIn", tea, 7, "long"), ("putIn", tea)]
    assert use(program) == (None, sent)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda box: box.put_in(), r"put_in\(item, place, timeout\): missing a required argument: 'item'"),
        (lambda box: box.put_in(Item("Tea"), 1, "a", 2), "too many positional arguments"),
        (lambda box: box.put_in(Item("Tea"), colour="red"), "unexpected keyword argument 'colour'"),
        (lambda box: box.put_in(Item("Tea"), place="here"), "place"),
        (lambda box: box.call(Shelf.find, "Milk"), "Shelf.find is no method of Box"),
    ],
)
def test_what_does_not_fit_is_not_sent(use: Use, call: Callable[[ActorProxy[Items]], Awaitable[Any]], why: str) -> None:
    """The error says what the method takes."""

    async def program(client: TrebuchetClient) -> None:
        with pytest.raises(TypeError, match=why):
            await call(client.resolve(Box))

    assert use(program) == (None, [])


def test_without_a_class_there_are_no_names(use: Use) -> None:
    """Nobody here knows which place a name has, or which method a function is."""

    async def program(client: TrebuchetClient) -> None:
        box = client.resolve("box")
        with pytest.raises(TypeError, match="place: the wire has places, no names"):
            await box.put_in(Item("Tea"), place=1)
        with pytest.raises(TypeError, match="resolve the actor by its class"):
            await box.call(Box.find, "Milk")

    assert use(program) == (None, [])


def test_class_knows_what_there_is(use: Use) -> None:
    """A method or a property that it has not is an error before anything is sent."""

    async def program(client: TrebuchetClient) -> None:
        box = client.resolve(Box)
        with pytest.raises(AttributeError, match="there are: find, putIn, throwOut"):
            _ = box.paint
        with pytest.raises(AttributeError, match="no property colour"):
            box.observe("colour")

    assert use(program) == (None, [])
