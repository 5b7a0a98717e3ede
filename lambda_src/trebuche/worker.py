"""The worker of late subscribers: messages in, each about one row that nobody posts to, and catch-ups as their work."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from trebuche import logs
from trebuche.actor_types import ActorType
from trebuche.answers import start_frame
from trebuche.auth.access import has_ended
from trebuche.catch_up import Current, bring_up, end, give_up, go_live, read_current, send_away
from trebuche.delivery import HELD_UP, deliver, detach
from trebuche.dispatch import Directory
from trebuche.effects import (
    Concurrently,
    GoOpening,
    LoadSubscription,
    Log,
    MarkEnded,
    Now,
    OpenSubscription,
    Routine,
    perform,
)
from trebuche.errors import (
    ActorNotFoundError,
    ConnectionGoneError,
    ExpiredError,
    HeldUpError,
    MalformedError,
    NewerStateError,
    StateError,
    VersionConflictError,
)
from trebuche.handover import put_off
from trebuche.reminders import is_about, read_reminder, successor
from trebuche.replays import read_missed
from trebuche.starts import goes_on
from trebuche.stored import Phase, Reminder, Subscription

ATTEMPTS: Final = 5
"""To take over a row that others move at the same time."""


def work_off(directory: Directory, messages: Mapping[str, str]) -> Routine[tuple[str, ...]]:
    """Do what messages ask for; ids of those that have to come again.

    Args:
        directory: The actor types of this function.
        messages: Message id to body.
    """
    # Those about one stream one after the other: the second mostly finds that there is nothing left to do.
    streams: dict[tuple[str, ...], list[str]] = {}
    for message_id, body in messages.items():
        streams.setdefault(_stream_of(body), []).append(message_id)
    routines = tuple(_in_turn(directory, {name: messages[name] for name in names}) for names in streams.values())
    done = yield from perform(Concurrently(routines))
    failed = {message_id for names in done for message_id in names}
    return tuple(message_id for message_id in messages if message_id in failed)


def _in_turn(directory: Directory, messages: Mapping[str, str]) -> Routine[tuple[str, ...]]:
    failed = []
    for message_id, body in messages.items():
        if not (yield from _guarded(directory, body)):
            failed.append(message_id)
    return tuple(failed)


def _stream_of(body: str) -> tuple[str, ...]:
    try:
        reminder = read_reminder(body)
    except MalformedError:
        return (body,)
    return reminder.actor_id, str(reminder.stream_id)


def catch_up(actor_type: ActorType, reminder: Reminder) -> Routine[None]:
    """Bring the subscriber that a reminder is about up to date, and let changes through to it.

    Nobody knows how much of an earlier catch-up arrived, so everything above ``sent`` goes out; readers drop what they
    have. A row that is live, gone, or in somebody else's hands is left alone.

    Raises:
        TrebucheError: The message has to come again.
    """
    row = yield from _take_over(reminder)
    if row is None:
        return
    row = replace(row, shape=actor_type.shape)
    try:
        yield from _finish(actor_type, row)
    except ConnectionGoneError:
        yield from detach(row)
    except ExpiredError:
        yield from send_away(row)
    except HELD_UP as error:
        sent = error.sent if isinstance(error, HeldUpError) else row.sent
        yield from put_off(row, sent, reminder.start)
    except NewerStateError as error:
        # When the deployment is through, this function can read it: sooner than a message comes again that failed.
        fields = {"actorId": row.actor_id, "streamId": row.stream_id, "code": error.code}
        yield from perform(Log(logs.WARNING, "state-newer", fields))
        yield from put_off(row, row.sent, reminder.start)
    except (StateError, MalformedError) as error:
        yield from give_up(row, error)


def _finish(actor_type: ActorType, row: Subscription) -> Routine[None]:
    if row.phase is Phase.ENDED:
        yield from end(row)
        return
    current = yield from read_current(actor_type, row.actor_id)
    missed = yield from read_missed(row, row.sent, current.version)
    if missed.deleted or current.ends(row):
        yield from perform(MarkEnded(row))
        yield from go_live(actor_type, row, row.sent)
        return
    # Whoever has resumed after that, or under numbers of its own, may not have been told: its function died or gave up.
    anew = row.sent > row.base and (missed.came_back or not row.has_some(row.sent))
    if anew:
        yield from _say_anew(row, current)
    # Of an absent state the journal has the last version that was deleted, which nobody may be shown any more.
    replayable = not anew and (current.exists or row.sent >= current.version)
    entries = missed.replay(actor_type) if replayable else None
    yield from bring_up(actor_type, row, current, entries, counted=not anew)


def _say_anew(row: Subscription, current: Current) -> Routine[None]:
    now_ms = yield from perform(Now())
    if has_ended(row.until, now_ms // 1000):
        raise ExpiredError
    frame = start_frame(goes_on(row, current.version, recovered=False))
    yield from deliver(row.connection_id, row.connected_at, frame, until=row.until)


def _take_over(reminder: Reminder) -> Routine[Subscription | None]:
    """The row under an opener of our own; None when the reminder is about nothing any more.

    Raises:
        VersionConflictError: Others keep moving it.
    """
    for _ in range(ATTEMPTS):
        now = (yield from perform(Now())) // 1000
        row = yield from perform(LoadSubscription(reminder.actor_id, reminder.stream_id, now))
        if row is None or row.phase is Phase.LIVE or not is_about(reminder, row.opener):
            return None
        # What was pending lies above `sent`, and is read anew.
        owned = replace(row, opener=successor(row.opener), pending=0)
        # GoOpening leaves rows of deleted actors alone.
        ended = row.phase is Phase.ENDED
        taken = OpenSubscription(owned, row, now) if ended else GoOpening(row, row.sent, owned.opener)
        if (yield from perform(taken)):
            return owned
    raise VersionConflictError(f"stream {reminder.stream_id} is being moved by others")


def _guarded(directory: Directory, body: str) -> Routine[bool]:
    """Whether a message is done with; it is, too, when nobody could ever do what it asks for."""
    try:
        reminder = read_reminder(body)
    except MalformedError as error:
        yield from perform(Log(logs.ERROR, "unreadable-reminder", {"code": error.code}, error))
        return True
    try:
        yield from catch_up(_type_of(directory, reminder), reminder)
    except Exception as error:
        fields = {"actorId": reminder.actor_id, "streamId": reminder.stream_id}
        yield from perform(Log(logs.ERROR, "catch-up-failed", fields, error))
        return False
    return True


def _type_of(directory: Directory, reminder: Reminder) -> ActorType:
    actor_type = directory.get(reminder.actor_id.partition("/")[0])
    if actor_type is None:
        raise ActorNotFoundError(reminder.actor_id)
    return actor_type
