"""Clients, sockets, functions, tables and stream of one schedule, put together and run to rest."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final
from uuid import UUID

from trebuche.actor_types import WHOLE_STATE, ActorType
from trebuche.adapters.audience_cache import CachedAudiences
from trebuche.adapters.memory import (
    InMemoryConnectionStorage,
    InMemoryInvoker,
    InMemoryRegistry,
    InMemorySubscriptionStorage,
    KeptLog,
    ManualClock,
    SeededEntropy,
)
from trebuche.changes import event_time_ms, read_change
from trebuche.dispatch import dispatch
from trebuche.effects import Effect, GoOpening, Invoke
from trebuche.envelopes import FilterType, StreamFilter
from trebuche.forward import route
from trebuche.ports import Ports
from trebuche.runtime import PORT_OF
from trebuche.socket_events import read_socket_event
from trebuche.stored import StoredState
from trebuche.streams import fan_out
from trebuche.targets import observe_target
from trebuche.worker import work_off
from trebuche_testing import plan as plans
from trebuche_testing.catch_up_queue import CatchUpQueue
from trebuche_testing.clients import Client
from trebuche_testing.engine import Engine
from trebuche_testing.event_source import Finished, Shard
from trebuche_testing.faults import LOST_ANSWER, REFUSED, Fault, Faults
from trebuche_testing.history import History
from trebuche_testing.invocations import Finish, Invocation
from trebuche_testing.mutants import Mutant
from trebuche_testing.plan import Act, Plan
from trebuche_testing.sockets import Front, Peer
from trebuche_testing.swift_client import SwiftClient
from trebuche_testing.tables import Record, WatchedStates, record

_CHANGED: Final = StreamFilter(FilterType.PREDEFINED, "changed")
Answer = Callable[[dict[str, Any] | None], None]
Tell = Callable[[Engine, Invocation, Effect[Any], object], None]
Code = Mapping[str, ActorType]
"""What an actor's function has deployed: exposed name to type."""


