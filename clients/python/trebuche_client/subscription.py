"""One watched property, as decisions only: what to send on a new socket, and what an arriving envelope means.

No socket, no clock, no printing. Numbers rise by one on a stream; a gap without ``skipped`` is asked for again once.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from trebuche.envelopes import (
    Envelope,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamFilter,
    StreamResumeEnvelope,
    StreamStartEnvelope,
    TrebuchetActorID,
)


@dataclass(frozen=True, slots=True)
class Update:
    """The whole observed value after a change.

    Args:
        sequence: Its number on this stream.
        timestamp: When the server sent it.
        state: The value as JSON.
        missed: How many values before it never came although they were asked for again.
        skipped: How many values before it were left out on purpose, because only the latest counts.
    """

    sequence: int
    timestamp: datetime
    state: bytes
    missed: int = 0
    skipped: int = 0


class Recovery(Enum):
    """How the server picked a stream up again."""

    REPLAYED = "replayed"
    SNAPSHOT = "snapshot"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Recovered:
    """The stream goes on after a drop or a gap."""

    how: Recovery


@dataclass(frozen=True, slots=True)
class Ended:
    """The server ended the stream."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The server refused the stream, or broke it off."""

    message: str
    code: str | None
    retryable: bool


Event = Update | Recovered | Ended | Failed


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from an envelope: things to tell, and at most one envelope to send."""

    events: tuple[Event, ...] = ()
    send: Envelope | None = None


NOTHING = Step()


class Subscription:
    """The client's half of one stream.

    Args:
        actor: The actor's id.
        target: The ``observe…`` name.
        wanted: Which values are wanted; the server leaves the others out without a word, so gaps mean nothing then.
        new_id: Makes the callIDs.
    """

    def __init__(
        self,
        actor: str,
        target: str,
        wanted: StreamFilter | None = None,
        new_id: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        self._actor = TrebuchetActorID(id=actor)
        self._target = target
        self._wanted = wanted
        self._new_id = new_id
        self._call_id: uuid.UUID | None = None
        self._stream_id: uuid.UUID | None = None
        self._last = 0
        self._owed = 1
        self._resuming = False
        self._any_number = True
        self._asked_at: int | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether the server has answered what was sent to open or resume the stream, and wholly.

        A function that dies after ``streamStart`` has answered only half: a first value is owed, and on a resume all
        that was missed. With a filter nobody here knows what is owed; then the server's own care has to do.
        """
        complete = self._last >= self._owed or self._wanted is not None
        return self._stream_id is not None and not self._resuming and complete

    def opening(self) -> Envelope:
        """The envelope to send first on a fresh socket."""
        if self._stream_id is not None:
            return self._resume(self._stream_id)
        # A new one each time: should the call before open a stream after all, that one is not taken for this.
        self._call_id = self._new_id()
        return InvocationEnvelope(
            call_id=self._call_id,
            actor_id=self._actor,
            target_identifier=self._target,
            protocol_version=2,
            stream_filter=self._wanted,
        )

    def closing(self) -> Envelope | None:
        """The envelope that unsubscribes, when there is a stream."""
        if self._stream_id is None:
            return None
        return StreamEndEnvelope(stream_id=self._stream_id, reason=StreamEndReason.CLIENT_UNSUBSCRIBED)

    def asked_for(self, start: StreamStartEnvelope) -> bool:
        """Whether the server opened or resumed this stream."""
        return start.stream_id == self._stream_id or (self._stream_id is None and start.call_id == self._call_id)

    def receive(self, envelope: Envelope) -> Step:
        """Decide what an envelope means; those of other streams and calls mean nothing."""
        match envelope:
            case StreamStartEnvelope():
                return self._started(envelope)
            case StreamDataEnvelope() if envelope.stream_id == self._stream_id:
                return self._data(envelope)
            case StreamEndEnvelope() if envelope.stream_id == self._stream_id:
                return Step((Ended(envelope.reason.value),))
            case StreamErrorEnvelope() if envelope.stream_id == self._stream_id:
                return Step((Failed(envelope.error_message, envelope.code, bool(envelope.retryable)),))
            # An observe call is answered only where its frame could not be read (wire format 7.1).
            case ResponseEnvelope() if envelope.call_id == self._call_id and envelope.error_message is not None:
                return Step((Failed(envelope.error_message, envelope.code, bool(envelope.retryable)),))
            case _:
                return NOTHING

    def _resume(self, stream_id: uuid.UUID) -> Envelope:
        self._resuming = True
        self._asked_at = self._last
        return StreamResumeEnvelope(
            stream_id=stream_id, last_sequence=self._last, actor_id=self._actor, target_identifier=self._target
        )

    def _started(self, envelope: StreamStartEnvelope) -> Step:
        if self._stream_id is None and envelope.call_id == self._call_id:
            self._stream_id = envelope.stream_id
            return NOTHING
        if envelope.stream_id != self._stream_id or not self._resuming:
            return NOTHING
        self._resuming = False
        self._owed = max(1, envelope.up_to or 0)
        # Only a replay goes on with the very next number.
        self._any_number = envelope.recovered is not True
        how = {True: Recovery.REPLAYED, False: Recovery.SNAPSHOT, None: Recovery.UNKNOWN}[envelope.recovered]
        return Step((Recovered(how),))

    def _data(self, envelope: StreamDataEnvelope) -> Step:
        # Frames come twice where the server could not be sure of the first (wire format 7.3).
        if envelope.sequence_number <= self._last or self._stream_id is None:
            return NOTHING
        gap = envelope.sequence_number - self._last - 1 - (envelope.skipped or 0)
        if gap > 0 and not self._any_number and self._wanted is None:
            if self._resuming:
                # The replay that is on its way brings what is missing first.
                return NOTHING
            # Once per gap: what does not come then is there no more.
            if self._asked_at != self._last:
                return Step(send=self._resume(self._stream_id))
        missed = 0 if self._any_number or self._wanted is not None else max(gap, 0)
        self._last, self._any_number = envelope.sequence_number, False
        skipped = envelope.skipped or 0
        return Step((Update(envelope.sequence_number, envelope.timestamp, envelope.data, missed, skipped),))
