"""Drives routines: carries out their effects through the ports, one after the other.

Routines that run side by side share one thread: their posts and pauses wait together on an event loop, and what other
services are asked, which is seldom, waits on threads. A thread for each post took twice the processor time.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, TypeVar, cast

from trebuche import logs, metrics
from trebuche.contract import INTEGRATION_TIMEOUT_SECONDS
from trebuche.effects import (
    CommitTurn,
    Concurrently,
    CountFrame,
    Defer,
    Detach,
    Disconnect,
    Effect,
    FindDetached,
    FlipLive,
    ForgetActor,
    ForgetStream,
    GoOpening,
    HighestVersion,
    Invoke,
    IsRevoked,
    LastActive,
    LoadCall,
    LoadConnection,
    LoadState,
    LoadSubscription,
    Log,
    MarkAudience,
    MarkEnded,
    Measure,
    NoteStream,
    Now,
    OpenSubscription,
    Pause,
    Post,
    QuerySubscribers,
    RaisePending,
    RandomFraction,
    RandomUuid,
    ReadJournal,
    RegisterConnection,
    RemoveSubscription,
    ResolveActor,
    Retention,
    Routine,
    TimeLeft,
    UnregisterConnection,
    Watch,
)
from trebuche.ports import Ports

T = TypeVar("T")

PATIENCE_MS: Final = (INTEGRATION_TIMEOUT_SECONDS - 4) * 1000
"""What is left of the time that API Gateway waits when a frame has reached an actor's function."""
SIDE_BY_SIDE: Final = 64
"""Routines at a time, each with one post on its way or pausing."""
THREADS: Final = 32
"""Requests to other services than API Gateway at a time."""
_AT_ONCE: Final = (Now, TimeLeft, Measure, RandomUuid, RandomFraction, Retention, Log)
"""Effects that wait for nobody."""


class Runtime:
    """The shell around the core, for the length of one invocation.

    Args:
        ports: What carries effects out.
        event_time_ms: When the event happened that is being handled; ``Now`` is never before it.
        time_left_ms: How long the routine may take from now on.
    """

    def __init__(self, ports: Ports, *, event_time_ms: int = 0, time_left_ms: int = PATIENCE_MS) -> None:
        self._ports = ports
        self._event_time_ms = event_time_ms
        self._started_ms = ports.clock.now_ms()
        self._measured: list[Measure] = []
        self._deadline_ms = self._started_ms + time_left_ms

    def run(self, routine: Routine[T]) -> T:
        """Drive a routine to its end; what it returns or raises."""
        try:
            effect = next(routine)
            while True:
                try:
                    result = self._carry_out(effect)
                except Exception as error:
                    effect = routine.throw(error)
                else:
                    effect = routine.send(result)
        except StopIteration as stop:
            returned: T = stop.value
            return returned

    def carry_out(self, effect: Effect[T]) -> T:
        """Do one effect."""
        return cast("T", self._carry_out(effect))

    def report(self, event: str, fields: Mapping[str, object]) -> None:
        """Write the line that says how the invocation went and how long it took, with its metrics."""
        now_ms = self._ports.clock.now_ms()
        source = self._ports.source
        documents = metrics.documents(source, self._measured, now_ms) if source else ()
        for line in logs.closing_lines(event, {**fields, "durationMs": now_ms - self._started_ms}, documents):
            self._ports.logs.write(line)

    def _carry_out(self, effect: Effect[Any]) -> object:
        type_ = type(effect)
        if (own := _OWN.get(type_)) is not None:
            return own(self, effect)
        return PORT_OF[type_](self._ports, effect)

    def _now(self, _: Now) -> int:
        return max(self._event_time_ms, self._ports.clock.now_ms())

    def _time_left(self, _: TimeLeft) -> float:
        return (self._deadline_ms - self._ports.clock.now_ms()) / 1000

    def _concurrently(self, effect: Concurrently[Any]) -> tuple[Any, ...]:
        from trebuche.side_by_side import complete, side_by_side  # asyncio takes 15 ms to import

        return complete(side_by_side(self._run, effect.routines, SIDE_BY_SIDE))

    async def _run(self, routine: Routine[T]) -> T:
        """Drive a routine beside others."""
        try:
            effect = next(routine)
            while True:
                try:
                    result = await self._await(effect)
                except Exception as error:
                    effect = routine.throw(error)
                else:
                    effect = routine.send(result)
        except StopIteration as stop:
            returned: T = stop.value
            return returned

    async def _await(self, effect: Effect[Any]) -> object:
        if isinstance(effect, _AT_ONCE):
            return self._carry_out(effect)
        if isinstance(effect, Post | Pause):
            await self._wait(effect)
            return None
        from trebuche.side_by_side import in_thread

        return await in_thread(_pool(), lambda: self._carry_out(effect))

    async def _wait(self, effect: Post | Pause) -> None:
        if isinstance(effect, Pause):
            await self._ports.clock.rest(effect.seconds)
            return
        started_ms = self._ports.clock.now_ms()
        try:
            await self._ports.sender.post(effect.connection_id, effect.text)
        except Exception as error:
            self._note_post(effect, error, started_ms)
            raise
        self._note_post(effect, None, started_ms)

    def _post(self, effect: Post) -> None:
        started_ms = self._ports.clock.now_ms()
        try:
            PORT_OF[Post](self._ports, effect)
        except Exception as error:
            self._note_post(effect, error, started_ms)
            raise
        self._note_post(effect, None, started_ms)

    def _commit(self, effect: CommitTurn) -> object:
        committed: object = PORT_OF[CommitTurn](self._ports, effect)
        self._note(effect, committed, 0)
        return committed

    def _note_post(self, effect: Post, outcome: Exception | None, started_ms: int) -> None:
        # The clock may be set back in between.
        self._note(effect, outcome, max(0, self._ports.clock.now_ms() - started_ms))

    def _note(self, effect: Effect[Any], outcome: object, elapsed_ms: int) -> None:
        told = metrics.told_by(effect, outcome, elapsed_ms)
        if told is not None:
            self._measured.append(told)


