"""What a history must show: nothing lost, nothing twice, nothing out of order, nobody left without an answer."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from trebuche.actor_types import WHOLE_STATE
from trebuche.documents import loads
from trebuche.envelopes import StreamEndReason
from trebuche.frames import observed
from trebuche.targets import observed_property
from trebuche_testing.history import Event
from trebuche_testing.linearizability import UNKNOWN, Operation, explain
from trebuche_testing.specification import REFUSED, Specification

LOST: Final = "lost"
DOUBLED: Final = "doubled"
OUT_OF_ORDER: Final = "out of order"
UNANSWERED: Final = "unanswered"
KINDS: Final = (LOST, DOUBLED, OUT_OF_ORDER, UNANSWERED)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not happen: one of ``KINDS``, and what it was."""

    kind: str
    text: str


def check(events: list[Event], specification: Specification) -> list[Violation]:
    """Everything that is wrong with a history; knows of the actor only its specification."""
    by_kind = _by_kind(events)
    found = [*check_calls(events), *_actors(by_kind, specification)]
    return [*found, *check_streams(events)]


def check_calls(events: list[Event]) -> Iterator[Violation]:
    """Each call answered, with an answer that makes sense, and written at most once."""
    by_kind = _by_kind(events)
    returned = {event["call"]: event for event in by_kind["return"]}
    for event in by_kind["call"]:
        answer = returned.get(event["call"])
        if answer is None:
            yield Violation(UNANSWERED, f"{_name(event)} was never answered")
        elif answer["outcome"] == "failed":
            yield Violation(UNANSWERED, f"{_name(event)} was answered: {answer['told']}")
    for call_id, times in Counter(event["call"] for event in by_kind["commit"]).items():
        if times > 1:
            yield Violation(DOUBLED, f"call {call_id} was written {times} times")
    quiet = by_kind["quiet"][-1]
    if quiet["waiting"]:
        yield Violation(UNANSWERED, f"still waiting for something: {', '.join(quiet['waiting'])}")
    if quiet["backlog"]:
        yield Violation(LOST, "changes were left in the stream")


def _actors(by_kind: Mapping[str, list[Event]], specification: Specification) -> Iterator[Violation]:
    """The calls of each actor can have happened one after the other."""
    returned = {event["call"]: event for event in by_kind["return"]}
    sent = Counter(event["call"] for event in by_kind["send"])
    committed = {event["call"]: event["at"] for event in by_kind["commit"]}
    calls: dict[str, list[Operation]] = defaultdict(list)
    for event in by_kind["call"]:
        operation = _operation(event, returned.get(event["call"]))
        calls[event["actor"]].append(operation)
        late = operation.outcome is REFUSED or committed.get(event["call"], 0) > operation.returned
        if late and sent[event["call"]] > 1:
            # Who was refused, or changed nothing, leaves no record: sent again it may be carried out, once, after that.
            later = replace(operation, returned=float("inf"), outcome=UNKNOWN, after=len(calls[event["actor"]]) - 1)
            calls[event["actor"]].append(later)
    for event in by_kind["delete"]:
        calls[event["actor"]].append(Operation(event["at"], event["at"], "deleted", (), None, resets=True))
    for actor, state in by_kind["quiet"][-1]["states"].items():
        shown = specification.shows(specification.initial) if state is None else loads(state)
        if explain(specification, calls[actor], shown) is None:
            yield Violation(LOST, f"{actor}: no order of its calls explains what they returned and what is stored")


def _by_kind(events: list[Event]) -> Mapping[str, list[Event]]:
    by_kind: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_kind[event["event"]].append(event)
    return by_kind


def _operation(call: Event, answer: Event | None) -> Operation:
    arguments = tuple(call["arguments"])
    if answer is None or answer["outcome"] == "failed":
        return Operation(call["at"], float("inf"), call["method"], arguments, UNKNOWN)
    result = loads(answer["result"]) if answer["result"] else None
    outcome: object = REFUSED if answer["outcome"] == "refused" else result
    return Operation(call["at"], answer["at"], call["method"], arguments, outcome)


def check_streams(events: list[Event]) -> Iterator[Violation]:
    """Each stream as it is owed, up to the final state where it was open to the end."""
    by_kind = _by_kind(events)
    quiet = by_kind["quiet"][-1]
    versions = _versions(by_kind)
    streams = {event["stream"]: _Stream(event) for event in by_kind["observe"]}
    for event in events:
        if (key := event.get("stream")) is not None:
            streams[key].note(event)
    for key, stream in streams.items():
        yield from stream.wrong()
        yield from stream.wrong_reason(event["at"] for event in by_kind["delete"] if event["actor"] == stream.actor)
        yield from stream.wrong_values(
            {number: stream.shown(forms) for number, forms in versions[stream.actor].items()}
        )
        if key in quiet["streams"]:
            final = quiet["states"][stream.actor]
            yield from stream.wrong_end(quiet["initial"] if final is None else final)


def _versions(by_kind: Mapping[str, list[Event]]) -> dict[str, dict[int, set[str]]]:
    """What each version of each actor may look like; a deleted actor shows its default under its last version."""
    nothing = _form(by_kind["quiet"][-1]["initial"])
    versions: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set, {0: {nothing}}))
    for event in by_kind["commit"]:
        versions[event["actor"]][event["version"]].add(_form(event["state"]))
    for event in by_kind["delete"]:
        versions[event["actor"]][event["version"]].add(nothing)
    return versions


