"""How the actors of one release differ, seen from outside, from those of another: each difference with its name. Pure.

A difference is *breaking* when a client of the older release, or a state that it stored, is no longer understood;
*declared* when the state's ``schema`` was raised for it, so that ``migrate`` answers for what is stored; *compatible*
otherwise.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.type_changes import Side, lost_members, reading

Interface = Mapping[str, Any]
"""What ``trebuche.interface`` describes."""


class Kind(StrEnum):
    """What a difference means to those who are there already."""

    COMPATIBLE = "compatible"
    DECLARED = "declared"
    BREAKING = "breaking"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Args:
        name: By which it can be allowed: ``todos``, ``todos.addTodo``, ``todos.addTodo(title)``,
            ``todos.state.todos[].title``.
        kind: What it means.
        text: What differs.
    """

    name: str
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.name} {self.text}"


def differences(old: Interface, new: Interface) -> tuple[Difference, ...]:
    """All differences, in the order of their names."""
    found = list(_actors(old, new))
    return tuple(sorted({one.name: one for one in found}.values(), key=lambda one: one.name))


def breaking(found: Collection[Difference], allowed: Collection[str] = ()) -> tuple[Difference, ...]:
    """The breaking ones among them that are not allowed by name; allowing an actor or method allows what is below."""
    return tuple(one for one in found if one.kind is Kind.BREAKING and not is_allowed(one.name, allowed))


def is_allowed(name: str, allowed: Collection[str]) -> bool:
    """Whether a name, or what it is a part of, was allowed."""
    return any(name == one or name.startswith((f"{one}.", f"{one}(", f"{one}[")) for one in allowed)


def _actors(old: Interface, new: Interface) -> Iterator[Difference]:
    for name, actor in old["actors"].items():
        if name not in new["actors"]:
            yield Difference(name, Kind.BREAKING, f"({actor['class']}) is gone")
        else:
            yield from _methods(name, (old, actor), (new, new["actors"][name]))
            yield from _state(name, (old, actor), (new, new["actors"][name]))
    for name, actor in new["actors"].items():
        if name not in old["actors"]:
            yield Difference(name, Kind.COMPATIBLE, f"({actor['class']}) is new")


Half = tuple[Interface, Mapping[str, Any]]
"""An actor, or a method, with the document that it is in."""


def _methods(actor: str, old: Half, new: Half) -> Iterator[Difference]:
    before, after = old[1]["methods"], new[1]["methods"]
    for name in before:
        if name in after:
            yield from _method(f"{actor}.{name}", (old[0], before[name]), (new[0], after[name]))
        else:
            yield Difference(f"{actor}.{name}", Kind.BREAKING, "is gone")
    for name in after.keys() - before.keys():
        yield Difference(f"{actor}.{name}", Kind.COMPATIBLE, "is new")


def _method(name: str, old: Half, new: Half) -> Iterator[Difference]:
    before, after = old[1]["parameters"], new[1]["parameters"]
    for gone in before[len(after) :]:
        yield Difference(f"{name}({gone['name']})", Kind.BREAKING, "is gone; clients go on sending it")
    for fresh in after[len(before) :]:
        # Clients of the older release do not send it.
        kind = Kind.BREAKING if fresh["required"] else Kind.COMPATIBLE
        yield Difference(f"{name}({fresh['name']})", kind, "is new" + " and has no default" * fresh["required"])
    for one, other in zip(before, after, strict=False):
        place = f"{name}({one['name']})"
        if other["required"] and not one["required"]:
            yield Difference(place, Kind.BREAKING, "has no default any more")
        for problem in reading(_side(old, one["type"]), _side(new, other["type"])):
            yield Difference(f"{place}{_below(problem.path)}", Kind.BREAKING, problem.text)
    # The other way round: results are written by the newer release and read by older clients.
    for problem in reading(_side(new, new[1]["returns"]), _side(old, old[1]["returns"]), every_member=True):
        text = problem.text if problem.text == "is gone" else "is of another type"
        yield Difference(f"{name}.result{_below(problem.path)}", Kind.BREAKING, text)


def _state(actor: str, old: Half, new: Half) -> Iterator[Difference]:
    before, after = _side(old, old[1]["state"]), _side(new, new[1]["state"])
    raised = new[1]["schema"] > old[1]["schema"]
    kind = Kind.DECLARED if raised else Kind.BREAKING
    if raised:
        text = f"has schema {new[1]['schema']} instead of {old[1]['schema']}"
        yield Difference(f"{actor}.state", Kind.DECLARED, text)
    if new[1]["schema"] < old[1]["schema"]:
        text = f"has schema {new[1]['schema']}, which is lower than {old[1]['schema']}"
        yield Difference(f"{actor}.state", Kind.BREAKING, text)
    if old[1]["stateful"] != new[1]["stateful"]:
        yield Difference(f"{actor}.stateful", Kind.BREAKING, f"is {str(new[1]['stateful']).lower()} now")
    for problem in [*lost_members(after, before)]:
        yield Difference(f"{actor}.state{_below(problem.path)}", Kind.COMPATIBLE, "is new")
    for problem in [*reading(before, after), *lost_members(before, after)]:
        yield Difference(f"{actor}.state{_below(problem.path)}", kind, problem.text)


def _side(half: Half, type_: Any) -> Side:
    return Side(type_, half[0]["types"])


def _below(path: str) -> str:
    return path if not path or path.startswith("[") else f".{path.lstrip('.')}"
