"""The journal as a witness: the order in which it has the calls must explain everything that clients were told.

Where the writes name their versions no order has to be searched for. Calls that wrote nothing fit in anywhere between
the calls that had returned before them and those that were made after them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from tests.soak.subjects import Subject
from trebuche.documents import loads
from trebuche_testing.history import Event
from trebuche_testing.specification import REFUSED, Arguments, Plain
from trebuche_testing.violations import DOUBLED, LOST, OUT_OF_ORDER, Violation


@dataclass(frozen=True, slots=True)
class _Call:
    event: Event
    arguments: Arguments
    outcome: object
    returned: float

    @property
    def name(self) -> str:
        return f"{self.event['method']} of {self.event['client']} on {self.event['actor']} (call {self.event['call']})"


def check_order(events: Sequence[Event], subject: Subject) -> Iterator[Violation]:
    """Everything in which calls, answers and journal disagree."""
    calls = _calls(events, subject)
    commits: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event["event"] == "commit":
            commits[event["actor"]].append(event)
    final = next(event for event in reversed(events) if event["event"] == "quiet")["states"]
    for actor, state in final.items():
        written = sorted(commits[actor], key=lambda event: int(event["version"]))
        own = {key: call for key, call in calls.items() if call.event["actor"] == actor}
        yield from _Witness(subject, own, written).wrong(state)


def _calls(events: Sequence[Event], subject: Subject) -> dict[str, _Call]:
    returned = {event["call"]: event for event in events if event["event"] == "return"}
    found = {}
    for event in events:
        if event["event"] == "call":
            answer = returned.get(event["call"])
            outcome = _outcome(answer, subject.specification.plain)
            arguments = subject.foreseen(event["method"], tuple(event["arguments"]), outcome)
            found[event["call"]] = _Call(event, arguments, outcome, answer["at"] if answer else inf)
    return found


def _outcome(answer: Event | None, plain: Plain) -> Any:
    if answer is None:
        return None
    if answer["outcome"] != "ok":
        return REFUSED
    return plain(loads(answer["result"])) if answer["result"] else None


class _Witness:
    def __init__(self, subject: Subject, calls: Mapping[str, _Call], commits: Sequence[Event]) -> None:
        self._specification = subject.specification
        self._calls = calls
        self._commits = commits
        self._states: list[Any] = [subject.specification.initial]

    def wrong(self, final: bytes | None) -> Iterator[Violation]:
        """What is wrong with one actor."""
        numbers = [commit["version"] for commit in self._commits]
        if numbers != list(range(1, len(numbers) + 1)):
            yield Violation(LOST, f"versions {numbers} of the journal are not one after the other")
            return
        yield from self._replayed()
        if self._commits and final != self._commits[-1]["state"]:
            yield Violation(LOST, "the stored state is not that of the last version")
        yield from self._against_time()
        yield from self._without_effect()

    def _replayed(self) -> Iterator[Violation]:
        """Each version is what its call makes of the one before, and its caller was told just that."""
        for commit in self._commits:
            call = self._calls.get(commit["call"])
            if call is None:
                yield Violation(DOUBLED, f"version {commit['version']} of {commit['actor']} was written by no call")
                return
            state, outcome = self._specification.apply(self._states[-1], call.event["method"], call.arguments)
            shown = self._specification.plain(loads(commit["state"]))
            if shown != self._specification.shows(state):
                yield Violation(
                    LOST, f"{call.name}: version {commit['version']} is not what it makes of the one before"
                )
                return
            if call.returned < inf and outcome != call.outcome:
                yield Violation(LOST, f"{call.name} was told {call.outcome}, and did {outcome}")
            self._states.append(state)

    def _against_time(self) -> Iterator[Violation]:
        """No call took effect before one that had returned when it was made."""
        earliest, by = inf, ""
        for commit in reversed(self._commits):
            call = self._calls.get(commit["call"])
            if call is None:
                continue
            if call.event["at"] > earliest:
                yield Violation(OUT_OF_ORDER, f"{call.name} took effect before {by}, which had returned by then")
            if call.returned < earliest:
                earliest, by = call.returned, call.name

    def _without_effect(self) -> Iterator[Violation]:
        """What wrote nothing had nothing to write at some time between its call and its return."""
        wrote = {commit["call"]: commit["version"] for commit in self._commits}
        for key, call in self._calls.items():
            if key in wrote or call.returned == inf:
                continue
            first = max((v for k, v in wrote.items() if self._returned(k) < call.event["at"]), default=0)
            last = min((v for k, v in wrote.items() if self._made(k) > call.returned), default=len(self._commits) + 1)
            if not any(self._fits(call, state) for state in self._states[first:last]):
                yield Violation(LOST, f"{call.name} was told {call.outcome}, and is not in the journal")

    def _fits(self, call: _Call, state: Any) -> bool:
        return self._specification.apply(state, call.event["method"], call.arguments) == (state, call.outcome)

    def _returned(self, key: str) -> float:
        return self._calls[key].returned if key in self._calls else inf

    def _made(self, key: str) -> float:
        return float(self._calls[key].event["at"]) if key in self._calls else inf