# Once per container: between invocations its threads only wait, so that being frozen does them no harm.
@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="effects")


PORT_OF: Final[Mapping[type[Effect[Any]], Callable[[Ports, Any], Any]]] = {
    LoadState: lambda to, e: to.states.load(e.actor_id),
    LoadCall: lambda to, e: to.states.load_call(e.actor_id, e.call_id, now=e.now),
    CommitTurn: lambda to, e: to.states.commit(e.turn),
    HighestVersion: lambda to, e: to.states.highest_version(e.actor_id, now=e.now),
    ReadJournal: lambda to, e: to.states.journal(e.actor_id, e.first, e.last, now=e.now),
    LoadSubscription: lambda to, e: to.subscriptions.load(e.actor_id, e.stream_id, now=e.now),
    FindDetached: lambda to, e: to.subscriptions.find_detached(e.stream_id, principal=e.principal, now=e.now),
    OpenSubscription: lambda to, e: to.subscriptions.open(e.row, e.replaces, now=e.now),
    FlipLive: lambda to, e: to.subscriptions.flip_live(e.row, e.version),
    RaisePending: lambda to, e: to.subscriptions.raise_pending(e.row, e.version),
    MarkEnded: lambda to, e: to.subscriptions.mark_ended(e.row),
    GoOpening: lambda to, e: to.subscriptions.go_opening(e.row, e.sent, e.opener),
    Defer: lambda to, e: to.catch_ups.send(e.reminder, delay_seconds=e.seconds),
    QuerySubscribers: lambda to, e: to.subscriptions.subscribers(e.actor_id, now=e.now),
    MarkAudience: lambda to, e: to.subscriptions.mark_audience(e.actor_id, ttl=e.ttl),
    Detach: lambda to, e: to.subscriptions.detach(e.row, ttl=e.ttl),
    RemoveSubscription: lambda to, e: to.subscriptions.remove(
        e.actor_id, e.stream_id, e.connection_id, opener=e.opener
    ),
    RegisterConnection: lambda to, e: to.connections.register(e.connection),
    UnregisterConnection: lambda to, e: to.connections.unregister(e.connection_id),
    LoadConnection: lambda to, e: to.connections.load(e.connection_id),
    NoteStream: lambda to, e: to.connections.note_stream(
        e.connection_id, e.actor_id, e.stream_id, e.last_sequence, most=e.most
    ),
    ForgetStream: lambda to, e: to.connections.forget_stream(e.connection_id, e.actor_id, e.stream_id),
    Post: lambda to, e: to.sender.send(e.connection_id, e.text),
    Disconnect: lambda to, e: to.sender.disconnect(e.connection_id),
    LastActive: lambda to, e: to.sender.get_connection_info(e.connection_id).last_active_at,
    Watch: lambda to, e: to.departures.watch(e.connection_id, delay_seconds=e.seconds),
    IsRevoked: lambda to, e: to.revocations.is_revoked(*e.names),
    CountFrame: lambda to, e: to.limiter.admit(e.connection_id, e.principal, e.now_ms),
    ResolveActor: lambda to, e: to.registry.resolve(e.name),
    ForgetActor: lambda to, e: to.registry.forget(e.name),
    Invoke: lambda to, e: to.functions.invoke(e.function, e.event),
    Retention: lambda to, _: to.retention_seconds,
    RandomUuid: lambda to, _: to.entropy.uuid(),
    RandomFraction: lambda to, _: to.entropy.fraction(),
    Pause: lambda to, e: to.clock.pause(e.seconds),
    Log: lambda to, e: to.logs.write(logs.line(e.level, e.event, e.fields, e.error)),
}
"""The port of each effect that has one."""

_OWN: Final[Mapping[type[Effect[Any]], Callable[[Runtime, Any], Any]]] = {
    Now: Runtime._now,
    TimeLeft: Runtime._time_left,
    Concurrently: Runtime._concurrently,
    Measure: lambda self, effect: self._measured.append(effect),
    Post: Runtime._post,
    CommitTurn: Runtime._commit,
}
"""Effects that are more than a call of a port: the runtime's own, and those that tell something by how they end."""
