"""What stands before a frame's work: its sender is admitted, or told why not."""

from typing import TypeAlias

from trebuche.answers import failed_call, failed_stream
from trebuche.auth.admission import Admission
from trebuche.delivery import dismiss
from trebuche.effects import RandomUuid, Routine, perform
from trebuche.envelopes import InvocationEnvelope, StreamResumeEnvelope, encode
from trebuche.errors import ExpiredError, LimitedError, ServiceError
from trebuche.received import Outcome, log_fields
from trebuche.refusals import announce
from trebuche.socket_events import Caller, reply
from trebuche.targets import is_stream_target

Request: TypeAlias = InvocationEnvelope | StreamResumeEnvelope


def receive(envelope: Request, caller: Caller, admission: Admission) -> Routine[Outcome | None]:
    """Admit a frame; the answer to one that is not."""
    try:
        yield from admission.admit(caller)
    except ExpiredError as error:
        return (yield from _turn_away(envelope, caller, error))
    except (LimitedError, ServiceError) as error:
        frame = yield from refusal(envelope, caller, error)
        return Outcome(reply(200, frame), "limited", log_fields(envelope, caller) | {"code": error.code})
    return None


def refusal(envelope: Request, caller: Caller, error: Exception) -> Routine[str]:
    """The frame that refuses a frame unseen; before one for an observation goes what binds it to its call."""
    if isinstance(envelope, StreamResumeEnvelope):
        return encode(failed_stream(envelope.stream_id, envelope.stream_id, error))
    if not is_stream_target(envelope.target_identifier):
        return encode(failed_call(envelope.call_id, error))
    stream_id = yield from perform(RandomUuid())
    failed = failed_stream(stream_id, envelope.call_id, error)
    yield from announce(envelope, caller, failed)
    return encode(failed)


def _turn_away(envelope: Request, caller: Caller, error: ExpiredError) -> Routine[Outcome]:
    """Tell whoever may not be here any more, then close the connection.

    The refusal is posted, because nothing comes after the close: a function's answer would.
    """
    frame = yield from refusal(envelope, caller, error)
    yield from dismiss(caller.connection_id, caller.connected_at, frame)
    return Outcome(reply(200), "expired", log_fields(envelope, caller) | {"code": error.code})
