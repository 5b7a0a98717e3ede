"""Which differences between two releases break those who are there already."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import pytest

from infra.compatibility import Kind, breaking, differences, is_allowed
from infra.type_changes import Side, reading
from trebuche import Actor, distributed, query
from trebuche.actor_types import ActorType
from trebuche.interface import describe

Interface = dict[str, Any]


class Colour(Enum):
    """As it travels."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Todo:
    """One."""

    id: str
    title: str
    colour: Colour = Colour.RED
    parts: list["Todo"] = field(default_factory=list)


@dataclass
class Todos:
    """All."""

    todos: list[Todo] = field(default_factory=list)
    owners: dict[str, int] = field(default_factory=dict)


class TodoList(Actor[Todos], exposed_as="todos"):
    """The one before."""

    @distributed
    def add(self, title: str, count: int = 1) -> Todo:
        """Add."""
        return Todo(str(count), title)

    @query
    def kind(self) -> Literal["open", "closed"]:
        """Look."""
        return "open"


def before() -> Interface:
    """What is deployed."""
    return describe([ActorType(TodoList)])


@dataclass(frozen=True)
class Parts:
    """The parts of a document that the cases change."""

    document: Interface

    @property
    def actors(self) -> Interface:
        """By exposed name."""
        found: Interface = self.document["actors"]
        return found

    @property
    def types(self) -> Interface:
        """Records."""
        found: Interface = self.document["types"]
        return found

    @property
    def todos(self) -> Interface:
        """The actor."""
        found: Interface = self.actors["todos"]
        return found

    def record(self, name: str) -> Interface:
        """The members of a record."""
        return next(fields for key, fields in self.types.items() if key.endswith(f".{name}"))


def after(change: Any) -> Interface:
    """The same with something done to it."""
    document = before()
    change(Parts(document))
    return document


NEW_FIELD = {"type": "text", "required": False}


def _rename_state(it: Parts) -> None:
    fields = it.record("Todos")
    fields["items"] = fields.pop("todos")


def _rename_and_raise(it: Parts) -> None:
    _rename_state(it)
    it.todos["schema"] = 2


CASES: list[tuple[str, Any, dict[str, Kind]]] = [
    ("nothing", lambda it: it, {}),
    ("actor gone", lambda it: it.actors.pop("todos"), {"todos": Kind.BREAKING}),
    ("actor new", lambda it: it.actors.update(game=it.todos), {"game": Kind.COMPATIBLE}),
    ("method gone", lambda it: it.todos["methods"].pop("add"), {"todos.add": Kind.BREAKING}),
    (
        "method new",
        lambda it: it.todos["methods"].update(more=it.todos["methods"]["add"]),
        {"todos.more": Kind.COMPATIBLE},
    ),
    (
        "parameter gone",
        lambda it: it.todos["methods"]["add"]["parameters"].pop(),
        {"todos.add(count)": Kind.BREAKING},
    ),
    (
        "parameter with a default",
        lambda it: it.todos["methods"]["add"]["parameters"].append(
            {"name": "colour", "type": "text", "required": False}
        ),
        {"todos.add(colour)": Kind.COMPATIBLE},
    ),
    (
        "parameter that must be there",
        lambda it: it.todos["methods"]["add"]["parameters"].append(
            {"name": "colour", "type": "text", "required": True}
        ),
        {"todos.add(colour)": Kind.BREAKING},
    ),
    (
        "parameter lost its default",
        lambda it: it.todos["methods"]["add"]["parameters"][1].update(required=True),
        {"todos.add(count)": Kind.BREAKING},
    ),
    (
        "wider parameter",
        lambda it: it.todos["methods"]["add"]["parameters"][1].update(type={"optional": "number"}),
        {},
    ),
    (
        "other parameter",
        lambda it: it.todos["methods"]["add"]["parameters"][1].update(type="text"),
        {"todos.add(count)": Kind.BREAKING},
    ),
    (
        "result may be null",
        lambda it: it.todos["methods"]["add"].update(returns={"optional": it.todos["methods"]["add"]["returns"]}),
        {"todos.add.result": Kind.BREAKING},
    ),
    (
        "result of more choices",
        lambda it: it.todos["methods"]["kind"]["returns"]["choice"].append("new"),
        {"todos.kind.result": Kind.BREAKING},
    ),
    (
        "member new",
        lambda it: it.record("Todo").update(due=NEW_FIELD),
        {"todos.state.todos[].due": Kind.COMPATIBLE},
    ),
    ("schema raised", lambda it: it.todos.update(schema=2), {"todos.state": Kind.DECLARED}),
    ("stateless", lambda it: it.todos.update(stateful=False), {"todos.stateful": Kind.BREAKING}),
    (
        "state renamed",
        _rename_state,
        {"todos.state.todos": Kind.BREAKING, "todos.state.items": Kind.COMPATIBLE},
    ),
    (
        "state renamed and schema raised",
        _rename_and_raise,
        {"todos.state": Kind.DECLARED, "todos.state.todos": Kind.DECLARED, "todos.state.items": Kind.COMPATIBLE},
    ),
    (
        "map of another type",
        lambda it: it.record("Todos")["owners"].update(type={"map": ["text", "text"]}),
        {"todos.state.owners.*": Kind.BREAKING},
    ),
    (
        "choice gone",
        lambda it: it.record("Todo")["colour"]["type"]["choice"].pop(),
        {"todos.state.todos[].colour": Kind.BREAKING},
    ),
]


