"""One call of one actor: read, run, write everything at once; again when somebody else's write came first."""

import hashlib
from itertools import count
from typing import Any, Final
from uuid import UUID

from trebuche.actor_types import ActorType, Method
from trebuche.documents import canonical
from trebuche.effects import (
    CommitTurn,
    HighestVersion,
    LoadCall,
    LoadState,
    Now,
    Pause,
    RandomFraction,
    RandomUuid,
    Retention,
    Routine,
    TimeLeft,
    perform,
)
from trebuche.envelopes import InvocationEnvelope
from trebuche.errors import CallIdReusedError, VersionConflictError
from trebuche.frames import check_result_size, check_state
from trebuche.immutable import immutable
from trebuche.stored import CallRecord, StoredState, Turn

FIRST_PAUSE_SECONDS: Final = 0.025
LONGEST_PAUSE_SECONDS: Final = 3.0
"""Of a pause between attempts. Fifty callers that take a twentieth of a second each need as much to pass through."""
RESERVE_SECONDS: Final = 2.0
"""What another attempt and the answer may take."""
CLOCKS_DIFFER_SECONDS: Final = 300
"""By less, between any two functions."""


@immutable
class Call:
    """A call whose method and arguments are known to fit."""

    actor_type: ActorType
    actor_id: str
    call_id: UUID
    method: Method
    arguments: tuple[bytes, ...]
    """As JSON documents."""
    values: list[Any]
    """The same as values, for one attempt."""
    digest: str
    """Of method and arguments, to tell a repeated call from another one with its callID."""


def read_call(actor_type: ActorType, actor_id: str, invocation: InvocationEnvelope) -> Call:
    """Find the method and read its arguments.

    Raises:
        ActorError: No such method, or arguments that do not fit.
        ProtocolError: The target identifier cannot name a method.
    """
    method = actor_type.method(invocation.target_identifier)
    values, documents = method.read(invocation.arguments)
    # Canonical: who repeats a call may spell the same arguments with another order of keys.
    digest = hashlib.sha256(canonical([method.name, *documents])).hexdigest()
    return Call(actor_type, actor_id, invocation.call_id, method, invocation.arguments, values, digest)


def take_turn(call: Call) -> Routine[bytes]:
    """Carry a call out; the JSON document of its result, empty for none.

    Raises:
        ActorError: The method refused, or the callID was used for another call.
        StateError: The stored state cannot be read, or the next one is too large.
        VersionConflictError: Others kept writing first until no time was left; nothing was written, and the same call
            may be sent again.
    """
    # One for all attempts: a method that runs again makes the same ids.
    seed = yield from perform(RandomUuid())
    # Nothing is kept, the call included: one that comes again runs again.
    if not call.actor_type.stateful:
        now_ms = yield from perform(Now())
        result, _ = _run(call, call.values, call.actor_type.fresh_state(), now_ms, seed)
        return result
    if call.method.query:
        return (yield from _look(call, seed))
    values = call.values
    for attempt in count(1):
        outcome = yield from _attempt(call, values, seed)
        if outcome is not None:
            return outcome
        spare = (yield from perform(TimeLeft())) - RESERVE_SECONDS
        if spare <= 0:
            break
        yield from _back_off(attempt, spare)
        # Anew, since a method may change what it is given.
        values, _ = call.method.read(call.arguments)
    raise VersionConflictError(f"'{call.actor_id}' is busy: {attempt} attempts came too late, nothing was written")


def _attempt(call: Call, arguments: list[Any], seed: UUID) -> Routine[bytes | None]:
    """One attempt; None when it has to be repeated.

    State first, call record second: a call that is not yet on record after the state was read, but takes effect
    before the commit, has changed the state's version. The other way round the method could run on its own effect.
    """
    now_ms = yield from perform(Now())
    stored = yield from perform(LoadState(call.actor_id))
    record = yield from perform(LoadCall(call.actor_id, call.call_id, now_ms // 1000))
    if record is not None:
        return _recorded(call, record)
    state = _state_of(call, stored)
    before = call.actor_type.write_state(state)
    result, after = _run(call, arguments, state, now_ms, seed)
    # Not even the call record: running it again changes nothing either.
    if after == before:
        return result
    check_state(call.actor_id, after)
    # Whose clock is ahead may have told a subscriber of the reserved versions before ours does.
    later = now_ms // 1000 + CLOCKS_DIFFER_SECONDS
    version = stored.version if stored else (yield from perform(HighestVersion(call.actor_id, later)))
    kind = call.actor_type
    next_state = StoredState(call.actor_id, after, version + 1, kind.schema, now_ms, kind.shape)
    turn = yield from _turn(call, stored, next_state, result)
    committed = yield from perform(CommitTurn(turn))
    return result if committed else None


def _look(call: Call, seed: UUID) -> Routine[bytes]:
    """A query: one read, and no write whatever it does."""
    now_ms = yield from perform(Now())
    # Without the call record: a look that comes again may see what is there by then.
    state = _state_of(call, (yield from perform(LoadState(call.actor_id))))
    before = call.actor_type.write_state(state)
    result, after = _run(call, call.values, state, now_ms, seed)
    if after != before:
        raise TypeError(f"{call.method.attribute} is a @query and changed the state; make it @distributed")
    return result


def _state_of(call: Call, stored: StoredState | None) -> Any:
    if stored is None:
        return call.actor_type.fresh_state()
    return call.actor_type.read_state(call.actor_id, stored.state, stored.schema)


def _turn(call: Call, stored: StoredState | None, next_state: StoredState, result: bytes) -> Routine[Turn]:
    now = next_state.updated_at // 1000
    kept_seconds = yield from perform(Retention())
    return Turn(
        previous=stored.version if stored else None,
        next=next_state,
        call_id=call.call_id,
        call=CallRecord(call.digest, result, next_state.version),
        now=now,
        ttl=now + kept_seconds,
    )


def _recorded(call: Call, record: CallRecord) -> bytes:
    if record.digest != call.digest:
        raise CallIdReusedError("this callID was used for another call; make a new one for each call")
    return record.result


def _run(call: Call, arguments: list[Any], state: Any, now_ms: int, seed: UUID) -> tuple[bytes, bytes]:
    """Result of the method, and its next state, as JSON documents."""
    actor = call.actor_type.instance(call.actor_id, state, now_ms=now_ms, seed=seed)
    result = call.method.write(getattr(actor, call.method.attribute)(*arguments))
    check_result_size(result)
    return result, call.actor_type.write_state(actor.state, instead_of=state)


def _back_off(attempt: int, spare_seconds: float) -> Routine[None]:
    """Full jitter: waiters that lost to one another must not come back together."""
    fraction = yield from perform(RandomFraction())
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt, spare_seconds)
    yield from perform(Pause(fraction * longest))
