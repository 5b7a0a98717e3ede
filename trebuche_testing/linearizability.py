"""Whether overlapping calls can have happened one after the other, each at some time between its call and its return.

The search of Wing and Gong with Lowe's memo: a set of calls that have happened, with the state that they lead to, is
looked at once. Calls that nobody answered may have happened at any time since, or not at all.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from trebuche_testing.specification import Arguments, Specification

UNKNOWN: Final = object()
"""The outcome of a call that was not answered."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of one actor.

    Attributes:
        called: When.
        returned: When; infinite for a call that was not answered.
        outcome: Its result as JSON, ``REFUSED`` or ``UNKNOWN``.
        resets: Whether it is no call but the deletion of the state.
        after: Position of the operation that must have happened before this one.
    """

    called: float
    returned: float
    method: str
    arguments: Arguments
    outcome: object
    resets: bool = False
    after: int | None = None


def explain(specification: Specification, operations: Sequence[Operation], shown: object) -> list[int] | None:
    """An order of the operations that explains every outcome and what the actor shows at the end; None without one.

    Args:
        specification: What the actor does, one call after the other.
        operations: The calls of one actor.
        shown: Its state at the end, as JSON; members that the specification does not know are passed over.
    """
    return _Search(specification, operations, shown).run()


class _Search:
    def __init__(self, specification: Specification, operations: Sequence[Operation], shown: object) -> None:
        self._specification = specification
        self._operations = operations
        self._shown = shown
        self._answered = sum(1 << i for i, one in enumerate(operations) if one.outcome is not UNKNOWN)
        self._dead: set[tuple[int, Hashable]] = set()

    def run(self) -> list[int] | None:
        """The order that was looked for."""
        return self._from(0, self._specification.initial)

    def _from(self, done: int, state: Hashable) -> list[int] | None:
        if done & self._answered == self._answered and _covers(self._shown, self._specification.shows(state)):
            return []
        if (done, state) in self._dead:
            return None
        waiting = [i for i in range(len(self._operations)) if not done >> i & 1]
        # The next one was called before any of those that are left has returned.
        first_return = min((self._operations[i].returned for i in waiting), default=0.0)
        for i in waiting:
            one = self._operations[i]
            if one.after is not None and not done >> one.after & 1:
                continue
            if one.called <= first_return and (after := self._after(one, state)) is not None:
                rest = self._from(done | 1 << i, after[0])
                if rest is not None:
                    return [i, *rest]
        self._dead.add((done, state))
        return None

    def _after(self, one: Operation, state: Hashable) -> tuple[Hashable] | None:
        if one.resets:
            return (self._specification.initial,)
        after, outcome = self._specification.apply(state, one.method, one.arguments)
        return (after,) if one.outcome is UNKNOWN or one.outcome == outcome else None


def _covers(shown: object, expected: object) -> bool:
    if isinstance(shown, dict) and isinstance(expected, dict):
        return all(shown.get(key) == value for key, value in expected.items())
    return shown == expected
