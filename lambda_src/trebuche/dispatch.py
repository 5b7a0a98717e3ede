"""A frame for an actor: which routine it means, and what is answered."""

from collections.abc import Mapping
from typing import Final, TypeAlias
from uuid import UUID

from trebuche import logs
from trebuche.actor_types import ActorType
from trebuche.answers import code_of, failed_call, failed_stream, is_expected
from trebuche.auth.admission import EVERYBODY, Admission
from trebuche.effects import Log, RandomUuid, Routine, perform
from trebuche.envelopes import (
    InvocationEnvelope,
    ResponseEnvelope,
    StreamResumeEnvelope,
    check_protocol_version,
    encode,
)
from trebuche.errors import ActorNotFoundError, ConnectionGoneError
from trebuche.filters import check_filter
from trebuche.frames import response_frame
from trebuche.immutable import immutable
from trebuche.observe import check_observable, resume, subscribe
from trebuche.received import Outcome, answer_other, log_fields, read_frame
from trebuche.reception import receive
from trebuche.refusals import announce
from trebuche.socket_events import Caller, reply
from trebuche.targets import actor_key, is_stream_target
from trebuche.turn import read_call, take_turn

Directory: TypeAlias = Mapping[str, ActorType]
"""Exposed name to actor type."""

NOBODY: Final = Caller(connection_id="", connected_at=0)
"""Whoever calls from within the process."""


def dispatch(
    directory: Directory, caller: Caller, body: str | None, admission: Admission = EVERYBODY
) -> Routine[Outcome]:
    """Do what a frame asks of an actor, if its sender may ask for it."""
    envelope = read_frame(body)
    match envelope:
        case InvocationEnvelope() | StreamResumeEnvelope():
            refused = yield from receive(envelope, caller, admission)
            return refused or (yield from _act(_Desk(directory, admission, caller), envelope))
        case _:
            yield from admission.charge(caller)
            return (yield from answer_other(envelope, caller))


@immutable
class _Desk:
    """What a frame is handled with."""

    directory: Directory
    admission: Admission
    caller: Caller

    def find(self, actor_id: str, target: str) -> tuple[ActorType, str]:
        """Type and key of the actor that a frame is about.

        Raises:
            ActorError: There is no such actor.
            ForbiddenError: There may be, but not for this caller.
        """
        key = actor_key(actor_id)
        name, slash, rest = key.partition("/")
        known = self.directory.get(name)
        # Names are for rules, and rules for principals.
        if self.caller.principal is not None:
            names = known.names_of(target) if known and not is_stream_target(target) else ()
            self.admission.access.check_action(self.caller, key, target, names)
        if known is None or (slash and not rest):
            raise ActorNotFoundError(actor_id)
        return known, key


def _act(desk: _Desk, envelope: InvocationEnvelope | StreamResumeEnvelope) -> Routine[Outcome]:
    if isinstance(envelope, StreamResumeEnvelope):
        return _resume(desk, envelope)
    if is_stream_target(envelope.target_identifier):
        return _observe(desk, envelope)
    return _call(desk, envelope)


def process(directory: Directory, invocation: InvocationEnvelope) -> Routine[ResponseEnvelope]:
    """Carry out a call that nobody has to allow; every failure is a response."""
    return _process(_Desk(directory, EVERYBODY, NOBODY), invocation)


def _process(desk: _Desk, invocation: InvocationEnvelope) -> Routine[ResponseEnvelope]:
    try:
        check_protocol_version(invocation)
        actor_type, actor_id = desk.find(invocation.actor_id.id, invocation.target_identifier)
        desk.admission.limits.check_size(invocation)
        result = yield from take_turn(read_call(actor_type, actor_id, invocation))
    except Exception as error:
        yield from _log_defect(error, invocation.call_id, log_fields(invocation))
        return failed_call(invocation.call_id, error)
    return ResponseEnvelope(invocation.call_id, result)


def _call(desk: _Desk, invocation: InvocationEnvelope) -> Routine[Outcome]:
    response = yield from _process(desk, invocation)
    fields = log_fields(invocation, desk.caller) | {"code": response.code}
    return Outcome(reply(200, response_frame(response)), "call", fields)


def _observe(desk: _Desk, invocation: InvocationEnvelope) -> Routine[Outcome]:
    """No response, whatever happens: ``streamStart`` acknowledges, and a failure ends the stream that it began."""
    caller = desk.caller
    stream_id = yield from perform(RandomUuid())
    fields = log_fields(invocation, caller) | {"streamId": stream_id}
    try:
        check_protocol_version(invocation)
        actor_type, actor_id = desk.find(invocation.actor_id.id, invocation.target_identifier)
        check_observable(actor_type, actor_id, invocation.target_identifier)
        check_filter(invocation.stream_filter)
        yield from desk.admission.check_streams(caller, stream_id)
        most = desk.admission.limits.streams
        told = yield from subscribe(actor_type, actor_id, invocation, caller, stream_id, most=most)
    except ConnectionGoneError as error:
        # Nobody is left to be told: the status is for the log.
        return Outcome(reply(410), "observe", fields | {"code": error.code})
    except Exception as error:
        yield from _log_defect(error, invocation.call_id, fields)
        failed = failed_stream(stream_id, invocation.call_id, error)
        yield from announce(invocation, caller, failed)
        return Outcome(reply(200, encode(failed)), "observe", fields | {"code": code_of(error)})
    return (yield from _streaming("observe", fields, invocation.call_id, told))


def _resume(desk: _Desk, request: StreamResumeEnvelope) -> Routine[Outcome]:
    caller = desk.caller
    fields = log_fields(request, caller)
    try:
        actor_type, actor_id = desk.find(request.actor_id.id, request.target_identifier)
        check_observable(actor_type, actor_id, request.target_identifier)
        yield from desk.admission.check_streams(caller, request.stream_id)
        told = yield from resume(actor_type, actor_id, request, caller, most=desk.admission.limits.streams)
    except ConnectionGoneError as error:
        return Outcome(reply(410), "resume", fields | {"code": error.code})
    except Exception as error:
        yield from _log_defect(error, request.stream_id, fields)
        # Under the id of the request: it is the only one that the client has registered (wire format 7.5).
        frame = encode(failed_stream(request.stream_id, request.stream_id, error))
        return Outcome(reply(200, frame), "resume", fields | {"code": code_of(error)})
    return (yield from _streaming("resume", fields, request.stream_id, told))


def _streaming(event: str, fields: Mapping[str, object], reference: UUID, told: Exception | None) -> Routine[Outcome]:
    """Posts have said everything to the reader: an answer would only say it twice."""
    if told is None:
        return Outcome(reply(200), event, fields)
    yield from _log_defect(told, reference, fields)
    return Outcome(reply(200), event, {**fields, "code": code_of(told)})


def _log_defect(error: Exception, reference: UUID, fields: Mapping[str, object]) -> Routine[None]:
    """The traceback of what nobody raised on purpose, under the reference that the client is given."""
    if not is_expected(error):
        line = {"ref": reference, **fields, "code": code_of(error)}
        yield from perform(Log(logs.ERROR, "internal-error", line, error))
