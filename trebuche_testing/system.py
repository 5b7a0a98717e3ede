"""Clients, sockets, functions, tables and stream of one schedule, put together and run to rest."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from trebuche.actor_types import ActorType
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
from trebuche.effects import Effect, GoOpening, Invoke, OpenSubscription, Post
from trebuche.envelopes import StreamStartEnvelope, decode
from trebuche.forward import route
from trebuche.ports import Ports
from trebuche.runtime import PORT_OF
from trebuche.socket_events import read_socket_event
from trebuche.stored import StoredState
from trebuche.streams import fan_out
from trebuche.worker import work_off
from trebuche_testing.acts import Acts
from trebuche_testing.catch_up_queue import CatchUpQueue
from trebuche_testing.clients import Client
from trebuche_testing.engine import Engine
from trebuche_testing.event_source import Finished, Shard
from trebuche_testing.faults import LOST_ANSWER, REFUSED, STREAM_START, Fault, Faults
from trebuche_testing.goodbyes import Goodbyes
from trebuche_testing.history import History
from trebuche_testing.invocations import Finish, Invocation
from trebuche_testing.mutants import Mutant
from trebuche_testing.plan import Plan
from trebuche_testing.sockets import Front, Peer
from trebuche_testing.swift_client import SwiftClient
from trebuche_testing.tables import InterruptedSubscriptions, Record, WatchedStates, record

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
        self.front = Front(self.engine, self, cold=plan.cold)
        self.states = WatchedStates(self._written, self._conflicted)
        self.subscriptions = InMemorySubscriptionStorage()
        self._catch_ups = CatchUpQueue(self.engine, self._start_worker)
        self.ports = self._ports()
        interrupted = InterruptedSubscriptions(self.subscriptions, self.engine.interrupted)
        self._containers = [
            replace(self.ports, subscriptions=CachedAudiences(interrupted, least_rows=1)) for _ in range(2)
        ]
        """Of the stream processor: each keeps subscribers of its own."""
        self.mutant = mutant
        self.tell: Tell | None = None
        """Gets every effect with its result, to be shown to people."""
        self.clients = [
            (SwiftClient if swift else Client)(self, f"client-{number + 1}", direct=direct)
            for number, (swift, direct) in enumerate(zip(plan.swift, plan.direct, strict=True))
        ]
        self._code = code
        self.shards = [Shard(self.engine, self, poll_ms=plan.poll_ms) for _ in range(plan.shards)]
        self._running = [code[0]]
        """What containers have deployed: while a deployment is under way, those of the version before still answer."""
        self._name = next(iter(code[0]))
        self._acts = Acts(self)
        self._goodbyes = Goodbyes(self.history)
        self._plan = plan
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
            self.engine.later(act.at_ms, partial(self._acts.do, act))
        self.engine.run()
        self.faults.stop()
        # A Swift client has no time-out: what was lost it asks for again on a new connection only.
        while stuck := [client for client in self.clients if client.stuck]:
            for client in stuck:
                if client.socket is not None:
                    self.front.cut(client.socket)
            self.engine.run()
        self._note_end()

    @property
    def observable(self) -> list[str]:
        """What can be observed whatever is deployed."""
        return sorted(frozenset.intersection(*(code[self._name].properties for code in self._code)))

    @property
    def drag(self) -> float:
        """Share of effects that take longer than others."""
        return self._plan.drag

    def actor_id(self, number: int) -> str:
        """The id of an actor by its number."""
        return f"{self._name}/{number + 1}"

    def deploy(self, choice: int) -> bool:
        """Deploy one of the later versions, beside containers of the one before; False when there is none."""
        later = self._code[self._code.index(self._running[-1]) + 1 :]
        if later:
            self._running = [self._running[-1], later[choice % len(later)]]
        return bool(later)

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
        if type(effect) is Post:
            peer = self.front.sockets[effect.connection_id].peer
            self._goodbyes.sent(peer, effect.text, began=invocation.began, step=self.engine.steps)
        # Not where a resume gives a stream back to the connection that had it: its reader may have been told of an end.
        if (
            type(effect) is OpenSubscription
            and effect.row.connection_id == invocation.memory.get("connection")
            and result
        ):
            self._goodbyes.opened(effect.row.stream_id)
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
        # Where the websocket function tells of a stream, the actor's has failed; where there is no row, it has refused.
        second = fault.kind.startswith("crash") and (invocation.name != "actor" or self._refuses(effect))
        if "peer" in invocation.memory and (second or fault.kind in (REFUSED, LOST_ANSWER)):
            invocation.memory["peer"].on_refused()
        if isinstance(effect, Invoke):
            self._peer(effect.event).on_trouble()
        if fault.kind in (REFUSED, LOST_ANSWER):
            invocation.memory["let down"] = True
        self.history.add("fault", fault=fault.kind, function=invocation.name, effect=type(effect).__name__)

    def _refuses(self, effect: Effect[Any]) -> bool:
        """Whether an effect tells of a stream only to say next why there is none."""
        if type(effect) is not Post or not effect.text.startswith(STREAM_START):
            return False
        start = decode(effect.text)
        assert isinstance(start, StreamStartEnvelope)
        return all(stream_id != start.stream_id for _, stream_id in self.subscriptions.attached)

    def handle(self, event: dict[str, Any], finish: Answer, *, direct: bool) -> None:
        """Start the function that a frame or a connection is routed to."""

        def answered(reply: Any, error: Exception | None) -> None:
            if error is None:
                self._goodbyes.handled(self._peer(event), event.get("body"), self.engine.steps)
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
            if number is not None and "let down" not in invocation.memory:
                self.history.add("held-up")
            finish(number, error is not None)

        invocation = Invocation(self, "fan-out", event_time_ms(list(records)), finished)
        invocation.memory["ports"] = self._containers[int(self.engine.random.random() * len(self._containers))]
        invocation.run(fan_out(changes))

    def _start_worker(self, body: str, finish: Finish) -> None:
        Invocation(self, "worker", 0, finish).run(work_off(self._some_code(), {"message": body}))

    def _some_code(self) -> Code:
        """What one of the containers that are there now has deployed."""
        code = self._running[int(self.engine.random.random() * len(self._running))]
        self.seen["deployment"] += code is not self._code[0]
        return code

    def _start_actor(self, event: Mapping[str, Any], finish: Finish) -> None:
        read = read_socket_event(event)
        chosen = self._some_code()

        def finished(reply: Any, error: Exception | None) -> None:
            if error is not None:
                self._peer(event).on_trouble()
            finish(reply, error)

        invocation = Invocation(self, "actor", read.time_ms, _reply(finished))
        invocation.memory["peer"] = self._peer(event)
        invocation.memory["connection"] = read.caller.connection_id
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
        shard = self.shards[int(written.actor_id[-1]) % len(self.shards)]
        shard.put(record(self._records, self.engine.now_ms, before, after))

    def _conflicted(self) -> None:
        self.seen["conflict"] += 1

    def _note_end(self) -> None:
        self.seen["duplicate"] += sum(shard.repeated for shard in self.shards)
        actors = [self.actor_id(number) for number in range(self._plan.actors)]
        states = {actor: found.state if (found := self.states.states.get(actor)) else None for actor in actors}
        streams = [stream.key for client in self.clients for stream in client.open_streams()]
        waiting = [client.name for client in self.clients if not client.idle]
        backlog = sum(not shard.empty for shard in self.shards)
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
