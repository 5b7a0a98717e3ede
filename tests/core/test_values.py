"""Typed values in the shapes of Swift's Codable: each row in both directions, each refusal with its place."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NewType, Optional
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trebuche.documents import Json, dumps, loads
from trebuche.errors import MalformedError
from trebuche.values import from_json, plan_of, to_json

ID = "3F0E9C52-7D1B-4A86-B2E4-90C7D5A1E638"


class Mode(StrEnum):
    """An enum with text."""

    AUTO = "auto"
    MANUAL = "manual"


class Level(IntEnum):
    """An enum with numbers."""

    LOW = 1
    HIGH = 2


@dataclass
class Todo:
    """A record with a default."""

    id: UUID
    title: str
    completed: bool = False


@dataclass
class Todos:
    """A state."""

    todos: list[Todo] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Point:
    """A record without a dictionary of its own."""

    x: float
    y: float = 0.0


@dataclass(frozen=True)
class Everything:
    """Names, optionals and keys of every kind."""

    created_at: datetime
    raw_data: bytes
    note: str | None
    from_: str = ""
    call_id: str = field(default="", metadata={"key": "callID"})
    hint: str | None = "none given"
    tags: set[str] = field(default_factory=set)


@dataclass
class Tree:
    """A record that contains itself."""

    name: str
    children: "list[Tree]" = field(default_factory=list)
    parent: "Tree | None" = None


@dataclass
class Move:
    """A case with values."""

    dx: int
    dy: int


@dataclass
class SayAloud:
    """A case with an unlabelled value."""

    _0: str


@dataclass
class Strange:
    """A record that cannot travel."""

    when: list[complex]


@dataclass
class Clash:
    """Two names, one key."""

    some_name: int
    someName: int  # noqa: N815


class Outer:
    """A scope."""

    @dataclass
    class Move:
        """Another class of the same name."""

        steps: int


UserId = NewType("UserId", str)
MOMENT = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)

SHAPES: list[tuple[Any, Any, str]] = [
    (float, 21.5, "21.5"),
    (float, 21.0, "21"),
    (float, 1e300, "1e+300"),
    (str, "north", '"north"'),
    (int, 2**64, "18446744073709551616"),
    (bool, True, "true"),
    (None, None, "null"),
    (str | None, None, "null"),
    (Optional[int], 7, "7"),  # noqa: UP045 - what older code says
    (datetime, MOMENT, '"2026-03-04T09:15:00Z"'),
    (UUID, UUID(ID), f'"{ID}"'),
    (bytes, b"\x00\x01\xff", '"AAH/"'),
    (Mode, Mode.AUTO, '"auto"'),
    (Level, Level.HIGH, "2"),
    (Literal["a", 1, None], 1, "1"),
    (UserId, "ann", '"ann"'),
    (Annotated[int, "seconds"], 7, "7"),
    (list[int | None], [1, None], "[1,null]"),
    (tuple[int, ...], (1, 2), "[1,2]"),
    (tuple[int, str], (1, "a"), '[1,"a"]'),
    (tuple[()], (), "[]"),
    (set[str], {"b", "a", "c"}, '["a","b","c"]'),
    (frozenset[int], frozenset({2, 1}), "[1,2]"),
    (dict[str, int], {"a b": 1}, '{"a b":1}'),
    (dict[int, str], {-7: "x", 0: "y"}, '{"-7":"x","0":"y"}'),
    (dict[UUID, int], {UUID(ID): 1}, f'["{ID}",1]'),
    (dict[Mode, int], {Mode.AUTO: 1, Mode.MANUAL: 2}, '["auto",1,"manual",2]'),
    (dict[str, list[int]], {"a": []}, '{"a":[]}'),
    (Any, {"a": [1, 2.5, None, True, "é"]}, '{"a":[1,2.5,null,true,"é"]}'),
    (dict, {"a": 1}, '{"a":1}'),
    (list, [1, "a"], '[1,"a"]'),
    (tuple, (1, "a"), '[1,"a"]'),
    (Todo, Todo(UUID(ID), "Plant"), f'{{"id":"{ID}","title":"Plant","completed":false}}'),
    (Point, Point(0.41, 2.0), '{"x":0.41,"y":2}'),
    (
        Everything,
        Everything(MOMENT, b"", None, "a", "b", None, {"t"}),
        '{"createdAt":"2026-03-04T09:15:00Z","rawData":"","from":"a","callID":"b","hint":null,"tags":["t"]}',
    ),
    (Tree, Tree("a", [Tree("b")]), '{"name":"a","children":[{"name":"b","children":[]}]}'),
    (Move | SayAloud, Move(1, -1), '{"move":{"dx":1,"dy":-1}}'),
    (Move | SayAloud | None, SayAloud("hi"), '{"sayAloud":{"_0":"hi"}}'),
    (Move | SayAloud | None, None, "null"),
]

REFUSED: list[tuple[Any, str, str]] = [
    (Todos, '{"todos":[{"id":"' + ID + '","title":"a"},{"title":"b"}]}', "todos[1].id: missing"),
    (Todos, '{"todos":[{"id":"' + ID + '","title":7}]}', "todos[0].title: expected text, got number"),
    (Todos, '{"todos":{}}', "todos: expected an array, got object"),
    (Todos, "[]", "expected an object, got array"),
    (Todo, '{"id":"' + ID + '","title":null}', "title: expected text, got null"),
    (Todo, '{"id":"' + ID + '","title":"a","completed":null}', "completed: expected true or false, got null"),
    (int, "true", "expected a whole number, got boolean"),
    (int, '"7"', "expected a whole number, got text"),
    (int, "7.5", "expected a whole number, got 7.5"),
    (int, "1e400", "expected a whole number, got inf"),
    (float, "true", "expected a number, got boolean"),
    (float, '"7"', "expected a number, got text"),
    (float, "1e400", "expected a finite number"),
    (float, "9" * 400, "expected a finite number"),
    (bool, "1", "expected true or false, got number"),
    (str, "7", "expected text, got number"),
    (str, '"\\ud800"', "lone surrogate at character 0"),
    (None, "0", "expected null, got number"),
    (Any, '{"a":["\\ud800"]}', "a[0]: lone surrogate"),
    (Any, "[1e400]", "[0]: expected a finite number"),
    (datetime, '"2026-03-04"', "expected a date like"),
    (Mode, '"Auto"', "expected one of 'auto', 'manual', got 'Auto'"),
    (Mode, "[]", "expected one of 'auto', 'manual', got array"),
    (Level, "true", "expected one of 1, 2, got True"),
    (Level, "3", "expected one of 1, 2, got 3"),
    (Literal[1], "true", "expected one of 1, got True"),
    (tuple[int, str], "[1]", "expected 2 elements, got 1"),
    (tuple[int, str], '[1,"a",2]', "expected 2 elements, got 3"),
    (tuple[int, str], "[1,2]", "[1]: expected text, got number"),
    (dict[str, int], '{"a":{"b":1}}', "a: expected a whole number, got object"),
    (dict[str, int], '{"a b":"x"}', "['a b']: expected a whole number, got text"),
    (dict[str, int], "[]", "expected an object, got array"),
    (dict[int, int], '{"07":1}', "['07']: expected a whole number as key"),
    (dict[int, int], '{"1.0":1}', "['1.0']: expected a whole number as key"),
    (dict[UUID, int], f'["{ID}"]', "expected keys and values in turn, got 1 elements"),
    (dict[UUID, int], f'["{ID}","a"]', "[1]: expected a whole number, got text"),
    (set[int], '[1,"a"]', "[1]: expected a whole number, got text"),
    (Move | SayAloud, '{"move":{"dx":1}}', "move.dy: missing"),
    (Move | SayAloud, '{"jump":{}}', "expected one key of move, sayAloud, got 'jump'"),
    (Move | SayAloud, "{}", "expected an object with one key of move, sayAloud"),
]

UNWRITABLE: list[tuple[Any, Any, str]] = [
    (float, float("nan"), "expected a finite number"),
    (float, True, "expected a number, got boolean"),
    (int, 7.0, "expected a whole number, got 7.0"),
    (int, False, "expected a whole number, got boolean"),
    (str, None, "expected text, got null"),
    (list[str], ["a", 7], "[1]: expected text, got number"),
    (list[str], "ab", "expected an array, got text"),
    (set[int], [1], "expected a set, got array"),
    (dict[str, int], {1: 1}, "['1']: expected text, got number"),
    (dict[int, int], {True: 1}, "True: expected a whole number as key, got boolean"),
    (dict[str, int], [], "expected a map, got array"),
    (Todos, Todos([Todo(UUID(ID), 7)]), "todos[0].title: expected text, got number"),  # type: ignore[arg-type]
    (Todo, {"title": "a"}, "expected Todo, got object"),
    (UUID, ID, "expected UUID, got text"),
    (datetime, datetime(2026, 3, 4), "expected a date with a time zone"),
    (bytes, "abc", "expected bytes, got text"),
    (Mode, "auto", "expected one of 'auto', 'manual', got 'auto'"),
    (Any, {"a": {1}}, "a: expected a JSON value, got set"),
    (Any, {1: "a"}, "['1']: expected text, got number"),
    (tuple[int, int], (1,), "expected 2 elements, got 1"),
    (tuple[int, int], 7, "expected an array, got number"),
    (Move | SayAloud, Todos(), "expected one of Move, SayAloud, got Todos"),
]


@pytest.mark.parametrize(("hint", "value", "text"), SHAPES)
def test_written_as_swift_writes_it(hint: Any, value: Any, text: str) -> None:
    """Each row of the table of argument shapes, to the letter."""
    assert dumps(to_json(hint, value)) == text


@pytest.mark.parametrize(("hint", "value", "text"), SHAPES)
def test_read_as_it_was_written(hint: Any, value: Any, text: str) -> None:
    """The same rows backwards, with the same types."""
    read = from_json(hint, loads(text))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("hint", "text", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_refuses_what_does_not_fit(hint: Any, text: str, message: str) -> None:
    """The message names the place, what is expected and what is there."""
    with pytest.raises(MalformedError) as caught:
        from_json(hint, loads(text))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("hint", "value", "message"), UNWRITABLE, ids=[message for *_, message in UNWRITABLE])
def test_does_not_write_what_is_not_of_the_type(hint: Any, value: Any, message: str) -> None:
    """An actor's mistake shows in its own turn, not when the state is read again."""
    with pytest.raises(MalformedError) as caught:
        to_json(hint, value)
    assert str(caught.value).startswith(message)


