"""Whether overlapping calls can have happened one after the other, each at some time between its call and its return.

The search of Wing and Gong with Lowe's memo and his rule that nothing happens before it has to: from return to return,
a call that returns has happened, and before it whatever else was under way. A refusal that fits happens at once, for it
never changes anything. Calls that nobody answered may have happened at any time since, or not at all. What has been
found to lead nowhere is kept as a stage, a bit set as wide as calls were under way together, and a state; so a long
history costs little.
"""

from bisect import insort
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import Any, Final, TypeAlias

from trebuche_testing.specification import REFUSED, Arguments, Specification

UNKNOWN: Final = object()
"""The outcome of a call that was not answered, and perhaps not carried out; of a state, that nobody has seen it."""
UNTOLD: Final = object()
"""The outcome of a call that was not answered, and was carried out."""
MOST_STEPS: Final = 2_000_000
"""Applications of the specification that one search may take. The question is NP-complete: some are too hard."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of one actor.

    Attributes:
        called: When.
        returned: When; infinite for a call that was not answered.
        outcome: Its result as JSON, ``REFUSED``, ``UNKNOWN`` or ``UNTOLD``.
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


@dataclass(frozen=True, slots=True)
class Decision:
    """What a search came to.

    Attributes:
        order: Positions of operations, in an order that explains everything; None when none was found.
        stuck: Position of the operation whose return no order got past; None when only the state at the end is wrong.
        given_up: Whether orders are left that were not tried.
        reached: What the actor would show at the end after one of the orders; None where none got there.
    """

    order: list[int] | None
    stuck: int | None = None
    given_up: bool = False
    reached: object = None


def explain(specification: Specification, operations: Sequence[Operation], shown: object) -> Decision:
    """Look for an order of the operations that explains every outcome and what the actor shows at the end.

    Args:
        specification: What the actor does, one call after the other.
        operations: The calls of one actor.
        shown: Its state at the end, as JSON; members that the specification does not know are passed over, and a
            member that is null is as good as none.
    """
    return _Search(specification, operations, shown).run()


_Chain: TypeAlias = "tuple[int, _Chain] | None"
"""Operations that have happened, the last one first."""


@dataclass(slots=True)
class _Node:
    """A moment: who has happened of those under way (by their bits), and the state that it led to."""

    stage: int
    done: int
    state: Hashable
    chain: _Chain
    fitting: list[tuple[int, Hashable]]
    """Answered operations that can happen next, with the state after them."""


def _key(node: _Node) -> tuple[int, int, Hashable]:
    try:
        hash(node.state)
    except TypeError as error:
        wanted = "the states of a Specification have to be hashable (tuples, frozen dataclasses)"
        raise TypeError(f"{wanted}; {error}: {node.state!r}") from None
    return node.stage, node.done, node.state


class _GaveUpError(Exception):
    pass


class _Search:
    def __init__(self, specification: Specification, operations: Sequence[Operation], shown: object) -> None:
        self._specification = specification
        self._operations = operations
        self._shown = shown
        self._stages = _Stages(operations)
        self._steps = 0
        self._furthest = 0
        self._reached: object = None
        self._dead: set[tuple[int, int, Hashable]] = set()

    def run(self) -> Decision:
        """The order that was looked for."""
        try:
            chain, found = self._look()
        except _GaveUpError:
            return Decision(None, self._stuck, given_up=True, reached=self._reached)
        return Decision(_listed(chain)) if found else Decision(None, self._stuck, reached=self._reached)

    @property
    def _stuck(self) -> int | None:
        return self._stages.goals[self._furthest]

    def _look(self) -> tuple[_Chain, bool]:
        node = self._settled(0, 0, self._specification.initial, None)
        path = [(node, self._following(node))]
        while path:
            node, following = path[-1]
            if self._explained(node):
                return node.chain, True
            after = next(following, None)
            if after is None:
                self._dead.add(_key(node))
                path.pop()
            elif _key(after) not in self._dead:
                path.append((after, self._following(after)))
        return None, False

    def _explained(self, node: _Node) -> bool:
        if self._stages.goals[node.stage] is not None:
            return False
        self._reached = self._specification.shows(node.state)
        return self._shown is UNKNOWN or _covers(self._shown, self._reached)

    def _following(self, node: _Node) -> Iterator[_Node]:
        """The moments that can follow: first those without a call that nobody answered."""
        for i, after in node.fitting:
            yield self._settled(node.stage, node.done | self._stages.bits[i], after, (i, node.chain))
        for i in self._stages.unanswered[node.stage]:
            if self._stages.may_happen(i, node.stage, node.done):
                after = self._after(i, node.state)
                # Where it changes nothing, nobody can tell whether it has happened.
                if after is not None and after[0] != node.state:
                    yield self._settled(node.stage, node.done | self._stages.bits[i], after[0], (i, node.chain))

    def _settled(self, stage: int, done: int, state: Hashable, chain: _Chain) -> _Node:
        """Go past the returns of what has happened, and let refusals happen that fit: later they might not."""
        goals, bits = self._stages.goals, self._stages.bits
        while True:
            while (goal := goals[stage]) is not None and done & bits[goal]:
                done ^= bits[goal]
                stage += 1
            self._furthest = max(self._furthest, stage)
            fitting: list[tuple[int, Hashable]] = []
            idle: list[tuple[int, Hashable]] = []
            before = done
            for i in self._stages.answered[stage]:
                if not self._stages.may_happen(i, stage, done) or (after := self._after(i, state)) is None:
                    continue
                if self._operations[i].outcome is REFUSED:
                    done |= bits[i]
                    chain = (i, chain)
                else:
                    (idle if after[0] == state else fitting).append((i, after[0]))
            if done == before:
                # What changes nothing now mostly only looks, and might see something else later.
                return _Node(stage, done, state, chain, idle + fitting)

    def _after(self, i: int, state: Hashable) -> tuple[Hashable] | None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise _GaveUpError
        one = self._operations[i]
        if one.resets:
            return (self._specification.initial,)
        after, outcome = self._specification.step(state, one.method, one.arguments)
        return (after,) if one.outcome is UNKNOWN or one.outcome is UNTOLD or one.outcome == outcome else None


class _Stages:
    """The returns of a history in their order, and what was under way at each; the last stage is the end.

    Attributes:
        goals: Position of the operation that returns; None at the end.
        answered: Positions of the operations under way that must have happened some time, the one that returns first.
        unanswered: Positions of those that were called, and need not have happened.
        bits: Of each operation; one that has returned leaves its bit to another.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations
        self.goals: list[int | None] = []
        self.answered: list[tuple[int, ...]] = []
        self.unanswered: list[tuple[int, ...]] = []
        self.bits = [0] * len(operations)
        self._stage_of: dict[int, int] = {}
        self._twins = _twins(operations)
        self._sweep()

    def may_happen(self, i: int, stage: int, done: int) -> bool:
        """Whether an operation under way has not happened yet, and what must come before it has."""
        if done & self.bits[i]:
            return False
        before = self._operations[i].after
        if before is not None and self._stage_of[before] >= stage and not done & self.bits[before]:
            return False
        # Of calls that nobody answered and nobody can tell apart, the first one goes first.
        twin = self._twins.get(i)
        return twin is None or bool(done & self.bits[twin])

    def _sweep(self) -> None:
        certain = [i for i, one in enumerate(self._operations) if one.outcome is not UNKNOWN]
        certain.sort(key=lambda i: (self._operations[i].returned, i))
        calls = sorted(range(len(self._operations)), key=lambda i: self._operations[i].called, reverse=True)
        under_way: list[tuple[float, int]] = []
        lingering: tuple[int, ...] = ()
        free: list[int] = []
        used = 0
        for goal in (*certain, None):
            now = inf if goal is None else self._operations[goal].returned
            while calls and self._operations[calls[-1]].called <= now:
                i = calls.pop()
                if not free:
                    heappush(free, used)
                    used += 1
                self.bits[i] = 1 << heappop(free)
                if self._operations[i].outcome is UNKNOWN:
                    lingering = (*lingering, i)
                else:
                    insort(under_way, (self._operations[i].returned, i))
            self.goals.append(goal)
            self.answered.append(tuple(i for _, i in under_way))
            self.unanswered.append(lingering)
            if goal is not None:
                self._stage_of[goal] = len(self.goals) - 1
                under_way.pop(0)
                heappush(free, self.bits[goal].bit_length() - 1)


def _twins(operations: Sequence[Operation]) -> dict[int, int]:
    """For each unanswered call the one before it that is the same, where there is one."""
    twins: dict[int, int] = {}
    last: dict[Any, int] = {}
    unanswered = [i for i, one in enumerate(operations) if one.outcome is UNKNOWN and one.after is None]
    for i in sorted(unanswered, key=lambda i: operations[i].called):
        key = operations[i].method, repr(operations[i].arguments)
        if key in last:
            twins[i] = last[key]
        last[key] = i
    return twins


def _listed(chain: _Chain) -> list[int]:
    order = []
    while chain is not None:
        i, chain = chain
        order.append(i)
    return order[::-1]


def _covers(shown: object, expected: object) -> bool:
    if isinstance(shown, dict) and isinstance(expected, dict):
        return all(_without_nulls(shown.get(key)) == _without_nulls(value) for key, value in expected.items())
    return _without_nulls(shown) == _without_nulls(expected)


def _without_nulls(document: object) -> object:
    if isinstance(document, dict):
        return {key: _without_nulls(value) for key, value in document.items() if value is not None}
    return [_without_nulls(element) for element in document] if isinstance(document, list) else document
