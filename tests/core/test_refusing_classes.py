"""Dataclasses that check their members: what they refuse is a document that cannot be read, and says where."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.support.world import World, call, observe
from trebuche import Actor, distributed
from trebuche.envelopes import StreamErrorEnvelope
from trebuche.errors import MalformedError
from trebuche.reminders import write_reminder
from trebuche.stored import Reminder
from trebuche.values import from_json


@dataclass
class Item:
    """Has a title, and not more of it than there may be."""

    title: str
    count: int = 1

    def __post_init__(self) -> None:
        """Refuse a title that is none."""
        if not self.title:
            raise ValueError("a title is missing")


@dataclass
class Basket:
    """At most two items."""

    items: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse a third one."""
        if len(self.items) > 2:
            raise TypeError("more than two items")


class Shop(Actor[Basket], exposed_as="shop"):
    """Keeps a basket."""

    @distributed
    def add(self, item: Item) -> None:
        """Put something into it."""
        self.state.items.append(item)


WRONG = "items[1]: Item refuses it: ValueError: a title is missing"
STATE = b'{"items":[{"count":1,"title":"a"},{"count":1,"title":""}]}'
UNREADABLE = f"the stored state of 'shop' (schema 1) cannot be read: {WRONG}"


@pytest.fixture
def world() -> World:
    """A basket with something in it, and a subscriber."""
    world = World(Shop)
    world.connect()
    world.result("shop", "add", {"title": "a"})
    world.pump()
    world.watch("shop")
    world.frames()
    return world


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"items": [{"title": "a", "count": 1}, {"title": "", "count": 1}]}, WRONG),
        ({"items": [{"title": "a"}, {"title": ""}]}, WRONG),
        ({"items": [{"title": "a"}] * 3}, "Basket refuses it: TypeError: more than two items"),
    ],
)
def test_what_a_class_refuses_is_told_with_its_place(document: Any, problem: str) -> None:
    """By the shortcut, by the loops, and at the top, which has no place."""
    with pytest.raises(MalformedError) as refused:
        from_json(Basket, document)

    assert str(refused.value) == problem


def test_a_state_that_its_class_refuses_names_actor_schema_and_member(world: World) -> None:
    """It stays as it was."""
    stored = world.states.states["shop"] = replace(world.states.states["shop"], state=STATE)

    assert world.ask(call("shop", "add", {"title": "b"})).error_message == UNREADABLE
    assert world.states.states["shop"] is stored


def test_observing_a_state_that_its_class_refuses_ends_with_its_error(world: World) -> None:
    """Whoever asks for it is told what is wrong with it."""
    world.states.states["shop"] = replace(world.states.states["shop"], state=STATE)

    assert UNREADABLE in world.send(observe("shop"))["body"]


def test_a_worker_tells_of_a_state_that_its_class_refuses(world: World) -> None:
    """Its message is done with, and does not come again for ever."""
    (row,) = world.subscriptions.attached.values()
    assert world.subscriptions.go_opening(row, row.sent, row.opener)
    world.states.states["shop"] = replace(world.states.states["shop"], state=STATE)
    body = write_reminder(Reminder(row.actor_id, row.stream_id, row.opener, world.clock.now_ms()))

    assert world.gateway.catch_up({"Records": [{"messageId": "1", "body": body}]}) == {"batchItemFailures": []}
    [error] = world.frames()
    assert isinstance(error, StreamErrorEnvelope)
    assert error.error_message == UNREADABLE
    assert world.subscriptions.attached == {}


def test_an_argument_that_its_class_refuses_is_named(world: World) -> None:
    """It is the caller's mistake, and not ours."""
    answer = world.ask(call("shop", "add", {"title": ""}))

    assert answer.error_message == "add: argument 1 (item): Item refuses it: ValueError: a title is missing"
