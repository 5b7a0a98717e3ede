"""Posting to connections that may be young, slow or dead."""

from itertools import count
from typing import Final
from uuid import UUID

from trebuche import logs
from trebuche.auth.access import has_ended
from trebuche.effects import (
    Detach,
    Disconnect,
    ForgetStream,
    LoadConnection,
    LoadSubscription,
    Log,
    MarkAudience,
    NoteStream,
    Now,
    Pause,
    Post,
    RandomFraction,
    RemoveSubscription,
    Retention,
    Routine,
    UnregisterConnection,
    perform,
)
from trebuche.errors import ConnectionGoneError, DeliveryError, ExpiredError, ThrottledError, UnsureError
from trebuche.stored import Subscription

YOUNG_MS: Final = 7_000
"""Until its ``$connect`` has returned everywhere, a connection answers 410 like a closed one.

That takes some seconds, and the clocks of gateway and function, of which one may be slow and one fast, make more of it.
"""
RETRIES: Final = 3
PAUSE_SECONDS: Final = 0.2
MARK_SECONDS: Final = 86_400
"""For which the mark of an audience is kept; nobody keeps the subscribers themselves for nearly as long."""
HELD_UP: Final = (ThrottledError, UnsureError)
"""What a later post may well do; a connection that is gone or a missing permission it does not mend."""


