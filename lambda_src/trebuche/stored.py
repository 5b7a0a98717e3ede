"""What is kept: the items of the four tables as values. Times are milliseconds, ``ttl`` is seconds."""

from dataclasses import field
from enum import StrEnum
from typing import Final
from uuid import UUID

from trebuche.envelope_types import StreamFilter
from trebuche.immutable import immutable

RESERVED_AT_ONCE: Final = 1_000
"""Versions; an actor that comes back after its journal expired leaves out as many at most."""


@immutable
class StoredState:
    """An actor's state; ``state`` is a JSON document, ``shape`` what the code knew that wrote it (empty: not told)."""

    actor_id: str
    state: bytes
    version: int
    schema: int
    updated_at: int
    shape: str = ""


@immutable
class CallRecord:
    """The outcome of a call that took effect; ``result`` is a JSON document, or empty."""

    digest: str
    result: bytes
    version: int


@immutable(kw_only=True)
class Turn:
    """All that one turn writes, at once or not at all.

    Attributes:
        previous: Version that the state must still have; None when it must still be absent.
        next: The state to store; its version goes into the journal as well.
        call: Kept under ``call_id``, which must be unused or expired.
        now: Seconds; what expired before counts as absent.
        ttl: Seconds; when journal entry and call record expire.
    """

    previous: int | None
    next: StoredState
    call_id: UUID
    call: CallRecord
    now: int
    ttl: int


def reserved_versions(version: int) -> int:
    """Up to where versions count as used once this one is written."""
    return (version // RESERVED_AT_ONCE + 1) * RESERVED_AT_ONCE


def needs_reservation(turn: Turn) -> bool:
    """Whether a turn has to note it: the first of a state, and then one in many.

    The journal expires, also that of an actor whose state is deleted later. Its versions must not begin anew while
    somebody watches it: what is not above the version that a subscriber has is not sent to it.
    """
    return turn.previous is None or turn.next.version % RESERVED_AT_ONCE == 0


@immutable
class JournalEntry:
    """One version of an actor's state, under the schema that it was written with.

    Attributes:
        first: Whether there was no state before it: the actor was new, or came back after it was deleted.
    """

    version: int
    state: bytes
    schema: int = 1
    first: bool = False


class Phase(StrEnum):
    """Who may post to a subscriber.

    ``opening``: only the catch-up that owns the row; changes raise ``pending``. ``live``: the stream processor,
    versions above ``sent``. ``ended``: the actor was deleted while the row was opening; its catch-up says so.
    ``detached``: nobody, until a resume.
    """

    OPENING = "opening"
    LIVE = "live"
    ENDED = "ended"
    DETACHED = "detached"


@immutable(kw_only=True)
class Subscription:
    """One stream of one subscriber.

    Attributes:
        connected_at: Of the connection.
        opener: Names the catch-up that wrote the row last, so that a later one supersedes it.
        base: A version's number on this stream is ``version - base``.
        born: Lowest version whose deletion ends the stream; what was deleted before it was asked for does not.
        since: The first number that counts from this base; 0 when the stream began with it.
        pending: Highest version that came while the row was opening.
        asked_at: When the frame came with which the reader attached it to this connection (ms); 0: not known.
        delivery: ``every``, or ``latest:<milliseconds>`` for one value per window.
        sent: Version up to which the subscriber has values: what it said on a resume, then what the catch-up delivered.
        shape: Of the states that its catch-up has shown; those of another shape only the actor's code can read.
        until: When the right of the connection to be there ends, in seconds; 0: never by itself.
    """

    actor_id: str
    stream_id: UUID
    connection_id: str
    connected_at: int
    target: str
    opener: UUID
    base: int
    ttl: int
    filter: StreamFilter | None = field(default=None, hash=False)
    delivery: str = "every"
    principal: str | None = None
    phase: Phase = Phase.OPENING
    since: int = 0
    born: int = 0
    pending: int = 0
    sent: int = 0
    asked_at: int = 0
    shape: str = ""
    until: int = 0

    def has_some(self, version: int) -> bool:
        """Whether a reader that has everything up to a version has any value since the stream was numbered."""
        return version - self.base >= max(self.since, 1)


@immutable(kw_only=True)
class Connection:
    """An open socket.

    Attributes:
        actor_id: The actor that was subscribed to or resumed last, with ``stream_id`` and ``last_sequence``.
        streams: Every stream opened on it: stream id to actor id.
        until: When the right to be here ends, in seconds; 0: never by itself.
        credential: With what the principal came in, such as ``key:<id>``.
    """

    connection_id: str
    connected_at: int
    ttl: int
    principal: str | None = None
    actor_id: str | None = None
    stream_id: UUID | None = None
    last_sequence: int = 0
    streams: dict[UUID, str] = field(default_factory=dict, hash=False)
    until: int = 0
    credential: str | None = None


@immutable
class Reminder:
    """A message that says: this subscription waits for a catch-up.

    Attributes:
        opener: Of the row when the message was sent. A worker that takes the row over writes a successor of it, so that
            the message counts also when it comes again because that worker died.
        start: When the subscriber fell behind.
    """

    actor_id: str
    stream_id: UUID
    opener: UUID
    start: int
