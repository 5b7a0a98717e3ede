"""Many schedules: run them on all cores, count, keep the first that failed."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Final, TypeAlias

from trebuche_testing.draws import draw
from trebuche_testing.history import lines
from trebuche_testing.mutants import MUTANTS
from trebuche_testing.schedule import Result, Subject, run

SLICE: Final = 100
"""Schedules per piece of work."""
REMEMBERED: Final = 20
"""Failing seeds that are told."""
SHARES: Final = ("crash", "duplicate", "resume", "conflict", "handover", "deployment")

Work: TypeAlias = tuple[Callable[[], Subject], Sequence[int], str | None, bool]
"""How to make what is explored, the seeds, the mutant's name, whether histories are wanted."""


@dataclass(slots=True)
class Tally:
    """What some schedules came to.

    Attributes:
        wrong: Violations by kind.
        seen: In how many schedules something happened.
        failed: Seeds that failed, with what was wrong.
        history: JSON lines, where wanted.
    """

    schedules: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, list[str]]] = field(default_factory=list)
    history: str = ""

    def count(self, result: Result, *, history: bool) -> None:
        """Take in one schedule."""
        self.schedules += 1
        self.seen.update(name for name, times in result.seen.items() if times)
        self.wrong.update(violation.kind for violation in result.violations)
        if result.violations:
            self.failed.append((result.plan.seed, [f"{one.kind}: {one.text}" for one in result.violations]))
        if history:
            self.history += lines(result.plan.seed, result.events)

    def add(self, other: "Tally") -> None:
        """Take in another tally; its history is left to the caller."""
        self.schedules += other.schedules
        self.seen += other.seen
        self.wrong += other.wrong
        self.failed = sorted([*self.failed, *other.failed])[:REMEMBERED]


def explore_seeds(
    make: Callable[[], Subject],
    seeds: Sequence[int],
    *,
    mutant: str | None = None,
    jobs: int = 1,
    history: bool = False,
) -> Iterator[Tally]:
    """Run the schedule of each seed; a tally per slice, as they are done.

    Args:
        make: Makes what is explored; for more than one job a function that can be imported.
        seeds: Which schedules.
        mutant: Name of a mistake to build in.
        jobs: Processes.
        history: Whether histories are wanted.
    """
    slices = [(make, seeds[start : start + SLICE], mutant, history) for start in range(0, len(seeds), SLICE)]
    if jobs == 1:
        yield from map(_run_slice, slices)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_run_slice, slices)


def first_failure(make: Callable[[], Subject], seeds: range, mutant: str | None = None) -> int | None:
    """The first seed whose schedule fails; None when none does."""
    subject = make()
    for seed in seeds:
        kind = MUTANTS[mutant]() if mutant else None
        if run(draw(seed, subject.specification), subject, kind).violations:
            return seed
    return None


def _run_slice(work: Work) -> Tally:
    make, seeds, mutant, history = work
    subject = make()
    tally = Tally()
    # A schedule leaves cycles behind, all of the same age: collecting them once per slice is enough.
    gc.disable()
    try:
        for seed in seeds:
            kind = MUTANTS[mutant]() if mutant else None
            tally.count(run(draw(seed, subject.specification), subject, kind), history=history)
    finally:
        gc.enable()
        gc.collect()
    return tally
