"""A failing schedule made smaller: whatever can be left out while it still fails is left out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from trebuche_testing.mutants import Mutant
from trebuche_testing.plan import Plan
from trebuche_testing.schedule import Result, Subject, run

ORDERS: Final = 12
"""How many orders of steps are tried with something left out: without it everything else is drawn anew."""
_PARTS: Final = ("faults", "events", "acts")


def shrink(plan: Plan, subject: Subject, make_mutant: Callable[[], Mutant | None] = lambda: None) -> Result:
    """The smallest failing schedule that leaving out one thing after the other leads to.

    Raises:
        ValueError: The schedule does not fail.
    """
    smallest = run(plan, subject, make_mutant())
    if not smallest.violations:
        raise ValueError(f"the schedule of seed {plan.seed} does not fail")
    while (smaller := _smaller(smallest, subject, make_mutant)) is not None:
        smallest = smaller
    return smallest


def _smaller(failing: Result, subject: Subject, make_mutant: Callable[[], Mutant | None]) -> Result | None:
    kinds = {violation.kind for violation in failing.violations}
    for candidate in _candidates(failing.plan):
        for order in range(ORDERS):
            tried = run(replace(candidate, seed=candidate.seed + order), subject, make_mutant())
            # Of the same kind: shrinking must not wander off to another defect.
            if kinds & {violation.kind for violation in tried.violations}:
                return tried
    return None


def _candidates(plan: Plan) -> Iterator[Plan]:
    """The plan without half of a part, then without each single thing."""
    for name in _PARTS:
        part: tuple[Any, ...] = getattr(plan, name)
        if len(part) > 3:
            half = len(part) // 2
            yield _with(plan, name, part[half:])
            yield _with(plan, name, part[:half])
    for name in _PARTS:
        part = getattr(plan, name)
        for position in range(len(part)):
            yield _with(plan, name, part[:position] + part[position + 1 :])
    if plan.skew_ms:
        yield replace(plan, skew_ms=0)
    if plan.drag:
        yield replace(plan, drag=0)
    if any(plan.young_ms):
        yield replace(plan, young_ms=tuple(0 for _ in plan.young_ms))


def _with(plan: Plan, name: str, part: tuple[Any, ...]) -> Plan:
    changed: dict[str, Any] = {name: part}
    return replace(plan, **changed)