def test_a_whole_number_is_a_float() -> None:
    """Swift writes 21.0 as 21."""
    read = from_json(float, 21)
    assert (read, type(read)) == (21.0, float)


def test_missing_members_take_their_defaults() -> None:
    """A newer program reads what an older one stored; an optional without default is nil."""
    read = from_json(Everything, {"createdAt": "2026-03-04T09:15:00Z", "rawData": ""})
    assert read == Everything(MOMENT, b"", None)


def test_none_survives_where_the_default_is_another_value() -> None:
    """Leaving the key out would bring the default back."""
    value = Everything(MOMENT, b"", None, hint=None)
    assert from_json(Everything, to_json(Everything, value)) == value


def test_unknown_members_are_ignored() -> None:
    """A newer client may send more."""
    assert to_json(Point, from_json(Point, {"x": 1, "z": 3})) == {"x": 1, "y": 0}


def test_unknown_members_of_a_state_are_kept() -> None:
    """An older program changes a state without erasing what a newer one stored in it."""
    document: Json = {"todos": [{"id": ID, "title": "a", "due": None}, {"id": ID, "title": "b"}], "owner": {"id": 7}}
    state = copy.deepcopy(from_json(Todos, document, keep_unknown=True))
    state.todos.reverse()
    state.todos[1].title = "A"

    assert to_json(Todos, state) == {
        "todos": [
            {"id": ID, "title": "b", "completed": False},
            {"id": ID, "title": "A", "completed": False, "due": None},
        ],
        "owner": {"id": 7},
    }


