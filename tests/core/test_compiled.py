"""Shortcuts through typed values lead where the loops lead, for every type: values, documents and errors."""

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields, make_dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.frame_fuzz import mutate
from trebuche.documents import Json, canonical, loads
from trebuche.envelopes import FilterType
from trebuche.errors import MalformedError
from trebuche.values import plan_of
from trebuche_testing.typed import values


@dataclass
class Inner:
    """A record inside another."""

    id: str
    done: bool = False
    note: str | None = None


HINTS: list[Any] = [
    str, int, float, bool, UUID, datetime, bytes, Any, FilterType, Literal["a", 1, True], Inner,
    list[Inner], list[str], list[float | None], tuple[int, ...], tuple[str, bool], set[str],
    dict[str, float], dict[str, Inner], dict[int, str], dict[bool, str],
    str | None, int | None, UUID | None, Any | None, Inner | None,
]  # fmt: skip
KEYS = st.sampled_from([None, None, "callID", 'a"{b}\\{{', "é'\n"])
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 1, 0.5, "é", "\ud800", b"\xff", float("nan"), 10**5000, FilterType.ALL, [], {1: 2}]
)


@st.composite
def classes(draw: st.DrawFn) -> type:
    """A dataclass with members, keys and defaults of every kind."""
    kw_only = draw(st.booleans())
    names = draw(st.permutations(["id", "b_c", "from_", "d"]))
    hints = draw(st.lists(st.sampled_from(HINTS), min_size=1, max_size=4))
    members = [(name, hint, draw(_field(hint))) for name, hint in zip(names, hints, strict=False)]
    if not kw_only:
        members.sort(key=lambda member: member[2].default is not MISSING or member[2].default_factory is not MISSING)
    if len({one.metadata.get("key", name) for name, _, one in members}) < len(members):
        members = members[:1]
    return make_dataclass("Made", members, kw_only=kw_only, frozen=draw(st.booleans()), slots=draw(st.booleans()))


@st.composite
def _field(draw: st.DrawFn, hint: Any) -> Any:
    key = draw(KEYS)
    metadata = {} if key is None else {"key": key}
    default = draw(st.sampled_from(["none", "value", "factory", "null"]))
    if default == "none":
        return field(metadata=metadata)
    value = None if default == "null" else draw(values(hint))
    if default == "factory" or type(value).__hash__ is None:
        return field(default_factory=lambda: value, metadata=metadata)
    return field(default=value, metadata=metadata)


def has_room(class_: type) -> bool:
    """Whether instances can carry along what their class does not declare."""
    return "__dict__" in dir(class_)


def outcome(work: Callable[[], Any]) -> Any:
    """What comes of it: its result, or the error's text."""
    try:
        return work()
    except (MalformedError, TypeError, ValueError, AttributeError) as error:
        return type(error), str(error)


@given(classes(), st.booleans(), st.data())
def test_the_usual_case_takes_the_shortcut(class_: type, state: bool, data: st.DataObject) -> None:
    """A value is spelled, and what was spelled is read."""
    plan, value = plan_of(class_, keep_unknown=state and has_room(class_)), data.draw(values(class_))
    text = plan.spell(value).encode()
    assert text == canonical(plan.write(value))
    assert plan.quick(loads(text)) == plan.read(loads(text))


@given(classes(), st.booleans(), st.data())
def test_a_document_that_is_wrong_somewhere_is_told_by_the_loops(
    class_: type, state: bool, data: st.DataObject
) -> None:
    """One place replaced, left out or added: the same value, or the same words."""
    plan = plan_of(class_, keep_unknown=state and has_room(class_))
    document = mutate(plan.write(data.draw(values(class_))), data.draw)
    assert outcome(lambda: plan.from_json(document)) == outcome(lambda: plan.read(document))


@given(classes(), st.data())
def test_a_value_that_is_wrong_somewhere_is_told_by_the_loops(class_: type, data: st.DataObject) -> None:
    """One attribute of another type, which no type checker kept an author from: the same text, or the same words."""
    plan, value = plan_of(class_), data.draw(values(class_))
    if names := [one.name for one in fields(class_)]:
        object.__setattr__(value, data.draw(st.sampled_from(names)), data.draw(ODD))
    assert outcome(lambda: plan.to_text(value)) == outcome(lambda: canonical(plan.to_json(value)))


@given(classes(), st.data())
def test_members_that_a_class_does_not_declare_are_spelled_as_well(class_: type, data: st.DataObject) -> None:
    """At any level."""
    assume(has_room(class_))
    document = mutate(plan_of(class_).write(data.draw(values(class_))), data.draw)
    state = outcome(lambda: plan_of(class_, keep_unknown=True).from_json({**document, "unknown": [1]}))
    if isinstance(state, class_):
        assert plan_of(class_).to_text(state) == canonical(plan_of(class_).to_json(state))
        assert b'"unknown":[1]' in plan_of(class_).to_text(state)


@dataclass
class Tree:
    """A record that contains itself."""

    children: "list[Tree]"


def test_an_error_deep_inside_is_found_at_once() -> None:
    """A shortcut that each level tried anew would take 2 to the power of its depth."""
    document = json.loads('{"children":[' * 60 + '{"children":1}' + "]}" * 60)
    with pytest.raises(MalformedError, match=r"children: expected an array, got number$"):
        plan_of(Tree).from_json(document)


@dataclass
class Note:
    """Texts."""

    id: str
    note: str | None


@pytest.mark.parametrize("member", ["id", "note"])
def test_half_a_character_is_refused_in_every_text(member: str) -> None:
    """The shortcut has a look at texts of its own."""
    document: dict[str, Json] = {"id": "é", "note": "é"}
    assert plan_of(Note).from_json(document) == Note("é", "é")
    with pytest.raises(MalformedError, match=f"^{member}: lone surrogate at character 1 is not Unicode text$"):
        plan_of(Note).from_json({**document, member: "é\ud800"})


class Sub(Tree):
    """A subclass, with what a class without annotations of its own adds."""


def test_an_object_of_a_subclass_is_written_as_its_class() -> None:
    """The loops take it; it is out of the ordinary all the same."""
    assert plan_of(Tree).to_text(Tree([Sub([])])) == b'{"children":[{"children":[]}]}'
