"""The actor that the explorer uses when it is given none: every order of its calls shows in results and state."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from trebuche.actors import Actor, ActorFailure, distributed
from trebuche.documents import Json
from trebuche_testing.specification import REFUSED, Arguments, Specification, only

_METHODS = ("append", "append", "append", "add", "claim", "release", "size")


@dataclass
class Book:
    """What a ledger holds."""

    entries: list[str] = field(default_factory=list)
    total: int = 0
    owner: str | None = None


class Ledger(Actor[Book], exposed_as="ledger"):
    """A list that only grows, a sum, and one thing that only one can have."""

    @distributed
    def append(self, entry: str) -> int:
        """Add a line; how many there are then."""
        self.state.entries.append(entry)
        return len(self.state.entries)

    @distributed
    def add(self, amount: int) -> int:
        """Add to the sum; the sum then."""
        self.state.total += amount
        return self.state.total

    @distributed
    def claim(self, name: str) -> None:
        """Take it, if nobody has it."""
        if self.state.owner is not None:
            raise ActorFailure("taken")
        self.state.owner = name

    @distributed
    def release(self) -> str:
        """Give it back; whose it was."""
        if self.state.owner is None:
            raise ActorFailure("nobody has it")
        owner, self.state.owner = self.state.owner, None
        return owner

    @distributed
    def size(self) -> int:
        """How many lines there are; changes nothing."""
        return len(self.state.entries)


@dataclass
class SignedBook(Book):
    """One member more."""

    signed: str = "nobody"


class SignedLedger(Ledger, Actor[SignedBook], exposed_as="ledger"):
    """The same after a deployment: its state has got a member that has a default."""


@dataclass
class BoundBook(Book):
    """Another member more, which is never empty once it was bound."""

    pages: int = 0


class BoundLedger(Ledger, Actor[BoundBook], exposed_as="ledger"):
    """The same after another deployment: the state has another schema."""

    schema = 2

    @classmethod
    def migrate(cls, old: dict[str, Any], schema: int) -> dict[str, Any]:
        """Bind a book that was not."""
        return {**old, "pages": 100 * schema}


@dataclass(frozen=True, slots=True)
class _Machine:
    entries: tuple[str, ...] = ()
    total: int = 0
    owner: str | None = None


def _apply(before: _Machine, method: str, arguments: Arguments) -> tuple[_Machine, object]:
    entries, total, owner = before.entries, before.total, before.owner
    match method, arguments:
        case "append", (str(entry),):
            return _Machine((*entries, entry), total, owner), len(entries) + 1
        case "add", (int(amount),):
            return _Machine(entries, total + amount, owner), total + amount
        case "claim", (str(name),):
            return (_Machine(entries, total, name), None) if owner is None else (before, REFUSED)
        case "release", ():
            return (_Machine(entries, total, None), owner) if owner is not None else (before, REFUSED)
        case "size", ():
            return before, len(entries)
        case _:
            raise ValueError(f"a ledger has no '{method}' with {len(arguments)} such arguments")


def _calls(random: Random) -> tuple[str, Arguments]:
    method = _METHODS[int(random.random() * len(_METHODS))]
    mark = random.getrandbits(24)
    match method:
        case "append" | "claim":
            return method, (f"{mark:06x}",)
        case "add":
            return method, (mark + 1,)
        case _:
            return method, ()


def _shows(machine: _Machine) -> Json:
    document: dict[str, Json] = {"entries": list(machine.entries), "total": machine.total}
    return document if machine.owner is None else document | {"owner": machine.owner}


LEDGER = Specification(
    initial=_Machine(), apply=_apply, calls=_calls, shows=_shows, plain=only("entries", "total", "owner")
)
