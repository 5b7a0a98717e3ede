"""Subscribe and resume: which row, and which frames first; ``catch_up`` does the rest."""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from trebuche import logs
from trebuche.actor_types import ActorType
from trebuche.answers import failed_stream, start_frame
from trebuche.catch_up import Current, bring_up, read_current
from trebuche.conflation import delivery_of
from trebuche.contract import CONNECTION_LIFE_SECONDS
from trebuche.delivery import conclude_for_now, deliver, detach, mark_audience, remove
from trebuche.effects import (
    Concurrently,
    Effect,
    FindDetached,
    ForgetStream,
    LoadConnection,
    LoadSubscription,
    Log,
    MarkEnded,
    NoteStream,
    Now,
    OpenSubscription,
    RandomUuid,
    RegisterConnection,
    Retention,
    Routine,
    perform,
)
from trebuche.envelopes import InvocationEnvelope, StreamResumeEnvelope, StreamStartEnvelope, encode
from trebuche.errors import (
    ActorError,
    ConnectionGoneError,
    DeliveryError,
    HeldUpError,
    NewerStateError,
    VersionConflictError,
)
from trebuche.handover import found_again, give_back, insure, put_off
from trebuche.numbering import continued
from trebuche.replays import read_missed
from trebuche.scalars import UINT64_MAX
from trebuche.socket_events import Caller
from trebuche.starts import goes_on, told_delivery
from trebuche.stored import JournalEntry, Phase, Subscription
from trebuche.targets import observe_target

ATTEMPTS: Final = 5
"""To write the row of a stream that others move at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """A row that is to be written.

    Attributes:
        replaces: The row in whose place it goes.
        last_sequence: The last number that its reader has.
        most: How many streams its connection may have; 0: there is no limit.
    """

    actor_type: ActorType
    row: Subscription
    replaces: Subscription | None
    caller: Caller
    last_sequence: int
    most: int


@dataclass(frozen=True, slots=True)
class _Opened:
    """A row in phase ``opening``, the state read after it was written, and the last number that its reader has."""

    row: Subscription
    current: Current
    last_sequence: int
    caller: Caller
    before: Subscription | None
    """The row that it replaced."""
    listed: bool
    """Whether the stream is on its connection's list, where unsubscribing and ``$disconnect`` find it."""


def check_observable(actor_type: ActorType, actor_id: str, target: str) -> None:
    """Refuse what cannot be observed.

    Raises:
        ActorError: An actor without state, or no such property.
    """
    if not actor_type.stateful:
        raise ActorError(f"Actor '{actor_id}' keeps nothing between calls (stateful: false) and cannot be observed")
    known = [observe_target(name) for name in sorted(actor_type.properties)]
    if target not in known:
        raise ActorError(f"Nothing to observe as '{target[:64]}' on '{actor_id}'; there are: {', '.join(known)}")


def subscribe(
    actor_type: ActorType,
    actor_id: str,
    invocation: InvocationEnvelope,
    caller: Caller,
    stream_id: UUID,
    *,
    most: int = 0,
) -> Routine[Exception | None]:
    """Open a stream: ``streamStart``, the current value, and from then on every change.

    Args:
        actor_type: The actor's type.
        actor_id: Its id.
        invocation: The request.
        caller: Who asks.
        stream_id: Of the new stream.
        most: How many streams the caller's connection may have; 0: there is no limit.

    Returns:
        What went wrong once the stream was open; its reader has been told, or a worker goes on with it.

    Raises:
        ConnectionGoneError: The caller is gone; the stream waits for a resume.
        StreamLimitError: The connection has its fill.
        VersionConflictError: There is such a stream already.
    """
    # Read only to choose the base; what is sent is read again once the row is there.
    seen = yield from read_current(actor_type, actor_id)
    row = yield from _row(caller, actor_id, stream_id, invocation.target_identifier, invocation.call_id)
    # So the first value is number 1: clients drop 0 (wire format 7.3).
    delivery = delivery_of(invocation.stream_filter, actor_type.window_ms)
    row = replace(row, base=seen.version - 1, born=seen.born, filter=invocation.stream_filter, delivery=delivery)
    opened = yield from _open(
        _Opening(actor_type=actor_type, row=row, replaces=None, caller=caller, last_sequence=0, most=most)
    )
    if opened is None:
        raise VersionConflictError(f"stream {stream_id} exists already; subscribe again")
    start = StreamStartEnvelope(
        stream_id,
        invocation.call_id,
        invocation.actor_id,
        invocation.target_identifier,
        invocation.stream_filter,
        delivery=told_delivery(row),
    )
    return (yield from _catch_up_or_fail(actor_type, opened, start, None))


