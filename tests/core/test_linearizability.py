"""Orders of calls: found where there is one, also in long histories, and nowhere else."""

import random
from collections.abc import Sequence
from itertools import chain, combinations, permutations
from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trebuche_testing import linearizability
from trebuche_testing.ledger import LEDGER
from trebuche_testing.linearizability import UNKNOWN, UNTOLD, Decision, Operation, explain
from trebuche_testing.specification import REFUSED, Arguments, Specification

NOTHING = {"entries": [], "total": 0}


def call(method: str, outcome: object, *, at: tuple[float, float], arguments: tuple[str, ...] = ()) -> Operation:
    """An operation between two times."""
    return Operation(at[0], at[1], method, arguments, outcome)


def test_overlapping_calls_may_have_happened_in_either_order() -> None:
    """The first line that was sent is the second one in the list."""
    calls = [call("append", 2, at=(0, 9), arguments=("a",)), call("append", 1, at=(1, 8), arguments=("b",))]
    assert explain(LEDGER, calls, {"entries": ["b", "a"], "total": 0}).order == [1, 0]
    wrong = explain(LEDGER, calls, {"entries": ["a", "b"], "total": 0})
    assert wrong == Decision(None, stuck=None, reached={"entries": ["b", "a"], "total": 0})


def test_a_call_cannot_happen_before_one_that_had_returned() -> None:
    """Real time counts, not only results; the call whose answer nothing explains is named."""
    calls = [call("size", 1, at=(0, 1)), call("append", 1, at=(2, 3), arguments=("a",))]
    assert explain(LEDGER, calls, {"entries": ["a"], "total": 0}) == Decision(None, stuck=0)


def test_an_unanswered_call_happened_at_most_once() -> None:
    """Whether it did only the state can tell."""
    calls = [call("append", UNKNOWN, at=(0, inf), arguments=("a",))]
    assert explain(LEDGER, calls, NOTHING).order == []
    assert explain(LEDGER, calls, {"entries": ["a"], "total": 0}).order == [0]
    assert explain(LEDGER, calls, {"entries": ["a", "a"], "total": 0}).order is None


def test_a_call_that_was_carried_out_unheard_happened_once() -> None:
    """It is on record, and nobody has got its answer."""
    calls = [call("append", UNTOLD, at=(0, inf), arguments=("a",))]
    assert explain(LEDGER, calls, {"entries": ["a"], "total": 0}).order == [0]
    assert explain(LEDGER, calls, NOTHING).order is None


def test_a_refusal_needs_a_reason() -> None:
    """Nobody else had it."""
    assert explain(LEDGER, [call("claim", REFUSED, at=(0, 1), arguments=("a",))], NOTHING).order is None


def test_the_end_may_not_be_known() -> None:
    """Then only the answers count."""
    assert explain(LEDGER, [call("append", 1, at=(0, 1), arguments=("a",))], UNKNOWN).order == [0]


def _append(number: int, at: tuple[float, float]) -> Operation:
    return call("append", number, at=at, arguments=(str(number),))


@pytest.mark.parametrize("overlap", [0.5, 12.5])
def test_a_long_history_is_searched(overlap: float) -> None:
    """Thousands of calls, each alone or together with a dozen others."""
    calls = [_append(number + 1, (number, number + overlap)) for number in range(3_000)]
    shown = {"entries": [str(number + 1) for number in range(3_000)], "total": 0}
    assert explain(LEDGER, calls, shown).order == list(range(3_000))
    assert explain(LEDGER, [*calls[:-1], _append(7, (2_999, 3_000))], UNKNOWN) == Decision(None, stuck=2_999)


def test_unanswered_calls_of_one_kind_are_counted_not_arranged() -> None:
    """Two hundred that nobody can tell apart have as many numbers, not as many subsets."""
    lost = [call("append", UNKNOWN, at=(0, inf), arguments=("x",)) for _ in range(200)]
    seen = call("size", 150, at=(1, 2))
    assert explain(LEDGER, [*lost, seen], {"entries": ["x"] * 150, "total": 0}).order == [*range(150), 200]
    assert explain(LEDGER, [*lost, call("size", 201, at=(1, 2))], UNKNOWN).order is None


