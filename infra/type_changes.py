"""Whether what was written as one type can be read as another, on the types of ``trebuche.interface``. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Type = Any
"""A text, or a mapping with one key."""
Records = Mapping[str, Mapping[str, Any]]

_ELEMENTS: Final = frozenset({"list", "set"})
_WIDER: Final = frozenset({("integer", "number")})
_TEXTS: Final = frozenset({"uuid", "date", "data"})
"""What travels as a text."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A place below a type, such as ``todos[].title``, and what is wrong there."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Side:
    """A type with the records that it may name."""

    type: Type
    records: Records

    def at(self, type_: Type) -> "Side":
        """Another type of the same document."""
        return Side(type_, self.records)

    @property
    def kind(self) -> str:
        """``text``, ``record``, ``list`` and so on."""
        return self.type if isinstance(self.type, str) else next(iter(self.type))

    @property
    def content(self) -> Any:
        """What the kind is of; None for a type without parts."""
        return None if isinstance(self.type, str) else self.type[self.kind]

    @property
    def fields(self) -> Mapping[str, Any]:
        """Key to type and whether it must be there, of a record."""
        return self.records[self.content]


def reading(written: Side, read: Side, *, every_member: bool = False) -> list[Problem]:
    """What keeps a reader from understanding a writer; empty when it understands every value.

    Args:
        written: The writer's type.
        read: The reader's type.
        every_member: Whether the reader misses each member of a record that the writer leaves out, also one that its
            type has a default for: clients are written against what was there.
    """
    return list(_Comparison(every_member).compare(written, read, ""))


def lost_members(written: Side, read: Side) -> list[Problem]:
    """Members that a writer's records have, and a reader's do not know."""
    return list(_lost(written, read, "", frozenset()))


def declares(side: Side, path: tuple[str | int, ...]) -> bool:
    """Whether a type has a member of its own at a place in a document; keys of maps and indices count as any."""
    if not path:
        return True
    match side.kind:
        case "optional":
            return declares(side.at(side.content), path)
        case "record":
            field = side.fields.get(str(path[0]))
            return field is not None and declares(side.at(field["type"]), path[1:])
        case "list" | "set":
            return declares(side.at(side.content), path[1:])
        case "map":
            return declares(side.at(side.content[1]), path[1:])
        case "cases":
            case = side.content.get(str(path[0]))
            return case is not None and declares(side.at(case), path[1:])
        case _:
            return False


class _Comparison:
    def __init__(self, every_member: bool) -> None:
        self._every_member = every_member
        self._open: set[tuple[str, str]] = set()

    def compare(self, written: Side, read: Side, path: str) -> Iterator[Problem]:
        if read.kind == "any" or written.type == read.type == "null":
            return
        if read.kind == "optional":
            inner = written.at(written.content) if written.kind == "optional" else written
            if inner.kind != "null":
                yield from self.compare(inner, read.at(read.content), path)
        elif written.kind != read.kind:
            if not _is_wider(written, read):
                yield Problem(path, f"was {show(written)}, and is {show(read)}")
        elif read.kind == "record":
            yield from self._records(written, read, path)
        elif isinstance(read.type, dict):
            yield from self._parts(written, read, path)

    def _records(self, written: Side, read: Side, path: str) -> Iterator[Problem]:
        pair = (written.content, read.content)
        # A record within itself: it is being compared further up.
        if pair in self._open:
            return
        self._open.add(pair)
        for key, field in read.fields.items():
            place = f"{path}.{key}" if path else key
            if key in written.fields:
                old = written.fields[key]
                yield from self.compare(written.at(old["type"]), read.at(field["type"]), place)
            elif field["required"] or self._every_member:
                yield Problem(place, "is gone" if self._every_member else "is new, and must be there")
        self._open.remove(pair)

    def _parts(self, written: Side, read: Side, path: str) -> Iterator[Problem]:
        match read.kind:
            case "choice":
                if gone := [one for one in written.content if one not in read.content]:
                    yield Problem(path, f"{', '.join(map(repr, gone))} is no longer allowed")
            case "cases":
                for name, content in written.content.items():
                    if name not in read.content:
                        yield Problem(f"{path}.{name}", "is no longer a case")
                    else:
                        yield from self.compare(written.at(content), read.at(read.content[name]), f"{path}.{name}")
            case "map" | "tuple":
                if len(written.content) != len(read.content):
                    yield Problem(path, f"was {show(written)}, and is {show(read)}")
                for old, new in zip(written.content, read.content, strict=False):
                    yield from self.compare(written.at(old), read.at(new), f"{path}.*")
            case _:
                yield from self.compare(written.at(written.content), read.at(read.content), f"{path}[]")


def _is_wider(written: Side, read: Side) -> bool:
    """Whether the reader's type takes every value of a writer's type of another kind."""
    if (written.kind, read.kind) in _WIDER or (written.kind in _TEXTS and read.kind == "text"):
        return True
    if written.kind == "choice" and read.kind == "text":
        return all(isinstance(one, str) for one in written.content)
    return written.kind == "set" and read.kind == "list" and not reading(
        written.at(written.content), read.at(read.content)
    )  # fmt: skip


def _lost(written: Side, read: Side, path: str, seen: frozenset[tuple[str, str]]) -> Iterator[Problem]:
    if written.kind == "optional":
        yield from _lost(written.at(written.content), read, path, seen)
    elif read.kind == "optional":
        yield from _lost(written, read.at(read.content), path, seen)
    elif written.kind == read.kind == "record":
        pair = (written.content, read.content)
        if pair in seen:
            return
        for key, field in written.fields.items():
            place = f"{path}.{key}" if path else key
            if key not in read.fields:
                yield Problem(place, "is gone")
            else:
                below = read.at(read.fields[key]["type"])
                yield from _lost(written.at(field["type"]), below, place, seen | {pair})
    elif written.kind == read.kind and written.kind in _ELEMENTS:
        yield from _lost(written.at(written.content), read.at(read.content), f"{path}[]", seen)
    elif written.kind == read.kind == "map":
        yield from _lost(written.at(written.content[1]), read.at(read.content[1]), f"{path}.*", seen)


def show(side: Side) -> str:
    """A type as people write it."""
    match side.kind:
        case "record":
            return str(side.content).rsplit(".", 1)[-1]
        case "optional":
            return f"{show(side.at(side.content))} or null"
        case "list" | "set":
            return f"{side.kind} of {show(side.at(side.content))}"
        case "map":
            return f"map of {show(side.at(side.content[1]))}"
        case _:
            return side.kind