class _Stream:
    """What one stream got, and in which order."""

    def __init__(self, observe: Event) -> None:
        self.actor = observe["actor"]
        self._name = f"stream {observe['stream']} of {observe['client']} on {observe['actor']}"
        self._property = observed_property(observe["target"]) or WHOLE_STATE
        self._swift = observe["swift"]
        self._tells_gaps = not self._swift and not observe.get("filtered")
        self._epochs: list[list[tuple[int, bytes]]] = [[]]
        self._last = 0
        self._highest: dict[tuple[str, int], int] = {}
        self._came: set[int] = set()
        self._starts = 0
        self._asked = 0
        self._ended = False
        self._deleted_by: int | None = None
        """When it was told that its actor was deleted."""
        self._problems: list[Violation] = []
        self._on: Mapping[str, Callable[[Event], None]] = {
            "start": self._start,
            "frame": self._frame,
            "value": self._value,
            "resume": self._resume,
            "end": self._end,
        }

    def note(self, event: Event) -> None:
        """Take in what happened next."""
        take = self._on.get(event["event"])
        if take is not None:
            take(event)

    def shown(self, states: Iterable[str]) -> set[str]:
        """What it shows of stored states."""
        if self._property == WHOLE_STATE:
            return set(states)
        return {observed(state.encode(), self._property).decode() for state in states}

    def wrong(self) -> list[Violation]:
        """What was wrong on the way."""
        return self._problems

    def wrong_values(self, versions: Mapping[int, set[str]]) -> Iterator[Violation]:
        """Each value is that of its version; how numbers map to versions only a new start may change."""
        for epoch in self._epochs:
            if epoch and not _base_exists(epoch, versions):
                numbers = [number for number, _ in epoch]
                yield Violation(OUT_OF_ORDER, f"{self._name}: values are not those of versions: numbers {numbers}")

    def wrong_reason(self, deletions: Iterable[int]) -> Iterator[Violation]:
        """Its actor was deleted after it was asked for on the connection on which it ended."""
        told = self._deleted_by
        if told is not None and not any(self._asked <= deleted < told for deleted in deletions):
            yield Violation(LOST, f"{self._name}: ended by what was deleted before it was asked for, if ever")

    def wrong_end(self, final: str | bytes) -> Iterator[Violation]:
        """It shows the state as it is in the end."""
        values = [value for epoch in self._epochs for _, value in epoch]
        if not values or self.shown([_form(final)]) != {_form(values[-1])}:
            yield Violation(LOST, f"{self._name}: the last of {len(values)} values is not the final state")

    def _start(self, event: Event) -> None:
        self._starts += 1
        self._asked = event["asked"]
        self._highest = {}
        if self._ended:
            self._problem(OUT_OF_ORDER, "started again after its end")

    def _frame(self, event: Event) -> None:
        """Numbers that come for the first time since the stream began on this connection rise."""
        number = event["number"]
        place = event["connection"], self._starts
        if number not in self._came and number < self._highest.get(place, 0):
            self._problem(OUT_OF_ORDER, f"{number} came after {self._highest[place]}")
        self._came.update(range(number - event["skipped"], number + 1))
        self._highest[place] = max(number, self._highest.get(place, 0))
        if self._ended:
            self._problem(OUT_OF_ORDER, f"{number} came after its end")

    def _value(self, event: Event) -> None:
        number, reset = event["number"], event["reset"]
        if self._last and number <= self._last:
            self._problem(DOUBLED, f"its reader got {number} after {self._last}")
        gap = number - self._last - 1
        if self._tells_gaps and not reset and gap > event["skipped"]:
            self._problem(LOST, f"{number} follows {self._last}, {event['skipped']} told as skipped")
        if reset:
            self._epochs.append([])
        self._epochs[-1].append((number, event["value"]))
        self._last = number

    def _resume(self, event: Event) -> None:
        if self._swift:
            # It registers an id of its own anew: what comes counts from there.
            self._epochs.append([])
            self._last = event["last"]

    def _end(self, event: Event) -> None:
        self._ended = True
        if event["reason"] == StreamEndReason.ACTOR_TERMINATED.value:
            self._deleted_by = event["at"]
        if event["reason"].startswith("error"):
            self._problem(LOST, f"ended: {event['reason']}")

    def _problem(self, kind: str, text: str) -> None:
        self._problems.append(Violation(kind, f"{self._name}: {text}"))


def _base_exists(epoch: list[tuple[int, bytes]], versions: Mapping[int, set[str]]) -> bool:
    forms = [(number, _form(value)) for number, value in epoch]
    first, form = forms[0]
    bases = [version - first for version, values in versions.items() if form in values]
    return any(all(form in versions.get(base + number, ()) for number, form in forms) for base in bases)


def _form(document: str | bytes) -> str:
    return document if isinstance(document, str) else document.decode()


def _name(call: Event) -> str:
    return f"{call['method']} of {call['client']} on {call['actor']} (call {call['call']})"
