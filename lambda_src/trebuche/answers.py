"""What a peer is told when something goes wrong, and nothing that it should not see."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche.documents import utf8_bytes
from trebuche.envelopes import ResponseEnvelope, StreamErrorEnvelope, StreamStartEnvelope, TrebuchetActorID, encode
from trebuche.errors import ProtocolError, TrebucheError
from trebuche.scalars import write_uuid
from trebuche.targets import ACTOR_ID_LIMIT, TARGET_LIMIT_BYTES

LONGEST_MESSAGE: Final = 4_096
"""Characters of an error's text; a frame must hold it whatever it says."""


def failed_call(call_id: UUID, error: Exception) -> ResponseEnvelope:
    """The response to a call that failed: the error's own text if it is meant for callers, else a reference."""
    message, code, retryable = _told(error, call_id)
    return ResponseEnvelope(call_id, error_message=message, code=code, retryable=retryable)


def failed_stream(stream_id: UUID, reference: UUID, error: Exception) -> StreamErrorEnvelope:
    """The end of a stream that failed; ``reference`` is what the log line is found by."""
    message, code, retryable = _told(error, reference)
    return StreamErrorEnvelope(stream_id, message, code, retryable)


def start_frame(start: StreamStartEnvelope) -> str:
    """A ``streamStart`` frame. It repeats what the client sent; where that would be too long, only what binds it.

    The frame of the request fits API Gateway's limit, and this one has an id more.
    """
    frame = encode(start)
    if utf8_bytes(frame) <= MESSAGE_LIMIT_BYTES:
        return frame
    actor_id = TrebuchetActorID(start.actor_id.id[:ACTOR_ID_LIMIT])
    target = start.target_identifier[:TARGET_LIMIT_BYTES]
    return encode(replace(start, actor_id=actor_id, target_identifier=target, filter=None))


def undecodable(error: ProtocolError) -> ResponseEnvelope | None:
    """The response to a frame that breaks the wire format, where its callID can still be read."""
    if error.call_id is None:
        return None
    text = f"Invalid envelope: {error}"
    return ResponseEnvelope(UUID(error.call_id), error_message=text, code=error.code, retryable=False)


def is_expected(error: Exception) -> bool:
    """Whether an error is an answer, rather than a defect that belongs into the log with its traceback."""
    return isinstance(error, TrebucheError) and error.public


def code_of(error: Exception) -> str:
    """The stable name of an error's kind."""
    return error.code if isinstance(error, TrebucheError) else TrebucheError.code


def _told(error: Exception, reference: UUID) -> tuple[str, str, bool]:
    message = str(error)[:LONGEST_MESSAGE] if is_expected(error) else f"Internal error (ref {write_uuid(reference)})"
    return message, code_of(error), isinstance(error, TrebucheError) and error.retryable
