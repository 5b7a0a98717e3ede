"""Brings an opening subscription up to the actor's state, and then lets the stream processor post to it.

The order is what makes it right. The row is there before the state is read, so a change that the read does not see
finds the row and raises its ``pending``; while the row is opening nobody else posts to it; and it turns live only if
nothing is pending above what was delivered. So a live change can neither overtake nor repeat a snapshot or a replay.
"""

from dataclasses import dataclass
from typing import Final

from trebuche import logs
from trebuche.actor_types import ActorType
from trebuche.answers import failed_stream
from trebuche.auth.access import has_ended
from trebuche.conflation import window_ms
from trebuche.delivery import HELD_UP, conclude, deliver, detach, dismiss
from trebuche.effects import (
    FlipLive,
    HighestVersion,
    LoadState,
    Log,
    MarkEnded,
    Now,
    Routine,
    TimeLeft,
    perform,
)
from trebuche.envelopes import StreamEndEnvelope, StreamEndReason, StreamErrorEnvelope, encode
from trebuche.errors import ExpiredError, HeldUpError, NewerStateError, TrebucheError
from trebuche.filters import compares, passes
from trebuche.frames import data_frame, observed, observed_before
from trebuche.replays import read_missed
from trebuche.stored import JournalEntry, Phase, Subscription
from trebuche.targets import observed_property

RESERVE_SECONDS: Final = 5.0
"""Of an invocation's time: less than that is left to a later worker."""


@dataclass(frozen=True, slots=True)
class Current:
    """An actor's state as of now.

    Attributes:
        document: As this code would have stored it; the error where newer code has, which only newer code can show.
        exists: Tells a stored state from the default of an absent one.
    """

    version: int
    document: bytes | NewerStateError
    exists: bool

    @property
    def state(self) -> bytes:
        """What is shown of it.

        Raises:
            NewerStateError: A worker of newer code has to.
        """
        if isinstance(self.document, NewerStateError):
            raise self.document
        return self.document

    @property
    def born(self) -> int:
        """Lowest version whose deletion is still to come."""
        return self.version if self.exists else self.version + 1

    def ends(self, row: Subscription) -> bool:
        """Whether the actor was deleted since a stream was asked for, and is not back."""
        return not self.exists and 0 < row.born <= self.version


