"""Which faults are on, and whether one strikes now."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from sandbox.errors import SandboxError
from sandbox.faults.catalog import CATALOG, Kind

_COMMON: Final = ("rate", "count", "seed")
MOST: Final = 10**9


@dataclass(slots=True)
class Fault:
    """A fault that is on.

    Args:
        kind: What it does.
        rate: Chance of striking at each opportunity, 0 to 1.
        count: How often it strikes at most; None for as long as it is on.
        seed: Draws the same chances for the same opportunities.
        filters: Patterns of what it is narrowed down to.
        parameters: What it was told, completed by the defaults.
    """

    kind: Kind
    rate: float = 1.0
    count: int | None = None
    seed: int = 0
    filters: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    seen: int = 0
    taken: int = 0
    _chance: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self.parameters = {**self.kind.parameters, **self.parameters}

    def concerns(self, facts: Mapping[str, str]) -> bool:
        """Whether every filter matches."""
        return all(fnmatchcase(facts.get(name, ""), pattern) for name, pattern in self.filters.items())

    def strikes(self) -> bool:
        """Draw for one opportunity; one is drawn for each, also when the count is used up."""
        self.seen += 1
        drawn = self._chance.random() < self.rate
        if not drawn or (self.count is not None and self.taken >= self.count):
            return False
        self.taken += 1
        return True

    def describe(self) -> dict[str, Any]:
        """How it is set, and how often it had an opportunity and struck."""
        return {
            "rate": self.rate,
            "count": self.count,
            "seed": self.seed,
            "filters": dict(self.filters),
            "parameters": dict(self.parameters),
            "seen": self.seen,
            "taken": self.taken,
        }


class Faults:
    """The faults that are on; none at first.

    Attributes:
        active: Whether any is on: what is in everybody's way asks this first.
    """

    def __init__(self) -> None:
        self.active = False
        self._on: dict[str, Fault] = {}

    def set(self, name: str, settings: Mapping[str, object] | None = None) -> Fault:
        """Switch a fault on, or set it anew.

        Args:
            name: Of the catalog.
            settings: ``rate``, ``count``, ``seed``, and the fault's own filters and parameters.

        Raises:
            SandboxError: There is no such fault, or it cannot be set so.
        """
        fault = _read(kind_named(name), settings or {})
        self._on[name] = fault
        self.active = True
        return fault

    def clear(self, name: str | None = None) -> None:
        """Switch one fault off, or all of them; one that is off is no mistake.

        Raises:
            SandboxError: There is no such fault.
        """
        if name is None:
            self._on.clear()
        else:
            self._on.pop(kind_named(name).name, None)
        self.active = bool(self._on)

    def take(self, name: str, **facts: str) -> Fault | None:
        """The fault, if it strikes at this opportunity.

        Args:
            name: Of the catalog.
            facts: What the filters look at.
        """
        fault = self.find(name, **facts)
        return fault if fault is not None and fault.strikes() else None

    def find(self, name: str, **facts: str) -> Fault | None:
        """The fault, if it is on and concerns this; for what is a state of things rather than an event."""
        if not self.active:
            return None
        fault = self._on.get(name)
        return fault if fault is not None and fault.concerns(facts) else None

    def is_set(self, name: str) -> bool:
        """Whether the fault is on, whatever it is narrowed down to."""
        return name in self._on

    def describe(self) -> list[dict[str, Any]]:
        """Every fault of the catalog with what it takes, and how it is set (None when it is off)."""
        return [
            {
                "name": kind.name,
                "description": kind.text,
                "filters": list(kind.filters),
                "parameters": dict(kind.parameters),
                "set": self._on[kind.name].describe() if kind.name in self._on else None,
            }
            for kind in CATALOG.values()
        ]


def kind_named(name: str) -> Kind:
    """The fault of this name.

    Raises:
        SandboxError: There is none.
    """
    if name not in CATALOG:
        raise SandboxError(f"There is no fault {name!r}; there are {', '.join(CATALOG)}.")
    return CATALOG[name]


def _read(kind: Kind, settings: Mapping[str, object]) -> Fault:
    takes = (*_COMMON, *kind.filters, *kind.parameters)
    if unknown := sorted(set(settings) - set(takes)):
        raise SandboxError(f"{kind.name} takes no {unknown[0]!r}; it takes {', '.join(takes)}.")
    given = {name: value for name, value in settings.items() if value is not None}
    return Fault(
        kind,
        rate=_number("rate", given.get("rate", 1.0), most=1.0),
        count=_whole("count", given["count"]) if "count" in given else None,
        seed=_whole("seed", given.get("seed", 0)),
        filters={name: _text(name, given[name]) for name in kind.filters if name in given},
        parameters={name: _number(name, given[name]) for name in kind.parameters if name in given},
    )


def _number(name: str, value: object, *, most: float = MOST) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise SandboxError(f"{name} is {value!r}; it is a number from 0 to {most:g}.")
    return float(value)


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise SandboxError(f"{name} is {value!r}; it is a whole number from 0 to {MOST}.")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise SandboxError(f"{name} is {value!r}; it is a name, or a pattern such as todo-*.")
    return value