@pytest.mark.parametrize(("change", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_differences(change: Any, found: dict[str, Kind]) -> None:
    """Each difference has a name and says what it means; what widens is none."""
    assert {one.name: one.kind for one in differences(before(), after(change))} == found


def test_record_in_two_places_differs_in_both() -> None:
    """Allowing one of the places does not allow the other."""
    two = {key: {"type": {"record": "Part"}, "required": True} for key in ("first", "second")}

    def side(type_: str) -> Side:
        return Side({"record": "Whole"}, {"Whole": two, "Part": {"size": {"type": type_, "required": True}}})

    assert [one.path for one in reading(side("text"), side("integer"))] == ["first.size", "second.size"]


def test_renamed_class_is_no_difference() -> None:
    """Names of classes do not travel."""
    document = after(lambda it: it.types.update({"elsewhere.Entry": it.record("Todo")}))
    Parts(document).record("Todos")["todos"]["type"] = {"list": {"record": "elsewhere.Entry"}}

    assert differences(before(), document) == ()


def test_result_without_a_member_breaks_its_readers() -> None:
    """Clients are written against what an answer held, whatever defaults the record has here."""
    found = differences(before(), after(lambda it: it.record("Todo").pop("colour")))

    assert "breaking: todos.add.result.colour is gone" in map(str, found)


@pytest.mark.parametrize(
    ("name", "allowed", "expected"),
    [
        ("todos.add", ["todos.add"], True),
        ("todos.add(title)", ["todos.add"], True),
        ("todos.state.todos[].title", ["todos.state.todos"], True),
        ("todos.addMore", ["todos.add"], False),
        ("todos", ["todos.add"], False),
    ],
)
def test_allowed_names_include_what_is_below(name: str, allowed: list[str], expected: bool) -> None:
    """An override is for a name and its parts, never for its neighbours."""
    assert is_allowed(name, allowed) is expected


def test_breaking_leaves_out_what_is_allowed() -> None:
    """Only breaking differences that nobody declared remain."""
    found = differences(before(), after(_rename_state))

    assert [one.name for one in breaking(found)] == ["todos.state.todos"]
    assert breaking(found, ["todos.state"]) == ()


class Renamed(Actor[Todos], exposed_as="todos"):
    """A name that clients of today may still use, and one that they may not."""

    @distributed(aliases=["add"])
    def create(self, title: str, count: int = 1) -> Todo:
        """Add."""
        return Todo(str(count), title)

    @query
    def sort(self) -> Literal["open", "closed"]:
        """Look."""
        return "open"


def test_a_method_renamed_with_an_alias_is_still_there() -> None:
    """Older clients reach it; without the alias it would be gone."""
    found = {one.name: one for one in differences(before(), describe([ActorType(Renamed)]))}
    assert "todos.add" not in found
    assert found["todos.create"].kind is Kind.COMPATIBLE
    assert (found["todos.kind"].kind, found["todos.kind"].text) == (Kind.BREAKING, "is gone")