def read_current(actor_type: ActorType, actor_id: str) -> Routine[Current]:
    """The stored state, or what a fresh actor would hold under the last version that the journal knows.

    Raises:
        StateError: What is stored cannot be read. (What newer code has stored is no error before it is to be shown.)
    """
    stored = yield from perform(LoadState(actor_id))
    highest: int | None = None
    while stored is None:
        now_ms = yield from perform(Now())
        known = yield from perform(HighestVersion(actor_id, now_ms // 1000))
        if known == highest:
            return Current(highest, actor_type.initial_state, exists=False)
        highest = known
        # The journal may know a version that was written only after the state was found absent, and not know one
        # that was written and deleted before it is found absent again: only between two equal answers it surely was.
        stored = yield from perform(LoadState(actor_id))
    try:
        document: bytes | NewerStateError = actor_type.today(actor_id, stored.state, stored.schema)
    except NewerStateError as error:
        document = error
    return Current(stored.version, document, exists=True)


def bring_up(
    actor_type: ActorType,
    row: Subscription,
    current: Current,
    missed: tuple[JournalEntry, ...] | None,
    *,
    counted: bool = True,
) -> Routine[None]:
    """Post what was missed above ``row.sent``, or else a snapshot, then turn the row live.

    Args:
        actor_type: Of the row's actor.
        row: In phase ``opening``, and ours.
        current: The state, read after the row was written.
        missed: From the journal; None when it has not all of it.
        counted: Whether a snapshot says how many versions were left out before it.

    Raises:
        HeldUpError: The subscriber takes no more for now.
        ExpiredError: Its right to be there has ended.
        NewerStateError: Newer code has to show it the state.
        DeliveryError: A post failed otherwise.
    """
    if missed is not None:
        yield from _send_replay(row, row.sent, missed)
    else:
        yield from _send_snapshot(row, row.sent, current.version, current.state, counted=counted)
    yield from go_live(actor_type, row, current.version)


def go_live(actor_type: ActorType, row: Subscription, position: int) -> Routine[bool]:
    """Deliver what is still pending above ``position``, then turn the row live; False when it is no longer ours.

    Raises:
        HeldUpError: The actor changes faster than its changes can be posted, and the invocation's time is nearly over;
            or newer code changes it.
        DeliveryError: A post failed otherwise.
    """
    while True:
        found = yield from perform(FlipLive(row, position))
        if found is None or found.opener != row.opener:
            return False
        if found.phase is Phase.ENDED:
            yield from end(found)
            return False
        if found.phase is Phase.LIVE:
            return True
        if (yield from perform(TimeLeft())) < RESERVE_SECONDS:
            raise HeldUpError(position)
        try:
            position = yield from _deliver_pending(actor_type, row, position, found.pending)
        except NewerStateError as error:
            raise HeldUpError(position) from error


def end(row: Subscription, *, hurried: bool = False) -> Routine[None]:
    """Tell a subscriber that its actor was deleted, and forget the subscription; ``hurried`` as for ``deliver``."""
    frame = encode(StreamEndEnvelope(row.stream_id, StreamEndReason.ACTOR_TERMINATED))
    yield from _conclude(row, frame, hurried=hurried)


def give_up(row: Subscription, error: TrebucheError, *, hurried: bool = False) -> Routine[None]:
    """End a stream for what no repetition mends; who subscribes again gets the state as soon as it is mended."""
    fields = {"actorId": row.actor_id, "connectionId": row.connection_id, "streamId": row.stream_id}
    yield from perform(Log(logs.ERROR, "state-undeliverable", fields | {"code": error.code}, error))
    frame = encode(StreamErrorEnvelope(row.stream_id, str(error), error.code, retryable=False))
    yield from _conclude(row, frame, hurried=hurried)


def _conclude(row: Subscription, frame: str, *, hurried: bool) -> Routine[None]:
    # Before the row goes: if the frame cannot be posted, whoever finds the row says it.
    yield from deliver(row.connection_id, row.connected_at, frame, hurried=hurried)
    if (yield from conclude(row)):
        # Whoever opened it anew may have told so after this end.
        yield from deliver(row.connection_id, row.connected_at, frame, hurried=hurried)


def send_away(row: Subscription, *, hurried: bool = False) -> Routine[None]:
    """End a stream whose connection has lost its right to be there, and the connection; a resume finds the stream."""
    yield from detach(row)
    frame = encode(failed_stream(row.stream_id, row.stream_id, ExpiredError()))
    yield from dismiss(row.connection_id, row.connected_at, frame, hurried=hurried)


def _deliver_pending(actor_type: ActorType, row: Subscription, position: int, pending: int) -> Routine[int]:
    """The version that the reader has then; the same one where the stream is to end, and is marked so."""
    missed = yield from read_missed(row, position, pending)
    entries = missed.replay(actor_type)
    if entries is not None:
        yield from _send_replay(row, position, entries)
        return pending
    current = yield from read_current(actor_type, row.actor_id)
    # A state that was deleted since keeps its last version; what is pending counts as delivered with it.
    version = max(current.version, pending)
    # It may have come back once more since.
    deleted = missed.deleted or current.ends(row)
    if deleted or (version > pending and (yield from read_missed(row, position, version)).deleted):
        yield from perform(MarkEnded(row))
        return position
    yield from _send_snapshot(row, position, version, current.state)
    return version


def _send_snapshot(row: Subscription, after: int, version: int, state: bytes, *, counted: bool = True) -> Routine[None]:
    """Post one version as it is, unless the filter holds it back, to a reader that has those up to ``after``.

    It says how many were left out. Where numbers began anew, those below the first of them were never anybody's.
    """
    skipped = version - max(after, row.base + row.since - 1) - 1 if counted else 0
    try:
        yield from _send(row, version, state, None, skipped)
    except HELD_UP as error:
        raise HeldUpError(after) from error


def _send_replay(row: Subscription, after: int, entries: tuple[JournalEntry, ...]) -> Routine[None]:
    """Post each version above ``after``; only the last that passes where no more is wanted.

    A reader that has none of the stream's values (none since they were numbered anew) gets the first one whatever the
    version before was: that nothing has changed since says nothing to it.
    """
    has_some = row.has_some(after)
    if window_ms(row):
        yield from _send_latest(row, after, entries, has_some=has_some)
        return
    previous: bytes | None = None
    for entry in entries:
        if entry.version <= after and not has_some:
            continue
        if entry.version > after:
            try:
                yield from _send(row, entry.version, entry.state, previous, 0)
            except HELD_UP as error:
                raise HeldUpError(entry.version - 1) from error
        previous = entry.state


def _send_latest(row: Subscription, after: int, entries: tuple[JournalEntry, ...], *, has_some: bool) -> Routine[None]:
    previous = next((entry.state for entry in entries if has_some and entry.version == after), None)
    try:
        for entry in reversed(entries):
            if entry.version <= after:
                return
            sent = yield from _send(row, entry.version, entry.state, previous, entry.version - after - 1)
            if sent or compares(row.filter):
                return
    except HELD_UP as error:
        raise HeldUpError(after) from error


def _send(row: Subscription, version: int, state: bytes, previous: bytes | None, skipped: int) -> Routine[bool]:
    """Post a value, unless the filter holds it back, and then it is False."""
    property_key = observed_property(row.target) or ""
    value = observed(state, property_key)
    if not passes(row.filter, value=value, previous=observed_before(previous, property_key)):
        return False
    now_ms = yield from perform(Now())
    if has_ended(row.until, now_ms // 1000):
        raise ExpiredError
    frame = data_frame(row.stream_id, version - row.base, value, now_ms, skipped=skipped)
    yield from deliver(row.connection_id, row.connected_at, frame, until=row.until)
    return True