def deliver(
    connection_id: str, connected_at: int, text: str, *, hurried: bool = False, until: int = 0
) -> Routine[None]:
    """Post a frame, again where waiting may help.

    Args:
        connection_id: To whom.
        connected_at: Since when it is open, in milliseconds.
        text: The frame.
        hurried: Whether others wait meanwhile who have nothing to do with it: then it is soon given up (``retries``).
        until: When its right to get the frame ends, in seconds since 1970; 0: never. Whoever calls has just looked.

    Raises:
        ExpiredError: The right has ended while a post was waited for.
        ConnectionGoneError: The connection is gone, and was not just made.
        ThrottledError: Still throttled after all retries.
        UnsureError: The service failed, or did not answer, as often; hurried also when it may not be open yet.
        DeliveryError: Anything else that posting runs into.
    """
    for attempt in count():
        try:
            return (yield from perform(Post(connection_id, text)))
        except ConnectionGoneError as error:
            if not (yield from _is_young(connected_at)):
                raise
            failure: DeliveryError = UnsureError(f"{connection_id} may not be open yet") if hurried else error
        except HELD_UP as error:
            failure = error
        if attempt == retries(failure, hurried=hurried):
            raise failure
        fraction = yield from perform(RandomFraction())
        yield from perform(Pause(pause_seconds(attempt, fraction)))
        if until and has_ended(until, (yield from perform(Now())) // 1000):
            raise ExpiredError from failure
    return None


def retries(failure: DeliveryError, *, hurried: bool) -> int:
    """How often a post that failed so is tried again.

    Who does not read keeps others waiting for nothing: a worker comes back to it. That is no help when everybody is
    refused. It would be the same refusal, at the price of some writes and a message for each.
    """
    if not hurried or (isinstance(failure, ThrottledError) and failure.widespread):
        return RETRIES
    return 0 if isinstance(failure, UnsureError) and failure.timed_out else 1


def pause_seconds(attempt: int, fraction: float) -> float:
    """How long to wait before a post is tried again; ``fraction`` is chance from 0 up to 1."""
    # Half of it is chance: those who were put off together must not come back together.
    return PAUSE_SECONDS * 2.0**attempt * (0.5 + fraction / 2)


def dismiss(connection_id: str, connected_at: int, text: str, *, hurried: bool = False) -> Routine[None]:
    """Post a last frame and close the connection; its ``$disconnect`` then detaches its streams, for a resume.

    Whether the frame arrives does not matter for the close, and a connection that cannot be closed is left to whoever
    meets it next. ``hurried`` is as for ``deliver``.
    """
    try:
        yield from deliver(connection_id, connected_at, text, hurried=hurried)
    except DeliveryError as error:
        yield from _note(connection_id, error)
    try:
        yield from perform(Disconnect(connection_id))
    except DeliveryError as error:
        yield from _note(connection_id, error)


def _note(connection_id: str, error: DeliveryError) -> Routine[None]:
    fields = {"connectionId": connection_id, "code": error.code}
    yield from perform(Log(logs.WARNING, "dismissal-failed", fields, error))


def detach(row: Subscription) -> Routine[bool]:
    """Take a dead connection's subscription out of the fan-out; until it expires a resume finds it."""
    now_ms = yield from perform(Now())
    kept_seconds = yield from perform(Retention())
    return (yield from perform(Detach(row, now_ms // 1000 + kept_seconds)))


def bury(connection_id: str) -> Routine[int]:
    """Forget a dead connection and detach its streams, those that have not moved on; how many."""
    connection = yield from perform(UnregisterConnection(connection_id))
    detached = 0
    for stream_id, actor_id in connection.streams.items() if connection else ():
        now_ms = yield from perform(Now())
        row = yield from perform(LoadSubscription(actor_id, stream_id, now_ms // 1000))
        if row is not None and row.connection_id == connection_id:
            detached += yield from detach(row)
    return detached


def unsubscribe(connection_id: str, stream_id: UUID) -> Routine[bool]:
    """End a stream at its reader's wish; False when this connection has no such stream."""
    connection = yield from perform(LoadConnection(connection_id))
    actor_id = connection.streams.get(stream_id) if connection else None
    if actor_id is None:
        return False
    # The row first: it is what frames are posted by, and a name that stays on the list does no harm.
    removed = yield from remove(actor_id, stream_id, connection_id)
    yield from perform(ForgetStream(connection_id, actor_id, stream_id))
    return removed


def conclude(row: Subscription) -> Routine[bool]:
    """Delete a subscription whose end its reader was told; whether it was opened anew on that connection meanwhile.

    That one goes too: whoever takes nothing more after an end would not read it.
    """
    yield from _forget(row)
    if (yield from remove(row.actor_id, row.stream_id, row.connection_id, opener=row.opener)):
        return False
    anew = yield from remove(row.actor_id, row.stream_id, row.connection_id)
    if anew:
        # Whoever opened it may have put it on the list after it was taken off.
        yield from _forget(row)
    return anew


def conclude_for_now(row: Subscription) -> Routine[None]:
    """Detach a subscription whose failure its reader was told; a resume may go on with it, or has done so already."""
    yield from _forget(row)
    if (yield from _withdraw(row)):
        return
    now_ms = yield from perform(Now())
    found = yield from perform(LoadSubscription(row.actor_id, row.stream_id, now_ms // 1000))
    if found is not None and found.connection_id == row.connection_id:
        # Whoever opened it anew may have put it on the list before it was taken off.
        last_sequence = max(0, found.sent - found.base)
        yield from perform(NoteStream(row.connection_id, row.actor_id, row.stream_id, last_sequence))


def _forget(row: Subscription) -> Routine[None]:
    """Take a stream off its connection's list, where it would count for as long as that lives.

    Before its row goes: if that stays, whoever finds it does both again.
    """
    yield from perform(ForgetStream(row.connection_id, row.actor_id, row.stream_id))


def remove(actor_id: str, stream_id: UUID, connection_id: str, *, opener: UUID | None = None) -> Routine[bool]:
    """Delete a subscription, if it is still attached to this connection (and is the one that ``opener`` opened)."""
    removed = yield from perform(RemoveSubscription(actor_id, stream_id, connection_id, opener))
    if removed:
        yield from mark_audience(actor_id)
    return removed


def mark_audience(actor_id: str) -> Routine[None]:
    """Say that an actor's subscribers are others now, before anything is done that relies on it."""
    now_ms = yield from perform(Now())
    yield from perform(MarkAudience(actor_id, now_ms // 1000 + MARK_SECONDS))


def _withdraw(row: Subscription) -> Routine[bool]:
    """Detach a row whose connection lives: no post to it would fail, and tell whoever keeps it that it is gone."""
    detached = yield from detach(row)
    if detached:
        yield from mark_audience(row.actor_id)
    return detached


def _is_young(connected_at: int) -> Routine[bool]:
    now_ms = yield from perform(Now())
    return now_ms - connected_at < YOUNG_MS
