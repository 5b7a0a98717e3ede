"""``--check``: holds histories from a file against a specification; nothing runs, and nothing else is known."""

import importlib
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from trebuche_testing.call_checks import check_calls
from trebuche_testing.history import Event
from trebuche_testing.history_file import read_histories
from trebuche_testing.history_lines import HistoryError
from trebuche_testing.order_checks import check_order
from trebuche_testing.specification import Specification
from trebuche_testing.stream_checks import check_streams
from trebuche_testing.violations import KINDS, UNDECIDED, Violation

TOLD: Final = 20
"""Histories that are told of."""
RIGHT, WRONG, UNREADABLE, TOO_HARD = range(4)
"""Exit codes."""


@dataclass(slots=True)
class Verdicts:
    """What the histories of a file came to.

    Attributes:
        actors: Actors whose calls were looked at, each in its own history.
        unordered: Those of whom no order of their calls explains the history.
        undecided: Those of whom nobody could tell in time.
        wrong: Violations by kind, those of orders among them.
        failed: Histories that are not as they should be, with what is wrong.
    """

    seconds: float = 0.0
    histories: int = 0
    actors: int = 0
    calls: int = 0
    unordered: int = 0
    undecided: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: all is right; 1: something is wrong; 3: something could not be decided."""
        return WRONG if self.wrong else TOO_HARD if self.undecided else RIGHT

    def add(self, seed: int, events: list[Event], specification: Specification) -> None:
        """Look at a history."""
        of_order = list(check_order(events, specification))
        rest = list(check_calls(events))
        if events[-1]["event"] == "quiet":
            rest += check_streams(events, specification)
        self.histories += 1
        self.actors += len(_actors(events))
        self.calls += sum(event["event"] == "call" for event in events)
        undecided = sum(one.kind == UNDECIDED for one in of_order)
        self.undecided += undecided
        self.unordered += len(of_order) - undecided
        found: list[Violation] = [*of_order, *rest]
        self.wrong.update(one.kind for one in found if one.kind != UNDECIDED)
        if found and len(self.failed) < TOLD:
            self.failed.append((seed, [f"{one.kind}: {one.text}" for one in found]))


def _actors(events: list[Event]) -> set[str]:
    called = {event["actor"] for event in events if event["event"] in ("call", "delete")}
    return called.union(*(event["states"] for event in events if event["event"] == "quiet"))


def check_file(path: Path, specification: Specification) -> Verdicts:
    """Look at every history of a file.

    Raises:
        HistoryError: A line cannot be read, or has a call that the specification does not know.
    """
    started = time.monotonic()
    verdicts = Verdicts()
    for seed, events in read_histories(path):
        try:
            verdicts.add(seed, events, specification)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise HistoryError(f"{path}: the specification cannot follow the history of seed {seed}: {what}") from error
    verdicts.seconds = time.monotonic() - started
    return verdicts


def find_specification(name: str) -> Specification:
    """A specification by ``module:NAME``.

    Raises:
        HistoryError: There is none.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise HistoryError(f"--specification {name}: {error}; expected module:NAME, such as my_tests:THEATRE") from None
    if not isinstance(found, Specification):
        raise HistoryError(f"--specification {name}: expected a Specification, got {type(found).__name__}")
    return found


def figures(verdicts: Verdicts) -> dict[str, Any]:
    """For programs."""
    return {
        "histories": verdicts.histories,
        "actors": verdicts.actors,
        "calls": verdicts.calls,
        "seconds": round(verdicts.seconds, 1),
        "perSecond": round(verdicts.histories / verdicts.seconds, 1),
        "linearizable": verdicts.actors - verdicts.unordered - verdicts.undecided,
        "notLinearizable": verdicts.unordered,
        "undecided": verdicts.undecided,
        "wrong": {kind: verdicts.wrong[kind] for kind in KINDS},
        "failed": [{"seed": seed, "wrong": wrong} for seed, wrong in verdicts.failed],
    }


def report(verdicts: Verdicts) -> str:
    """For people."""
    rate = verdicts.histories / verdicts.seconds
    linearizable = verdicts.actors - verdicts.unordered - verdicts.undecided
    undecided = f", {verdicts.undecided} undecided" if verdicts.undecided else ""
    wrong = ", ".join(f"{verdicts.wrong[kind]} {kind}" for kind in KINDS)
    return "\n".join(
        [
            f"{verdicts.histories} histories with {verdicts.calls} calls in {verdicts.seconds:.1f} s ({rate:.0f}/s)",
            f"calls of {verdicts.actors} actors: {linearizable} linearizable, {verdicts.unordered} not{undecided}",
            wrong,
            *(f"seed {seed}: {'; '.join(what)}" for seed, what in verdicts.failed),
        ]
    )
