"""The websocket function's part: connect, disconnect, hand frames on to the actor's function."""

from collections.abc import Mapping
from typing import Any

from trebuche import logs
from trebuche.answers import code_of, is_expected
from trebuche.auth.access import Access
from trebuche.auth.admission import EVERYBODY, Admission
from trebuche.auth.handshake import chosen_protocol
from trebuche.auth.principals import revocable
from trebuche.delivery import bury
from trebuche.departures import watch_over
from trebuche.effects import (
    ForgetActor,
    Invoke,
    IsRevoked,
    Log,
    Now,
    RegisterConnection,
    ResolveActor,
    Routine,
    perform,
)
from trebuche.envelopes import InvocationEnvelope, StreamResumeEnvelope
from trebuche.errors import (
    ActorNotFoundError,
    ActorNotRegisteredError,
    ForbiddenError,
    FunctionGoneError,
    ServiceError,
    StaleEntryError,
    TrebucheError,
)
from trebuche.received import Outcome, answer_other, exposed_name, log_fields, read_frame
from trebuche.reception import Request, receive, refusal
from trebuche.socket_events import CONNECT, COUNTED, DISCONNECT, MESSAGE, Caller, Reply, SocketEvent, reply, welcome
from trebuche.targets import actor_key


def route(
    event: SocketEvent, raw: Mapping[str, Any], *, admission: Admission = EVERYBODY, idle_seconds: int = 0
) -> Routine[Outcome]:
    """Handle one event of a connection; ``raw`` is the event as it came, to be handed on."""
    match event.kind:
        case kind if kind == CONNECT:
            return (yield from _connect(event.caller, chosen_protocol(raw), idle_seconds))
        case kind if kind == DISCONNECT:
            return (yield from _disconnect(event.caller))
        case kind if kind == MESSAGE:
            return (yield from _message(event, raw, admission))
        case _:
            return Outcome(reply(404, "Route not found"), "unknown-route")


def _connect(caller: Caller, protocol: str | None, idle_seconds: int) -> Routine[Outcome]:
    now_ms = yield from perform(Now())
    connection = caller.connection(now_ms)
    # Before the row: without the message nobody would look at it again, and a message about no row does nothing.
    yield from watch_over(connection, idle_seconds, now_ms // 1000)
    # The row is there before the first frame: API Gateway opens the socket when this has returned.
    yield from perform(RegisterConnection(connection))
    # After the row: a revocation first writes itself down, then looks for rows, so one of the two sees the other.
    if caller.principal is not None and (yield from _is_revoked(caller, caller.principal)):
        yield from bury(caller.connection_id)
        return Outcome(reply(403), "connect-revoked", {"connectionId": caller.connection_id})
    return Outcome(welcome(protocol), "connect", {"connectionId": caller.connection_id})


def _is_revoked(caller: Caller, principal: str) -> Routine[bool]:
    return (yield from perform(IsRevoked(revocable(principal, caller.credential))))


def _disconnect(caller: Caller) -> Routine[Outcome]:
    # Best effort (API Gateway guide): where it does not come, a post that answers 410 does this, or the rows' TTL.
    yield from bury(caller.connection_id)
    return Outcome(reply(200), "disconnect", {"connectionId": caller.connection_id})


def _message(event: SocketEvent, raw: Mapping[str, Any], admission: Admission) -> Routine[Outcome]:
    envelope = read_frame(event.body)
    match envelope:
        case InvocationEnvelope() | StreamResumeEnvelope():
            # Counted before anybody is looked for: frames for actors that there are not must not come for nothing.
            refused = yield from receive(envelope, event.caller, admission)
            handed_on = {**raw, COUNTED: True} if admission.counts else raw
            return refused or (yield from _forward(envelope, event.caller, handed_on, admission.access))
        case _:
            yield from admission.charge(event.caller)
            return (yield from answer_other(envelope, event.caller))


def _forward(envelope: Request, caller: Caller, raw: Mapping[str, Any], access: Access) -> Routine[Outcome]:
    fields = log_fields(envelope, caller)
    reference = envelope.call_id if isinstance(envelope, InvocationEnvelope) else envelope.stream_id
    try:
        answer = yield from _ask(exposed_name(envelope.actor_id.id), raw)
        return Outcome(_checked(answer), "forward", fields)
    except ActorNotRegisteredError as error:
        # The registry's words are for operators: they name functions. The client hears of its actor only.
        fields |= {"code": error.code, "problem": str(error)}
        told = _nobody_there(envelope, caller, access)
        return Outcome(reply(200, (yield from refusal(envelope, caller, told))), "forward", fields)
    except Exception as error:
        if not is_expected(error):
            line = {"ref": reference, **fields, "code": code_of(error)}
            yield from perform(Log(logs.ERROR, "internal-error", line, error))
        refused = yield from refusal(envelope, caller, error)
        return Outcome(reply(200, refused), "forward", fields | {"code": code_of(error)})


def _nobody_there(envelope: Request, caller: Caller, access: Access) -> TrebucheError:
    """What is said of an actor that there is not: to whom rules allow nothing there, what is said of any other."""
    actor_id = envelope.actor_id.id
    try:
        access.check_action(caller, actor_key(actor_id), envelope.target_identifier)
    except ForbiddenError as error:
        return error
    return ActorNotFoundError(actor_id)


def _ask(name: str, raw: Mapping[str, Any]) -> Routine[Mapping[str, Any]]:
    """What the actor's function answers; if that is gone, the registry is asked once for its successor."""
    function = yield from perform(ResolveActor(name))
    try:
        return (yield from perform(Invoke(function, raw)))
    except FunctionGoneError:
        # Only what was surely not called is called again: any other failure may have come after the method.
        yield from perform(ForgetActor(name))
    function = yield from perform(ResolveActor(name))
    try:
        return (yield from perform(Invoke(function, raw)))
    except FunctionGoneError as error:
        raise StaleEntryError(name, function) from error


def _checked(answer: Mapping[str, Any]) -> Reply:
    status_code, body = answer.get("statusCode"), answer.get("body")
    if not isinstance(status_code, int) or not isinstance(body, str | None):
        raise ServiceError("the actor's function answered with something that is no reply")
    return reply(status_code, body)