def resume(
    actor_type: ActorType, actor_id: str, request: StreamResumeEnvelope, caller: Caller, *, most: int = 0
) -> Routine[Exception | None]:
    """Go on with a stream on this connection, under the id of the request, known or not.

    What was missed is replayed where the journal has all of it, else one snapshot repairs any gap. A stream that nobody
    knows (Swift clients resume under ids of their own) starts here, numbered above what the client has. A frame that
    came before the one with which the stream was moved to another connection changes nothing; its sender is told, for
    the clocks that say so are of two gateways.

    Returns:
        As ``subscribe``.

    Raises:
        ActorError: The stream belongs to somebody else, or no number is left above ``last_sequence``.
        ConnectionGoneError: The caller is gone again; the stream waits for the next resume.
        StreamLimitError: The connection has its fill; ``most`` is as for ``subscribe``.
        VersionConflictError: Others keep moving the stream.
    """
    # Every number sent has to be above it (wire format 7.5).
    if request.last_sequence >= UINT64_MAX:
        raise ActorError(f"no sequence number is left above {request.last_sequence}; subscribe again")
    yield from _leave_other_actor(actor_id, request.stream_id, caller)
    opener = yield from perform(RandomUuid())
    for _ in range(ATTEMPTS):
        known = yield from _find(actor_id, request, caller)
        if known is not None and _overtaken(known, caller):
            fields = {"streamId": request.stream_id, "connectionId": caller.connection_id}
            yield from perform(Log(logs.INFO, "resume-overtaken", fields))
            raise VersionConflictError(f"stream {request.stream_id} was resumed elsewhere after this; resume again")
        seen = yield from read_current(actor_type, actor_id)
        row = yield from _row(caller, actor_id, request.stream_id, request.target_identifier, opener)
        row, kept = continued(row, known, seen, request.last_sequence)
        row = replace(row, born=seen.born, delivery=delivery_of(row.filter, actor_type.window_ms))
        opened = yield from _open(
            _Opening(
                actor_type=actor_type,
                row=row,
                replaces=known,
                caller=caller,
                last_sequence=request.last_sequence,
                most=most,
            )
        )
        if opened is not None:
            missed, recovered = (yield from _missed(actor_type, opened)) if kept else (None, False)
            start = goes_on(opened.row, opened.current.version, recovered=recovered, actor_id=request.actor_id)
            return (yield from _catch_up_or_fail(actor_type, opened, start, missed))
    raise VersionConflictError(f"stream {request.stream_id} is being moved by others; resume again")


def _catch_up_or_fail(
    actor_type: ActorType, opened: _Opened, start: StreamStartEnvelope, missed: tuple[JournalEntry, ...] | None
) -> Routine[Exception | None]:
    """A stream that ends with an error must not go on; detached, it keeps base and filter for another resume.

    The error is posted before that: nobody repeats an answer of the function that is lost, and the client would go on
    to believe in its stream. Where it cannot be posted nobody says it: the row stays, and a worker goes on.
    """
    row = opened.row
    try:
        yield from _catch_up(actor_type, opened, start, missed)
    except ConnectionGoneError:
        # Detached already, and nobody there to be told.
        raise
    except Exception as error:
        try:
            frame = encode(failed_stream(row.stream_id, row.opener, error))
            yield from deliver(row.connection_id, row.connected_at, frame)
        except DeliveryError as failure:
            fields = {"streamId": row.stream_id, "code": failure.code}
            yield from perform(Log(logs.WARNING, "undelivered", fields, failure))
            now_ms = yield from perform(Now())
            yield from put_off(row, row.sent, now_ms)
        else:
            yield from conclude_for_now(row)
        return error
    return None


def _row(caller: Caller, actor_id: str, stream_id: UUID, target: str, opener: UUID) -> Routine[Subscription]:
    now_ms = yield from perform(Now())
    kept_seconds = yield from perform(Retention())
    return Subscription(
        actor_id=actor_id,
        stream_id=stream_id,
        connection_id=caller.connection_id,
        connected_at=caller.connected_at,
        target=target,
        opener=opener,
        base=0,
        # What a detached row gets, from the end of the connection on: if no $disconnect comes, a resume finds this one.
        ttl=now_ms // 1000 + CONNECTION_LIFE_SECONDS + kept_seconds,
        principal=caller.principal,
        asked_at=caller.asked_at,
        until=caller.until,
    )


def _overtaken(known: Subscription, caller: Caller) -> bool:
    """Whether the stream's reader has resumed it on another connection after this frame came.

    A frame can be handled long after its connection broke. It must not take the stream away from where it lives now:
    the post to the dead connection would fail, the stream be detached, and its reader never be told.
    """
    elsewhere = known.phase is not Phase.DETACHED and known.connection_id != caller.connection_id
    return elsewhere and 0 < caller.asked_at < known.asked_at


