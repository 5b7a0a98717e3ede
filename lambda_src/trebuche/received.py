"""A frame as it comes in, before anybody looks at the actor: all that the websocket function needs to know of it."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final
from uuid import UUID

from trebuche.answers import undecodable
from trebuche.delivery import unsubscribe
from trebuche.effects import Routine
from trebuche.envelopes import (
    Envelope,
    InvocationEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamResumeEnvelope,
    decode,
    encode,
)
from trebuche.errors import ActorNotFoundError, ProtocolError
from trebuche.immutable import immutable
from trebuche.socket_events import Caller, Reply, reply
from trebuche.targets import actor_key

BAD_FRAME: Final = 400
"""Status of a frame that is no envelope, or one that only servers send; nothing else has it."""


@immutable
class Outcome:
    """What is answered, and what the log says about it."""

    reply: Reply
    event: str
    fields: Mapping[str, object] = field(default_factory=dict)


def exposed_name(actor_id: str) -> str:
    """The name under which the actor with this id is exposed: ``todos`` for ``todos`` and ``todos/groceries``.

    Raises:
        ActorError: Not an id at all.
        ActorNotFoundError: The key after the slash is empty.
    """
    name, slash, key = actor_key(actor_id).partition("/")
    if slash and not key:
        raise ActorNotFoundError(actor_id)
    return name


def read_frame(body: str | None) -> Envelope | Outcome:
    """The envelope in a frame, or the answer to a frame without one."""
    if body is None:
        # No text: through the route's response it would reach a client that expects envelopes only.
        return Outcome(reply(BAD_FRAME), "missing-body")
    try:
        return decode(body)
    except ProtocolError as error:
        response = undecodable(error)
        fields = {"correlationId": error.call_id, "callID": error.call_id, "code": error.code}
        return Outcome(reply(BAD_FRAME, encode(response) if response else None), "undecodable-frame", fields)


def answer_other(frame: Envelope | Outcome, caller: Caller) -> Routine[Outcome]:
    """The answer to a frame that asks no actor for anything: a broken one, an end, or what only servers send."""
    match frame:
        case Outcome():
            return frame
        case StreamEndEnvelope(reason=StreamEndReason.CLIENT_UNSUBSCRIBED):
            return (yield from _end_stream(frame.stream_id, caller))
        case _:
            return _misdirected(frame)


def _misdirected(envelope: Envelope) -> Outcome:
    """Nothing, and the socket stays open."""
    return Outcome(reply(BAD_FRAME), "misdirected-frame", {"target": type(envelope).__name__})


def log_fields(envelope: InvocationEnvelope | StreamResumeEnvelope, caller: Caller | None = None) -> dict[str, object]:
    """What every log line about a frame for an actor says."""
    fields: dict[str, object] = {"actorId": envelope.actor_id.id, "target": envelope.target_identifier}
    if caller is not None:
        fields["connectionId"] = caller.connection_id
    if isinstance(envelope, StreamResumeEnvelope):
        return fields | {"correlationId": envelope.stream_id, "streamId": envelope.stream_id}
    trace = envelope.trace_context
    return fields | {"correlationId": trace.trace_id if trace else envelope.call_id, "callID": envelope.call_id}


def _end_stream(stream_id: UUID, caller: Caller) -> Routine[Outcome]:
    """Unsubscribe; a stream that is not there is fine."""
    yield from unsubscribe(caller.connection_id, stream_id)
    fields = {"correlationId": stream_id, "streamId": stream_id, "connectionId": caller.connection_id}
    return Outcome(reply(200), "unsubscribe", fields)