def test_keeping_unknown_members_does_not_change_equality() -> None:
    """What is carried along is no part of the value."""
    document: Json = {"id": ID, "title": "a", "due": 1}
    assert from_json(Todo, document, keep_unknown=True) == from_json(Todo, document)


def test_slotted_classes_cannot_keep_unknown_members() -> None:
    """There is no room for them, which is said before any are lost."""
    with pytest.raises(TypeError, match="Point: instances with slots have no room"):
        plan_of(list[Point], keep_unknown=True)


@pytest.mark.parametrize("convert", [from_json, to_json])
def test_endless_nesting_is_malformed(convert: Callable[[Any, Any], object]) -> None:
    """The interpreter's stack is no way to find out."""
    tree, document = Tree("leaf"), {"name": "leaf"}
    for _ in range(2000):
        tree, document = Tree("branch", [tree]), {"name": "branch", "children": [document]}  # type: ignore[dict-item]
    with pytest.raises(MalformedError, match="nested too deeply"):
        convert(Tree, tree if convert is to_json else document)


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (complex, "complex has no wire form; use str, int"),
        (int | str, r"int \| str has no wire form"),
        (list[Callable[[], None]], "Callable"),
        (Strange, r"Strange\.when: complex has no wire form"),
        (Clash, "Clash: two fields have the same key"),
        (Enum("Odd", {"A": (1, 2)}), r"Odd\.A: an enum's value must be text or a whole number"),
        (Move | Outer.Move, "two dataclasses of a union have the same name on the wire: move"),
        (dict[complex, int], "complex has no wire form"),
    ],
)
def test_types_without_wire_form_are_named(hint: Any, message: str) -> None:
    """The program says which type, in which member, when it starts; and every time again."""
    for _ in range(2):
        with pytest.raises(TypeError, match=message):
            plan_of(hint)


@given(st.builds(Todos, st.lists(st.builds(Todo, st.uuids(), st.text(), st.booleans()))))
def test_states_come_back(state: Todos) -> None:
    """Through text and back."""
    assert from_json(Todos, loads(dumps(to_json(Todos, state)))) == state


@given(
    st.dictionaries(st.integers(), st.lists(st.sets(st.floats(allow_nan=False, allow_infinity=False)))),
    st.dictionaries(st.uuids(), st.binary() | st.none()),
)
def test_containers_come_back(numbers: dict[int, list[set[float]]], blobs: dict[UUID, bytes | None]) -> None:
    """Through text and back, in any nesting."""
    assert (
        from_json(dict[int, list[set[float]]], loads(dumps(to_json(dict[int, list[set[float]]], numbers)))) == numbers
    )
    assert from_json(dict[UUID, bytes | None], loads(dumps(to_json(dict[UUID, bytes | None], blobs)))) == blobs