def _leave_other_actor(actor_id: str, stream_id: UUID, caller: Caller) -> Routine[None]:
    """Ids of streams may be made up by clients: under one id a connection gets the values of one actor only."""
    connection = yield from perform(LoadConnection(caller.connection_id))
    other = connection.streams.get(stream_id) if connection else None
    if other is not None and other != actor_id:
        yield from remove(other, stream_id, caller.connection_id)
        yield from perform(ForgetStream(caller.connection_id, other, stream_id))


def _find(actor_id: str, request: StreamResumeEnvelope, caller: Caller) -> Routine[Subscription | None]:
    """Attached first: a row that is being detached meanwhile is then found in its new place."""
    now = (yield from perform(Now())) // 1000
    known = yield from perform(LoadSubscription(actor_id, request.stream_id, now))
    if known is None:
        known = yield from perform(FindDetached(request.stream_id, caller.principal, now))
    # Whether somebody else has such a stream is not the caller's business.
    if known is not None and known.principal != caller.principal:
        raise ActorError(f"Stream '{str(request.stream_id).upper()}' not found")
    return known


def _open(opening: _Opening) -> Routine[_Opened | None]:
    """Write the row, then read the state; None when the row in whose place it should go has changed."""
    actor_type, last_sequence = opening.actor_type, opening.last_sequence
    row = replace(opening.row, sent=opening.row.base + last_sequence, shape=actor_type.shape)
    # On the connection's list first: only by it does $disconnect find the row. Side by side, since its reader waits.
    noted = NoteStream(row.connection_id, row.actor_id, row.stream_id, last_sequence, opening.most)
    listed, _ = yield from perform(Concurrently((_outcome(noted), insure(row))))
    if isinstance(listed, Exception):
        raise listed
    now_ms = yield from perform(Now())
    written = yield from _outcome(OpenSubscription(row, opening.replaces, now_ms // 1000))
    if written is not True and not (yield from _is_there(row)):
        if isinstance(written, Exception):
            raise written
        return None
    # Before the state is read: a fan-out that does not know the row yet is of a change that is read then.
    yield from mark_audience(row.actor_id)
    current = yield from read_current(actor_type, row.actor_id)
    return _Opened(row, current, last_sequence, opening.caller, opening.replaces, listed)


def _is_there(row: Subscription) -> Routine[bool]:
    """Whether a row was written after all: the answer can be lost, and the write, tried again, find itself done."""
    found = yield from found_again(row)
    return found is not None and found.opener == row.opener


def _outcome(effect: Effect[Any]) -> Routine[Any]:
    """What an effect gives or runs into: routines that go side by side must not raise."""
    try:
        return (yield from perform(effect))
    except Exception as error:
        return error


def _missed(actor_type: ActorType, opened: _Opened) -> Routine[tuple[tuple[JournalEntry, ...] | None, bool]]:
    """What was missed, as far as this code can show it, and whether the journal has all of it."""
    if opened.current.ends(opened.row):
        # Whoever worked off the deletion may have looked before the row was there, and nobody comes again.
        yield from perform(MarkEnded(opened.row))
        return (), False
    after = opened.row.base + opened.last_sequence
    missed = yield from read_missed(opened.row, after, opened.current.version)
    try:
        replay = missed.replay(actor_type)
    except NewerStateError:
        return None, True
    return replay, replay is not None


def _catch_up(
    actor_type: ActorType, opened: _Opened, start: StreamStartEnvelope, missed: tuple[JournalEntry, ...] | None
) -> Routine[None]:
    """Post ``streamStart``, then what was missed or else a snapshot, then let changes through.

    A client that takes the first but not all of the rest has its stream; a worker brings what is left. So it does, of
    newer code by then, when older code is asked in the middle of a deployment: a Swift client would not ask again.
    """
    row = opened.row
    try:
        yield from deliver(row.connection_id, row.connected_at, start_frame(start))
        if not opened.listed:
            yield from _list_again(opened)
        # Who was told that values were lost is not told how many were left out: that is about values that were not.
        yield from bring_up(actor_type, row, opened.current, missed, counted=start.recovered is not False)
    except ConnectionGoneError:
        if not (yield from _give_back(opened)):
            yield from detach(row)
        raise
    except (HeldUpError, NewerStateError) as error:
        now_ms = yield from perform(Now())
        yield from put_off(row, error.sent if isinstance(error, HeldUpError) else row.sent, now_ms)


def _give_back(opened: _Opened) -> Routine[bool]:
    before, current = opened.before, opened.current
    deleted = before is not None and not current.exists and before.born < current.born
    return (yield from give_back(opened.row, before, deleted=deleted))


def _list_again(opened: _Opened) -> Routine[None]:
    """Remember a connection that was forgotten (a 410 that was not true, a row deleted by hand): it took a frame."""
    row, caller = opened.row, opened.caller
    now_ms = yield from perform(Now())
    yield from perform(RegisterConnection(caller.connection(now_ms)))
    yield from perform(NoteStream(caller.connection_id, row.actor_id, row.stream_id, opened.last_sequence))
