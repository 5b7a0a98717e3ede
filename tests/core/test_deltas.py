"""Values sent as differences."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tests.support.world import World
from trebuche import Actor, DeltaReader, StateDelta, distributed
from trebuche.documents import dumps, loads
from trebuche.errors import MalformedError, NoBaseValueError
from trebuche.values import from_json, to_json

FULL = '{"isFull":true,"data":"eyJjb3VudCI6NDB9"}'
CHANGE = '{"isFull":false,"data":"eyJjb3VudCI6Mn0="}'


@dataclass
class Count:
    """A value whose differences are of its own type."""

    count: int = 0


@dataclass
class Meter:
    """How it moved last."""

    moved: StateDelta = field(default_factory=lambda: StateDelta.full(Count, Count()))


class Odometer(Actor[Meter], exposed_as="odometer"):
    """Streams its moves."""

    @distributed
    def move(self, by: int) -> StateDelta:
        """Go on."""
        self.state.moved = StateDelta.change(Count, Count(by))
        return self.state.moved


def added(before: Count, difference: Count) -> Count:
    """The value after a difference."""
    return Count(before.count + difference.count)


def test_written_as_the_format_says() -> None:
    """Both members, data as base64 of a JSON document of the same type."""
    assert dumps(to_json(StateDelta, StateDelta.full(Count, Count(40)))) == FULL
    assert dumps(to_json(StateDelta, StateDelta.change(Count, Count(2)))) == CHANGE


def test_read_and_put_together() -> None:
    """40 and 2 more are 42; a whole value starts anew."""
    reader = DeltaReader(Count, added)
    taken = [reader.take(from_json(StateDelta, loads(text))) for text in (FULL, CHANGE, CHANGE, FULL)]
    assert taken == [Count(40), Count(42), Count(44), Count(40)]


def test_a_difference_before_any_whole_value_is_an_error() -> None:
    """Also after a gap, when the reader was told to forget."""
    reader = DeltaReader(Count, added)
    with pytest.raises(NoBaseValueError, match="before any whole value"):
        reader.take(StateDelta.change(Count, Count(2)))
    assert reader.take(StateDelta.full(Count, Count(1))) == Count(1)
    reader.forget()
    with pytest.raises(NoBaseValueError):
        reader.take(StateDelta.change(Count, Count(2)))


def test_an_unreadable_difference_leaves_the_value() -> None:
    """The next one is applied to what was there before."""
    reader = DeltaReader(Count, added)
    reader.take(StateDelta.full(Count, Count(1)))
    for data in (b"{", b"[]", b"{}{}"):
        with pytest.raises(MalformedError):
            reader.take(StateDelta(False, data))
    assert reader.take(StateDelta.change(Count, Count(2))) == Count(3)


@pytest.mark.parametrize(
    "text",
    [
        '{"data":"e30="}',
        '{"isFull":true}',
        '{"isFull":1,"data":"e30="}',
        '{"isFull":null,"data":"e30="}',
        '{"isFull":true,"data":{}}',
        '{"isFull":true,"data":"e30"}',
        "[]",
    ],
)
def test_both_members_are_required_and_strict(text: str) -> None:
    """As everywhere on the wire."""
    with pytest.raises(MalformedError):
        from_json(StateDelta, loads(text))


def test_dates_in_it_are_iso_8601() -> None:
    """Not Foundation's seconds since 2001."""
    assert StateDelta.full(datetime, datetime(2026, 3, 4, 9, 15, tzinfo=UTC)).data == b'"2026-03-04T09:15:00Z"'


def test_an_actor_returns_and_streams_them() -> None:
    """``data`` is base64 twice on the wire: once its own, once the frame's."""
    world = World(Odometer)
    world.connect()
    world.watch("odometer", "observeMoved")
    assert world.result("odometer", "move", 2) == {"isFull": False, "data": "eyJjb3VudCI6Mn0="}
    world.pump()
    values = [value for _, value in world.values()]
    assert [(value["isFull"], value["data"]) for value in values] == [
        (True, "eyJjb3VudCI6MH0="),
        (False, "eyJjb3VudCI6Mn0="),
    ]
