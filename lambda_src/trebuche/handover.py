"""Handing subscribers over to a worker: those that take no frame now, and those whose catch-up has died.

A reminder is never missing: it is sent before ``pending`` leaves zero, and whoever handles a change that failed handles
it again. There may be too many of them; one that is not about the row as it is by then is dropped.
"""

from dataclasses import replace
from typing import Final

from trebuche import logs
from trebuche.changes import Change
from trebuche.delivery import mark_audience
from trebuche.effects import (
    Defer,
    GoOpening,
    LoadSubscription,
    Log,
    MarkEnded,
    Now,
    OpenSubscription,
    RaisePending,
    RandomUuid,
    Routine,
    TimeLeft,
    perform,
)
from trebuche.errors import ConfigError, ServiceError
from trebuche.reminders import deferred
from trebuche.stored import Phase, Reminder, Subscription

ABANDONED_SECONDS: Final = 60
"""After that a catch-up that was at work has ended, or has died with its function."""
SLOW_SECONDS: Final = 2
"""The first pause for a subscriber that takes no frames; it grows with the time that it has been late."""
LONGEST_SECONDS: Final = 60
RESERVE_SECONDS: Final = 15.0
"""Of an invocation's time, to hand over those who would come too late: much quicker than posting to the slow."""


def out_of_time() -> Routine[bool]:
    """Whether what is left of the invocation is needed to hand subscribers over."""
    return (yield from perform(TimeLeft())) < RESERVE_SECONDS


def insure(row: Subscription) -> Routine[None]:
    """Have a worker look at a row that is about to be opened, in case its catch-up dies with its function.

    Whoever was told ``streamStart`` is owed a first value, and not every client asks for it again (Swift's do not; with
    a filter nobody can tell that one is missing). A queue that fails costs this care, but not the stream.
    """
    now_ms = yield from perform(Now())
    try:
        yield from perform(Defer(Reminder(row.actor_id, row.stream_id, row.opener, now_ms), ABANDONED_SECONDS))
    except (ConfigError, ServiceError) as error:
        fields = {"actorId": row.actor_id, "streamId": row.stream_id, "code": error.code}
        yield from perform(Log(logs.WARNING, "no-reminder", fields, error))


def give_back(row: Subscription, before: Subscription | None, *, deleted: bool) -> Routine[bool]:
    """Return a stream to the connection from which a resume took it whose own is gone; False when there is none.

    A resume can be handled long after its connection broke, and look like the later one, since gateways' clocks differ.
    Then its reader is where the stream was: a worker brings it what it lacks, or finds that connection gone as well.

    Args:
        row: As the resume wrote it.
        before: The row that it replaced.
        deleted: Whether the actor was deleted since that one was opened. The one of the resume does not end by it.
    """
    if before is None or before.phase not in (Phase.LIVE, Phase.OPENING) or before.connection_id == row.connection_id:
        return False
    opener = yield from perform(RandomUuid())
    now_ms = yield from perform(Now())
    # Before the row is there, as ever: nobody else would go on with it.
    yield from perform(Defer(Reminder(before.actor_id, before.stream_id, opener, now_ms), SLOW_SECONDS))
    back = replace(before, phase=Phase.ENDED if deleted else Phase.OPENING, opener=opener, pending=0)
    # Its own $disconnect may have detached the row meanwhile.
    for found in (row, replace(row, phase=Phase.DETACHED)):
        if (yield from perform(OpenSubscription(back, found, now_ms // 1000))):
            # Detached, it was in nobody's audience.
            yield from mark_audience(row.actor_id)
            return True
    return False


def outlives(row: Subscription, change: Change) -> bool:
    """Whether a change is a deletion that comes again or late for a subscriber.

    Its stream began after it, or has values of what was written after it.
    """
    return change.state is None and change.version < max(row.born, row.sent)


def claim(row: Subscription, sent: int) -> Routine[Subscription | None]:
    """Take a row, which has everything up to ``sent``, out of the fan-out and out of whosever hands it is in.

    The row as it is then, opening and ours; None when it is no longer as it was found.
    """
    opener = yield from perform(RandomUuid())
    if (yield from perform(GoOpening(row, sent, opener))):
        return replace(row, phase=Phase.OPENING, sent=sent, opener=opener, pending=0)
    return None


def found_again(row: Subscription) -> Routine[Subscription | None]:
    """A row as others have left it."""
    now_ms = yield from perform(Now())
    return (yield from perform(LoadSubscription(row.actor_id, row.stream_id, now_ms // 1000)))


def set_aside(row: Subscription, sent: int) -> Routine[Subscription | None]:
    """Take a live row, which has everything up to ``sent``, out of the fan-out; the row as it is then.

    Its reminder is sent by ``tell``, with the change that it could not get, and there it leaves the audience.
    """
    claimed = yield from claim(row, sent)
    return claimed if claimed is not None else (yield from found_again(row))


def tell(row: Subscription, change: Change, seconds: int) -> Routine[Subscription | None]:
    """Tell the catch-up that owns an opening row of a change; the row as it is then, which may be live by now.

    Args:
        row: As it was found.
        change: What it has to know.
        seconds: When a worker is reminded, if it was not told of anything before.
    """
    while True:
        if not row.pending:
            yield from _remind(row, seconds)
            # Whoever took it out of the fan-out may have died over it: some may still keep it as one to post to.
            yield from mark_audience(row.actor_id)
        notice = RaisePending(row, change.version) if change.state is not None else MarkEnded(row)
        found = yield from perform(notice)
        if found is None or found.phase is not Phase.OPENING or found.opener == row.opener or outlives(found, change):
            return found
        # Another catch-up owns the row by now: it has to be told, and a worker reminded of it.
        row = found


def put_off(row: Subscription, sent: int, start: int) -> Routine[None]:
    """Leave an opening row of one's own, which has got everything up to ``sent``, to a later worker.

    Args:
        row: The row.
        sent: A version.
        start: When its subscriber fell behind, in milliseconds.
    """
    now_ms = yield from perform(Now())
    seconds = min(LONGEST_SECONDS, max(SLOW_SECONDS, (now_ms - start) // 1000))
    # Before letting go: a row that nobody owns, and of which nobody is reminded, would stay so (D9).
    yield from perform(Defer(Reminder(row.actor_id, row.stream_id, row.opener, start), seconds))
    # The reminder names the opener before, and knows the row again by what is computed from it.
    yield from perform(GoOpening(row, sent, deferred(row.opener)))


def _remind(row: Subscription, seconds: int) -> Routine[None]:
    now_ms = yield from perform(Now())
    try:
        yield from perform(Defer(Reminder(row.actor_id, row.stream_id, row.opener, now_ms), seconds))
    except ConfigError as error:
        # A type that is deployed no more: the batch must not be repeated for what no repetition mends.
        yield from perform(Log(logs.ERROR, "no-worker", {"actorId": row.actor_id, "code": error.code}, error))