def test_what_is_too_hard_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million subsets of twenty different calls that nobody answered: no verdict is better than none in time."""
    monkeypatch.setattr(linearizability, "MOST_STEPS", 2_000)
    lost = [Operation(0, inf, "add", (1 << bit,), UNKNOWN) for bit in range(20)]
    assert explain(LEDGER, [*lost, call("size", 7, at=(1, 2))], UNKNOWN) == Decision(None, stuck=20, given_up=True)


def _apply(total: int, method: str, arguments: Arguments) -> tuple[int, object]:
    match method:
        case "add":
            amount = arguments[0]
            assert isinstance(amount, int)
            return total + amount, total + amount
        case "raise":  # to two; its answer does not say whether it did
            return max(total, 2), None
        case "odd":
            return (total, REFUSED) if total % 2 else (total + 1, total)
        case _:
            return total, total


def _no_call(_random: random.Random) -> tuple[str, Arguments]:
    raise NotImplementedError("nothing is drawn here")


NUMBER = Specification(initial=0, apply=_apply, calls=_no_call, shows=lambda total: {"total": total})


@st.composite
def histories(draw: st.DrawFn) -> list[Operation]:
    """Up to five operations, some of them unanswered, some after others."""
    operations: list[Operation] = []
    for i in range(draw(st.integers(1, 5))):
        called = draw(st.integers(0, 8))
        method = draw(st.sampled_from(["add", "raise", "odd", "look"]))
        outcome = draw(st.sampled_from([UNKNOWN, UNTOLD, REFUSED, None, None, 0, 1, 2, 3, 4]))
        unheard = outcome is UNKNOWN or outcome is UNTOLD
        certain = [one for one in range(i) if operations[one].outcome is not UNKNOWN]
        operations.append(
            Operation(
                called,
                inf if unheard else called + draw(st.integers(0, 5)),
                method,
                (draw(st.integers(1, 2)),) if method == "add" else (),
                outcome,
                resets=outcome is None and method == "look",
                after=draw(st.sampled_from(certain)) if unheard and certain and draw(st.booleans()) else None,
            )
        )
    return operations


def _fits(operations: Sequence[Operation], order: Sequence[int], shown: object) -> bool:
    for place, i in enumerate(order):
        later = order[place + 1 :]
        if operations[i].after in later or (operations[i].after is not None and operations[i].after not in order):
            return False
        if any(operations[other].returned < operations[i].called for other in later):
            return False
    total = 0
    for i in order:
        one = operations[i]
        total, outcome = (0, None) if one.resets else _apply(total, one.method, one.arguments)
        if one.outcome is not UNKNOWN and one.outcome is not UNTOLD and one.outcome != outcome:
            return False
    return shown is UNKNOWN or shown == {"total": total}


@given(histories(), st.sampled_from([UNKNOWN, *({"total": total} for total in range(6))]))
# What changes nothing now may have to happen later, when it does.
@example([Operation(0, 9, "add", (1,), 1), Operation(0, 1, "look", (), None, resets=True)], {"total": 1})
@example([Operation(0, 9, "raise", (), None), Operation(0, 1, "look", (), 0)], {"total": 2})
def test_an_order_is_found_where_trying_all_of_them_finds_one(operations: list[Operation], shown: object) -> None:
    """Every order of every subset that has the answered ones, and whether what was found is one of them."""
    certain = {i for i, one in enumerate(operations) if one.outcome is not UNKNOWN}
    everything = range(len(operations))
    subsets = chain.from_iterable(combinations(everything, size) for size in range(len(operations) + 1))
    orders = (order for subset in subsets if certain <= set(subset) for order in permutations(subset))
    found = explain(NUMBER, operations, shown).order
    if found is None:
        assert not any(_fits(operations, order, shown) for order in orders)
    else:
        assert certain <= set(found)
        assert _fits(operations, found, shown)
