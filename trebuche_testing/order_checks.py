"""The calls of each actor can have happened one after the other."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from trebuche.documents import loads
from trebuche_testing.call_checks import named
from trebuche_testing.history import Event, by_kind
from trebuche_testing.linearizability import MOST_STEPS, UNKNOWN, UNTOLD, Decision, Operation, explain
from trebuche_testing.specification import REFUSED, Specification
from trebuche_testing.violations import LOST, UNDECIDED, Violation

SHOWN: Final = 300
"""Characters of a state."""


@dataclass(slots=True)
class Calls:
    """The operations of one actor, and what to call each."""

    operations: list[Operation] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, operation: Operation, name: str) -> int:
        """Add one; its position."""
        self.operations.append(operation)
        self.names.append(name)
        return len(self.operations) - 1


def check_order(events: list[Event], specification: Specification) -> Iterator[Violation]:
    """For each actor some order of its calls explains what they returned, and what is stored where that is known."""
    stored = {actor: state for event in events if event["event"] == "quiet" for actor, state in event["states"].items()}
    calls = calls_by_actor(events)
    for actor in {**stored, **calls}:
        shown: object = UNKNOWN
        if actor in stored:
            state = stored[actor]
            first = specification.shows(specification.initial)
            shown = first if state is None else specification.plain(loads(state))
        decision = explain(specification, calls[actor].operations, shown)
        if decision.order is None:
            yield _unexplained(actor, calls[actor], decision, shown)


def calls_by_actor(events: list[Event]) -> Mapping[str, Calls]:
    """What was asked of each actor, and deletions.

    Where a history tells of writes (``commit``), they say of a call without an answer whether it was carried out.
    """
    kinds = by_kind(events)
    returned = {event["call"]: event for event in kinds["return"]}
    sent = Counter(event["call"] for event in kinds["send"])
    committed = {event["call"]: event["at"] for event in kinds["commit"]}
    calls: dict[str, Calls] = defaultdict(Calls)
    for event in kinds["call"]:
        own, written = calls[event["actor"]], committed.get(event["call"])
        unheard = UNKNOWN if not committed else None if written is None else UNTOLD
        operation = _operation(event, returned.get(event["call"]), unheard)
        if operation is None:
            continue
        position = own.add(operation, named(event))
        late = operation.outcome is REFUSED or (written is not None and written > operation.returned)
        if late and sent[event["call"]] > 1 and unheard is not None:
            # Who was refused, or changed nothing, leaves no record: sent again it may be carried out, once, after that.
            again = replace(operation, returned=inf, outcome=unheard, after=position)
            own.add(again, f"{named(event)}, sent again,")
    for event in kinds["delete"]:
        deletion = Operation(event["at"], event["at"], "deleted", (), None, resets=True)
        calls[event["actor"]].add(deletion, f"the deletion of {event['actor']}")
    return calls


def _operation(call: Event, answer: Event | None, unheard: object) -> Operation | None:
    """A call with its outcome, which is ``unheard`` where nobody was told; None when it was not carried out then."""
    arguments = tuple(call["arguments"])
    if answer is None or answer["outcome"] == "failed":
        return None if unheard is None else Operation(call["at"], inf, call["method"], arguments, unheard)
    result = loads(answer["result"]) if answer["result"] else None
    outcome: object = REFUSED if answer["outcome"] == "refused" else result
    return Operation(call["at"], answer["at"], call["method"], arguments, outcome)


def _unexplained(actor: str, calls: Calls, decision: Decision, shown: object) -> Violation:
    what = f"what is stored at the end: {_short(shown)}, where one of them leads to {_short(decision.reached)}"
    if decision.stuck is not None:
        untold = calls.operations[decision.stuck].outcome is UNTOLD
        what = f"{'the effect of' if untold else 'the answer to'} {calls.names[decision.stuck]}"
    if decision.given_up:
        tried = f"given up after {MOST_STEPS:,} steps"
        return Violation(UNDECIDED, f"{actor}: no order of its calls was found that explains {what}; {tried}")
    return Violation(LOST, f"{actor}: no order of its calls explains {what}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
