"""Actor types as documents."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pytest

from trebuche import Actor, distributed, query
from trebuche.actor_types import ActorType
from trebuche.interface import describe, load


class Colour(Enum):
    """As it travels."""

    RED = "red"


@dataclass
class Leaf:
    """Contains itself."""

    name: str
    below: "list[Leaf]" = field(default_factory=list)
    call_id: int | None = field(default=None, metadata={"key": "callID"})
    note: str | None = field(kw_only=True)


@dataclass
class Tree:
    """All."""

    root: Leaf | None = None


Title = NewType("Title", str)


class Forest(Actor[Tree], exposed_as="forest"):
    """A method for each kind of type."""

    @distributed(aliases=["sow"])
    def plant(self, title: Title, depth: Annotated[int, "levels"] = 1) -> Leaf:
        """Plant."""
        return Leaf(title * depth, note=None)

    @query
    def look(self, at: dict[str, set[UUID]], when: tuple[datetime, bytes]) -> Literal["here", "there"]:
        """Look."""
        return "here" if at or when else "there"

    @distributed
    def paint(self, what: Leaf | Tree, colour: Colour, others: Any) -> None:
        """Paint."""


@pytest.fixture
def document() -> dict[str, Any]:
    """The interface of one actor type."""
    return describe([ActorType(Forest)])


def test_methods_have_their_types(document: dict[str, Any]) -> None:
    """Each parameter with its type, and whether it may be left out."""
    methods = document["actors"]["forest"]["methods"]
    leaf = methods["plant"]["returns"]["record"]

    assert methods["plant"]["parameters"] == [
        {"name": "title", "type": "text", "required": True},
        {"name": "depth", "type": "integer", "required": False},
    ]
    assert [one["type"] for one in methods["look"]["parameters"]] == [
        {"map": ["text", {"set": "uuid"}]},
        {"tuple": ["date", "data"]},
    ]
    assert methods["look"]["returns"] == {"choice": ["here", "there"]}
    assert methods["look"]["query"]
    tree = document["actors"]["forest"]["state"]
    assert [one["type"] for one in methods["paint"]["parameters"]] == [
        {"cases": {"leaf": {"record": leaf}, "tree": tree}},
        {"choice": ["red"]},
        "any",
    ]
    assert methods["paint"]["returns"] == "null"


def test_method_is_there_under_its_earlier_names(document: dict[str, Any]) -> None:
    """A method that was renamed with an alias is not gone for anybody."""
    methods = document["actors"]["forest"]["methods"]

    assert methods["sow"] == methods["plant"]


def test_record_has_its_members_as_they_travel(document: dict[str, Any]) -> None:
    """Keys of the wire; what may be missing when it is read is not required."""
    [leaf] = [fields for name, fields in document["types"].items() if name.endswith(".Leaf")]

    assert {key: one["required"] for key, one in leaf.items()} == {
        "name": True,
        "below": False,
        "callID": False,
        "note": False,
    }
    assert leaf["callID"]["type"] == {"optional": "integer"}


def test_class_is_loaded_by_its_reference() -> None:
    """As the deployed function loads it, with whether it keeps anything."""
    kept, forgetful = load("actors.todo_list:TodoList=stateful"), load("actors.todo_list:TodoList=stateless")

    assert (kept.exposed_as, kept.stateful, forgetful.stateful) == ("todos", True, False)
