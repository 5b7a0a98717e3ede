"""What streams are owed: every version once, in order, and the last one."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Final

from trebuche.replays import REPLAY_LIMIT
from trebuche_testing.history import Event, by_kind
from trebuche_testing.past import Forms, Past, Shown, read_past
from trebuche_testing.received import Epoch, Received
from trebuche_testing.specification import Specification
from trebuche_testing.violations import LOST, OUT_OF_ORDER, Violation

EXPIRING: Final = ("sleep", "hours")
"""Disturbances that may let a journal expire."""

FORGETTING: Final = (*EXPIRING, "deploy")
"""Those that may leave nothing to be replayed: older code cannot read newer entries either."""

UNMARKED: Final = ("RemoveSubscription", "MarkAudience")
"""Effects between which a function that dies leaves a subscriber to those who keep them."""


def check_streams(events: list[Event], specification: Specification) -> Iterator[Violation]:
    """Each stream as it is owed, up to the final state where it was open to the end."""
    kinds = by_kind(events)
    streams = {event["stream"]: Received(event) for event in kinds["observe"]}
    for event in events:
        if (key := event.get("stream")) is not None:
            streams[key].note(event)
    pasts, forms = read_past(kinds), Forms(specification)
    for key, stream in streams.items():
        past = pasts[stream.actor]
        yield from stream.problems
        yield from _wrong_values(
            stream, Shown(past, forms, stream.key), forms, forgetful=_forgets(past, kinds, EXPIRING)
        )
        yield from _wrong_reason(stream, past)
        yield from _strays(stream, kinds)
        yield from _needless_snapshots(stream, past, kinds)
        if key in kinds["quiet"][-1]["streams"]:
            final = kinds["quiet"][-1]["states"][stream.actor]
            yield from _wrong_end(stream, past.initial if final is None else final, forms)


def _wrong_values(stream: Received, shown: Shown, forms: Forms, *, forgetful: bool) -> Iterator[Violation]:
    """Each value is that of its version, and a deletion lies between no two of them."""
    for epoch in stream.epochs:
        values = [(number, forms.of_value(value, stream.key)) for number, value in epoch.values]
        if not values:
            continue
        told = f"{stream.name}: numbers {[number for number, _ in values]}"
        bases = [base for base in shown.bases(values) if _fits(base, values, epoch, shown)]
        if not bases:
            yield Violation(OUT_OF_ORDER, f"{told}: values are not those of versions, or had been deleted")
        elif all(_goes_on(stream, epoch, base, values, shown, forgetful) for base in bases):
            yield Violation(LOST, f"{told}: its actor was deleted meanwhile, and nobody told")


def _goes_on(
    stream: Received, epoch: Epoch, base: int, values: list[tuple[int, bytes]], shown: Shown, forgetful: bool
) -> bool:
    """Whether a deletion lies between two values, and nobody has told.

    What is deleted while a stream is being opened may have been worked off before its row was there. And a worker that
    finds the actor back leaps over it where the journal may have forgotten.
    """
    for at, version in shown.survived([(base + number, form) for number, form in values]):
        meanwhile = any(asked <= at <= told for asked, told in stream.opening)
        if not meanwhile and not (forgetful and version - base in epoch.leaps):
            return True
    return False


def _fits(base: int, values: list[tuple[int, bytes]], epoch: Epoch, shown: Shown) -> bool:
    return all(shown.may_be(base + number, form, epoch.began) for number, form in values)


def _wrong_reason(stream: Received, past: Past) -> Iterator[Violation]:
    """Whoever is told that an actor was deleted had asked for it before that."""
    if stream.deleted_by is not None:
        asked, told = stream.deleted_by
        if not any(asked <= deleted < told for deleted, _ in past.deletions):
            yield Violation(LOST, f"{stream.name}: ended by what was deleted before it was asked for, if ever")


def _strays(stream: Received, kinds: Mapping[str, list[Event]]) -> Iterator[Violation]:
    """Nobody begins to send when it is over; who keeps subscribers is mostly told that one is gone."""
    if stream.strays and not any(event.get("effect") in UNMARKED for event in kinds["fault"]):
        yield Violation(OUT_OF_ORDER, f"{stream.name}: {stream.strays} were sent when it was over")


def _needless_snapshots(stream: Received, past: Past, kinds: Mapping[str, list[Event]]) -> Iterator[Violation]:
    """A resume is told that something was left out only where it has a reason."""
    for at in stream.snapshots:
        deleted = any(deletion < at for deletion, _ in past.deletions)
        if not deleted and not _forgets(past, kinds, FORGETTING, at):
            yield Violation(LOST, f"{stream.name}: it was told that something was left out, without a reason")


def _forgets(past: Past, kinds: Mapping[str, list[Event]], disturbances: tuple[str, ...], before: float = inf) -> bool:
    """Whether the journal may not have had all that was missed, up to a moment, or too much of it."""
    forgotten = any(event["at"] < before and event["fault"] in disturbances for event in kinds["fault"])
    return forgotten or len(past.written) > REPLAY_LIMIT


def _wrong_end(stream: Received, final: str | bytes, forms: Forms) -> Iterator[Violation]:
    """It shows the state as it is in the end."""
    values = [value for epoch in stream.epochs for _, value in epoch.values]
    if not values or forms.of_value(values[-1], stream.key) != forms.of_state(final, stream.key):
        yield Violation(LOST, f"{stream.name}: the last of {len(values)} values is not the final state")
