"""The seven envelopes as values. Attribute names are Python's; ``envelopes`` knows the keys on the wire."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from trebuche.immutable import immutable


class FilterType(StrEnum):
    """Who defined a stream filter."""

    ALL = "all"
    PREDEFINED = "predefined"
    CUSTOM = "custom"


class StreamEndReason(StrEnum):
    """Why a stream ended. Upstream writes only ``completed``; a client unsubscribes with ``clientUnsubscribed``."""

    COMPLETED = "completed"
    ACTOR_TERMINATED = "actorTerminated"
    CLIENT_UNSUBSCRIBED = "clientUnsubscribed"
    CONNECTION_CLOSED = "connectionClosed"
    ERROR = "error"


@immutable
class TrebuchetActorID:
    """The actor that is meant. Only ``id`` counts: host and port are whatever address the client dialled."""

    id: str
    host: str | None = None
    port: int | None = None


@immutable
class StreamFilter:
    """Which values of a stream the subscriber wants; ``name`` counts when the type is ``predefined``."""

    type: FilterType
    name: str | None = None
    parameters: Mapping[str, str] | None = field(default=None, hash=False)


@immutable
class TraceContext:
    """Where a call stands in a trace; ``trace_id`` doubles as the correlation id of the logs."""

    trace_id: UUID
    span_id: UUID
    parent_span_id: UUID | None = None


@immutable
class InvocationEnvelope:
    """Client to server: call a method, or (target ``observe…``) open a stream.

    Attributes:
        protocol_version: 1 when the client did not write one; clients of today write 2.
        arguments: One JSON document (UTF-8) per argument, in the order of declaration.
    """

    call_id: UUID
    actor_id: TrebuchetActorID
    target_identifier: str
    protocol_version: int = 1
    generic_substitutions: tuple[str, ...] = ()
    arguments: tuple[bytes, ...] = ()
    stream_filter: StreamFilter | None = None
    trace_context: TraceContext | None = None


@immutable
class ResponseEnvelope:
    """Server to client: the outcome of a call. Exactly one of ``result`` and ``error_message`` should be written.

    Attributes:
        result: JSON document of the returned value; ``b""`` for a method without result.
        error_message: Present means failure, even when empty.
        code: Stable name of the kind of failure (ours).
        retryable: Whether the same call may succeed later (ours).
    """

    call_id: UUID
    result: bytes | None = None
    error_message: str | None = None
    code: str | None = None
    retryable: bool | None = None


@immutable
class StreamStartEnvelope:
    """Server to client: acknowledges an observe call (by ``call_id``) or a resume (by ``stream_id``).

    Attributes:
        recovered: Whether a resume replays every missed version; false means that a snapshot follows (ours).
        up_to: The last sequence number of the replay (ours).
        delivery: How values are delivered, for example every one or only the latest (ours).
    """

    stream_id: UUID
    call_id: UUID
    actor_id: TrebuchetActorID
    target_identifier: str
    filter: StreamFilter | None = None
    recovered: bool | None = None
    up_to: int | None = None
    delivery: str | None = None


@immutable
class StreamDataEnvelope:
    """Server to client: the whole observed value.

    Attributes:
        sequence_number: Strictly rising within a stream, from 1; Swift clients drop 0.
        data: JSON document of the value.
        timestamp: When it was sent, for information; the wire carries whole seconds of UTC.
        skipped: How many versions were left out before this one (ours).
    """

    stream_id: UUID
    sequence_number: int
    data: bytes
    timestamp: datetime
    skipped: int | None = None


@immutable
class StreamEndEnvelope:
    """Either way: no further item follows; from a client it means unsubscribe."""

    stream_id: UUID
    reason: StreamEndReason


@immutable
class StreamErrorEnvelope:
    """Server to client: the stream failed and is over; ``code`` and ``retryable`` as in a response."""

    stream_id: UUID
    error_message: str
    code: str | None = None
    retryable: bool | None = None


@immutable
class StreamResumeEnvelope:
    """Client to server: go on with a stream after ``last_sequence``, on this connection."""

    stream_id: UUID
    last_sequence: int
    actor_id: TrebuchetActorID
    target_identifier: str


Envelope: TypeAlias = (
    InvocationEnvelope
    | ResponseEnvelope
    | StreamStartEnvelope
    | StreamDataEnvelope
    | StreamEndEnvelope
    | StreamErrorEnvelope
    | StreamResumeEnvelope
)
