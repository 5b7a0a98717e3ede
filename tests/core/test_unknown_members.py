"""What newer code has stored outlives the calls of older code, which does not know it."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.support.world import World, call, write_state
from trebuche import Actor, distributed, query
from trebuche.documents import loads


@dataclass(frozen=True)
class Item:
    """One of many."""

    name: str


@dataclass(frozen=True)
class Stock:
    """A state that can only be replaced."""

    count: int = 0
    note: str | None = None
    items: list[Item] = field(default_factory=list)


class Shop(Actor[Stock], exposed_as="shop"):
    """Puts another state in the place of the one before."""

    @distributed
    def sell(self) -> int:
        """Count."""
        self.state = replace(self.state, count=self.state.count + 1)
        return self.state.count

    @distributed
    def forget(self) -> None:
        """Begin with a new one."""
        self.state = Stock()

    @query
    def look(self) -> int:
        """Replaces it by an equal one, which is no change."""
        self.state = replace(self.state)
        return self.state.count


STORED = {"count": 1, "note": "closed", "state": 7, "items": [{"name": "tea", "color": "green"}], "colors": {"n": 1}}


@pytest.fixture
def world() -> World:
    """A shop of which newer code has stored more than this code knows."""
    world = World(Shop)
    write_state(world, "shop", STORED)
    return world


def stored(world: World, actor: str) -> Any:
    """The document."""
    return loads(world.states.states[actor].state)


def test_a_state_that_was_replaced_keeps_what_is_unknown(world: World) -> None:
    """Objects below it that were not replaced do, too."""
    assert world.result("shop", "sell") == 2
    assert stored(world, "shop") == STORED | {"count": 2}


def test_a_state_that_begins_anew_loses_only_what_is_declared(world: World) -> None:
    """A member that is left out when there is none is not unknown."""
    assert world.result("shop", "forget") is None
    assert stored(world, "shop") == {"count": 0, "items": [], "state": 7, "colors": {"n": 1}}


def test_a_query_may_replace_a_state_by_an_equal_one(world: World) -> None:
    """What it left out is not taken for a change."""
    before = world.states.states["shop"]
    assert world.ask(call("shop", "look")).result == b"1"
    assert world.states.states["shop"] is before


@dataclass(slots=True)
class Slotted:
    """A part without room."""

    x: int = 0


@dataclass
class Board:
    """A state with such parts."""

    fields: dict[str, list[Slotted]] = field(default_factory=dict)


class Game(Actor[Board], exposed_as="board"):
    """Has them in its state."""

    @distributed
    def put(self, piece: Slotted) -> None:
        """Takes one, which is nothing that is kept."""
        self.state.fields["a"] = [piece]


def test_a_state_with_slots_is_refused_by_name() -> None:
    """Where they are, why, and what to do; where nothing is kept there is nothing to lose."""
    with pytest.raises(TypeError, match=r"Board\.fields: Slotted: instances with slots .* leave slots=True out"):
        World(Game)
    assert World(Game, stateful=False).result("board", "put", {"x": 1}) is None
