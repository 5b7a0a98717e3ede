"""What code says of stored states and recorded calls, without a turn."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from trebuche import Actor, distributed
from trebuche.actor_types import ActorType
from trebuche.rehearsal import rehearse


@dataclass
class Item:
    """One."""

    title: str
    note: str | None = None


@dataclass
class Items:
    """All."""

    items: list[Item] = field(default_factory=list)


class ItemList(Actor[Items], exposed_as="items"):
    """Under its second schema."""

    schema = 2

    @classmethod
    def migrate(cls, old: dict[str, Any], schema: int = 1) -> dict[str, Any]:  # noqa: ARG003
        """Lists were called todos."""
        return {"items": old["todos"]}

    @distributed
    def add(self, title: str) -> None:
        """Add."""


def judged(state: object, schema: int) -> Any:
    """What is said of one state."""
    request = {"states": [{"actorId": "items", "state": json.dumps(state), "schema": schema}]}
    [answer] = rehearse(ActorType(ItemList), request)["states"]
    return answer


def called(target: str, *arguments: object) -> Any:
    """What is said of one call."""
    call = {"target": target, "arguments": [json.dumps(one) for one in arguments]}
    [answer] = rehearse(ActorType(ItemList), {"calls": [call]})["calls"]
    return answer["error"]


def test_state_of_today_is_understood() -> None:
    """A member that is null counts as left out."""
    assert judged({"items": [{"title": "Milk", "note": None}]}, 2) == {"error": None, "lost": []}


def test_older_state_is_migrated() -> None:
    """What ``migrate`` takes over is not lost."""
    assert judged({"todos": [{"title": "Milk"}]}, 1) == {"error": None, "lost": []}


def test_members_that_are_only_carried_along_are_named() -> None:
    """With the way to each of them."""
    state = {"items": [{"title": "Milk"}, {"title": "Bread", "due": "today"}], "owner": "ada"}

    assert judged(state, 2) == {"error": None, "lost": [["items", 1, "due"], ["owner"]]}


@pytest.mark.parametrize(
    ("state", "schema", "text"),
    [
        ({"items": [{"title": 7}]}, 2, "items[0].title"),
        ({"items": []}, 3, "stored under schema 3, and this code knows 2"),
        ({"list": []}, 1, "could not be migrated from schema 1 to 2: KeyError"),
    ],
)
def test_state_that_cannot_be_read_says_why(state: object, schema: int, text: str) -> None:
    """Of another type, of newer code, or one that the migration does not know."""
    assert text in judged(state, schema)["error"]


def test_calls_are_held_against_the_methods() -> None:
    """Name, number and types of the arguments, and what can be observed."""
    assert called("add", "Milk") is None
    assert "argument 1 (title)" in called("add", 7)
    assert "expected 1 argument" in called("add")
    assert "Method 'remove' not found" in called("remove")
    assert called("observeItems") is None
    assert "no property 'todos'; there are: items, state" in called("observeTodos")