class System:
    """Everything that a plan needs.

    Args:
        plan: What happens.
        code: What is deployed, oldest first; one that follows is deployed when the plan says so.
        mutant: What is wrong with the runtime; None for nothing.
    """

    def __init__(self, plan: Plan, code: Sequence[Code], mutant: Mutant | None = None) -> None:
        # Another sequence than the one that the plan was drawn from.
        self.engine = Engine(Random(plan.seed ^ 0x5EED))
        self.history = History(self.engine)
        self.faults = Faults(plan.faults)
        self.seen: Counter[str] = Counter()
        """How often what is reported of schedules happened."""
        self.front = Front(self.engine, self)
        self.states = WatchedStates(self._written, self._conflicted)
        self.subscriptions = InMemorySubscriptionStorage()
        self._catch_ups = CatchUpQueue(self.engine, self._start_worker)
        self.ports = self._ports()
        self._containers = [
            replace(self.ports, subscriptions=CachedAudiences(self.subscriptions, least_rows=1)) for _ in range(2)
        ]
        """Of the stream processor: each keeps subscribers of its own."""
        self._batches = 0
        self.mutant = mutant
        self.tell: Tell | None = None
        """Gets every effect with its result, to be shown to people."""
        self.clients = [
            (SwiftClient if swift else Client)(self, f"client-{number + 1}", direct=direct)
            for number, (swift, direct) in enumerate(zip(plan.swift, plan.direct, strict=True))
        ]
        self._code = code
        self._deployed = 1
        self._name = next(iter(code[0]))
        self._plan = plan
        self._shards = [Shard(self.engine, self) for _ in range(plan.shards)]
        self._records = 0

    def run(self) -> None:
        """Run until all is quiet, without disturbances at the end.

        Raises:
            LivelockError: It does not come to rest.
        """
        for client, young_ms in zip(self.clients, self._plan.young_ms, strict=True):
            client.young_ms = young_ms
            self.engine.soon(client.connect)
        for act in (*self._plan.acts, *self._plan.events):
            self.engine.later(act.at_ms, partial(self._do, act))
        self.engine.run()
        self.faults.stop()
        # A Swift client has no time-out: what was lost it asks for again on a new connection only.
        while stuck := [client for client in self.clients if client.stuck]:
            for client in stuck:
                if client.socket is not None:
                    self.front.cut(client.socket)
            self.engine.run()
        self._note_end()

    def actor_id(self, number: int) -> str:
        """The id of an actor by its number."""
        return f"{self._name}/{number + 1}"

    def perform(self, invocation: Invocation, effect: Effect[Any]) -> Any:
        """Carry out an effect, as the mutant does it if there is one."""
        do = self.carry_out if self.mutant is None else partial(self.mutant.perform, self)
        if self.tell is None:
            return do(invocation, effect)
        try:
            result = do(invocation, effect)
        except Exception as error:
            self.tell(self.engine, invocation, effect, error)
            raise
        self.tell(self.engine, invocation, effect, result)
        return result

    def carry_out(self, invocation: Invocation, effect: Effect[Any]) -> Any:
        """Carry out an effect as it should be."""
        result = PORT_OF[type(effect)](invocation.memory.get("ports", self.ports), effect)
        if type(effect) is GoOpening and result:
            self.seen["handover"] += 1
        return result

    def invoke(self, effect: Invoke, finish: Finish) -> None:
        """Start an actor's function for the websocket function."""
        self._start_actor(effect.event, finish)

    def skew_ms(self) -> int:
        """By how much the clock of a container or a gateway is wrong."""
        most = self._plan.skew_ms
        return int((2 * self.engine.random.random() - 1) * most) if most else 0

    def overlooks(self, effect: Effect[Any]) -> bool:
        """Whether an effect that failed is taken for done, as only a mutant does."""
        return self.mutant is not None and self.mutant.overlooks(self, effect)

    def disturbed(self, invocation: Invocation, effect: Effect[Any], fault: Fault) -> None:
        """Note a fault that hit an effect."""
        self.seen["faults"] += 1
        if fault.kind.startswith("crash"):
            self.seen["crash"] += 1
        # Where the websocket function tells of a stream, the actor's has failed already.
        second = fault.kind.startswith("crash") and invocation.name != "actor"
        if "peer" in invocation.memory and (second or fault.kind in (REFUSED, LOST_ANSWER)):
            invocation.memory["peer"].on_refused()
        if isinstance(effect, Invoke):
            self._peer(effect.event).on_trouble()
        self.history.add("fault", fault=fault.kind, function=invocation.name, effect=type(effect).__name__)

    def handle(self, event: dict[str, Any], finish: Answer, *, direct: bool) -> None:
        """Start the function that a frame or a connection is routed to."""

        def answered(reply: Any, error: Exception | None) -> None:
            finish(None if error is not None else reply)

        if direct:
            self._start_actor(event, answered)
            return
        read = read_socket_event(event)
        invocation = Invocation(self, f"websocket {read.kind}", read.time_ms, _reply(answered))
        invocation.memory["peer"] = self._peer(event)
        invocation.run(route(read, event))

    def process(self, records: Sequence[Record], finish: Finished) -> None:
        """Start the stream processor on a batch."""
        changes = [change for change in map(read_change, records) if change is not None]

        def finished(number: str | None, error: Exception | None) -> None:
            finish(number, error is not None)

        invocation = Invocation(self, "fan-out", event_time_ms(list(records)), finished)
        # Mostly the same container twice, and then the other one.
        self._batches += 1
        invocation.memory["ports"] = self._containers[self._batches // 2 % 2]
        invocation.run(fan_out(changes))

    def _start_worker(self, body: str, finish: Finish) -> None:
        Invocation(self, "worker", 0, finish).run(work_off(self._running(), {"message": body}))

    def _running(self) -> Code:
        """What one of the containers that are there now has deployed."""
        # While a deployment is under way, containers of the version before still answer.
        running = self._code[max(0, self._deployed - 2) : self._deployed]
        return running[int(self.engine.random.random() * len(running))]

    def _start_actor(self, event: Mapping[str, Any], finish: Finish) -> None:
        read = read_socket_event(event)
        chosen = self._running()

        def finished(reply: Any, error: Exception | None) -> None:
            if error is not None:
                self._peer(event).on_trouble()
            finish(reply, error)

        invocation = Invocation(self, "actor", read.time_ms, _reply(finished))
        invocation.memory["peer"] = self._peer(event)
        invocation.run(dispatch(chosen, read.caller, read.body))

    def _peer(self, event: Mapping[str, Any]) -> Peer:
        return self.front.sockets[event["requestContext"]["connectionId"]].peer

    def _ports(self) -> Ports:
        return Ports(
            states=self.states,
            subscriptions=self.subscriptions,
            connections=InMemoryConnectionStorage(),
            sender=self.front,
            catch_ups=self._catch_ups,
            functions=InMemoryInvoker(),
            registry=_AnyName(),
            clock=ManualClock(),
            entropy=SeededEntropy(),
            logs=KeptLog(),
        )

    def _written(self, before: StoredState | None, after: StoredState | None, call_id: UUID | None) -> None:
        self._records += 1
        written = after or before
        assert written is not None
        if after is None:
            self.history.add("delete", actor=written.actor_id, version=written.version)
        else:
            self.history.add(
                "commit", actor=after.actor_id, version=after.version, call=str(call_id), state=after.state
            )
        # By the item, as DynamoDB does it: changes of one actor stay in order, those of two need not.
        shard = self._shards[int(written.actor_id[-1]) % len(self._shards)]
        shard.put(record(self._records, self.engine.now_ms, before, after))

    def _conflicted(self) -> None:
        self.seen["conflict"] += 1

    def _do(self, act: Act) -> None:
        client = self.clients[act.client]
        self.front.end_old()
        match act.kind:
            case plans.CALL:
                client.call(self.actor_id(act.actor), act.method, act.arguments)
            case plans.OBSERVE:
                target, wanted = self._wanted(act.amount, client)
                if act.window_ms:
                    wanted = StreamFilter(FilterType.CUSTOM, "latest", {"window": str(act.window_ms)})
                client.observe(self.actor_id(act.actor), target, wanted)
            case plans.UNSUBSCRIBE:
                client.unsubscribe()
            case _:
                self.seen["faults"] += 1
                self.history.add("fault", fault=act.kind, client=client.name, amount=act.amount)
                self._happen(act, client)

    def _happen(self, act: Act, client: Client) -> None:
        shard = self._shards[act.actor % len(self._shards)]
        match act.kind:
            case plans.LAG:
                shard.lag_ms = act.amount
            case plans.REPEAT:
                shard.repeat = True
            case plans.OVERLAP:
                shard.overlap = True
            case plans.JUMP:
                self.engine.now_ms += act.amount
            case plans.DEPLOY:
                self._deployed = len(self._code)
            case plans.DELETE:
                self.states.delete(self.actor_id(act.actor))
            case plans.SLEEP:
                if client.idle:
                    self._sleep(act, client)
            case plans.SLOW if client.socket is not None:
                client.socket.slow_until = self.engine.now_ms + act.amount
            case _ if client.socket is not None:
                self._cut(act, client)

    def _cut(self, act: Act, client: Client) -> None:
        assert client.socket is not None
        client_late = act.amount if act.kind == plans.CUT_CLIENT_LATE else 0
        gateway_late = act.amount if act.kind == plans.CUT_GATEWAY_LATE else 0
        told = act.kind != plans.CUT_UNTOLD
        client.young_ms = act.amount if act.amount % 2 == 0 else 0
        self.front.cut(client.socket, client_late_ms=client_late, gateway_late_ms=gateway_late, told=told)

    def _wanted(self, choice: int, client: Client) -> tuple[str, StreamFilter | None]:
        """Mostly whole states; else one member, and some only when it changes. No Swift client has filters."""
        if choice % 3:
            return observe_target(WHOLE_STATE), None
        known = sorted(frozenset.intersection(*(code[self._name].properties for code in self._code)))
        wanted = _CHANGED if choice // 3 % 2 and not client.swift else None
        return observe_target(known[choice // 6 % len(known)]), wanted

    def _sleep(self, act: Act, client: Client) -> None:
        """Only who waits for no answer: results are kept for a day, and a call repeated after it would run again."""
        assert client.socket is not None
        self.seen["sleep"] += 1
        client.asleep = True
        self.front.cut(client.socket, client_late_ms=act.amount, told=act.amount % 2 == 0)
        self.engine.later(act.amount, partial(self._wake, expired=act.amount % 3 > 0))

    def _wake(self, *, expired: bool) -> None:
        if expired:  # DynamoDB deletes what is over in its own time, within days
            self.states.expire(now=self.engine.now_ms // 1000)
        self.front.end_old()

    def _note_end(self) -> None:
        self.seen["duplicate"] += sum(shard.repeated for shard in self._shards)
        actors = [self.actor_id(number) for number in range(self._plan.actors)]
        states = {actor: found.state if (found := self.states.states.get(actor)) else None for actor in actors}
        streams = [stream.key for client in self.clients for stream in client.open_streams()]
        waiting = [client.name for client in self.clients if not client.idle]
        backlog = sum(not shard.empty for shard in self._shards)
        initial = self._code[0][self._name].initial_state
        self.history.add("quiet", states=states, initial=initial, streams=streams, waiting=waiting, backlog=backlog)


class _AnyName(InMemoryRegistry):
    """Every name belongs to the one actor function."""

    def resolve(self, name: str) -> str:
        """The function."""
        return name


def _reply(finish: Finish) -> Finish:
    """What a function answers: an error that a routine lets through becomes status 500, as the runtime does it."""

    def finished(outcome: Any, error: Exception | None) -> None:
        finish(None if outcome is None else outcome.reply, error)

    return finished
