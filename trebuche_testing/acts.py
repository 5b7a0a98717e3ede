"""What a plan says happens: clients act, and sockets, shards, time, code and actors are disturbed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from trebuche.actor_types import WHOLE_STATE
from trebuche.envelopes import FilterType, StreamFilter
from trebuche.targets import observe_target
from trebuche_testing import plan as plans
from trebuche_testing.clients import Client
from trebuche_testing.engine import START_MS, Engine
from trebuche_testing.event_source import Shard
from trebuche_testing.history import History
from trebuche_testing.plan import Act
from trebuche_testing.sockets import Front, Socket
from trebuche_testing.tables import WatchedStates

TRIES: Final = 20
AGAIN_MS: Final = 50
LONGEST_JUMP_MS: Final = 40_000
LONG_MS: Final = 3_600_000
"""After so much time without anything that is told."""
_CHANGED: Final = StreamFilter(FilterType.PREDEFINED, "changed")


class Stage(Protocol):
    """Where it happens."""

    engine: Engine
    front: Front
    history: History
    seen: Counter[str]
    shards: list[Shard]
    states: WatchedStates

    @property
    def clients(self) -> Sequence[Client]:
        """Who is there."""

    @property
    def observable(self) -> Sequence[str]:
        """What can be observed whatever is deployed."""

    def actor_id(self, number: int) -> str:
        """The id of an actor by its number."""

    def deploy(self, choice: int) -> bool:
        """Deploy one of the later versions; False when there is none."""


class Acts:
    """Does them.

    Args:
        system: To what.
    """

    def __init__(self, system: Stage) -> None:
        self._system = system
        self._last_ms = START_MS

    def do(self, act: Act) -> None:
        """Do one."""
        now_ms = self._system.engine.now_ms
        if now_ms - self._last_ms > LONG_MS:
            self._system.history.add("fault", fault="hours")
        self._last_ms = now_ms
        client = self._system.clients[act.client]
        self._system.front.end_old()
        match act.kind:
            case plans.CALL:
                client.call(self._system.actor_id(act.actor), act.method, act.arguments, again_ms=act.amount)
            case plans.OBSERVE:
                target, wanted = self._wanted(act.amount, client)
                if act.window_ms:
                    wanted = StreamFilter(FilterType.CUSTOM, "latest", {"window": str(act.window_ms)})
                client.observe(self._system.actor_id(act.actor), target, wanted)
            case plans.UNSUBSCRIBE:
                client.unsubscribe()
            case _:
                self._disturb(act, client, TRIES)

    def _disturb(self, act: Act, client: Client, tries: int) -> None:
        """Disturb something; a little later, if there is nothing to be disturbed now; else at last the clock."""
        if self._happen(act, client):
            self._system.seen["faults"] += 1
            self._note(act, client)
        elif tries:
            self._system.engine.later(AGAIN_MS, partial(self._disturb, act, client, tries - 1))
        else:
            self._disturb(replace(act, kind=plans.JUMP, amount=act.amount % LONGEST_JUMP_MS), client, tries)

    def _note(self, act: Act, client: Client) -> None:
        self._system.history.add("fault", fault=act.kind, client=client.name, amount=act.amount)

    def _happen(self, act: Act, client: Client) -> bool:
        shard = self._system.shards[act.actor % len(self._system.shards)]
        match act.kind:
            case plans.LAG:
                shard.lag_ms = act.amount
            case plans.REPEAT:
                shard.repeat = True
            case plans.OVERLAP:
                shard.overlap = True
            case plans.JUMP:
                self._system.engine.now_ms += act.amount
            case plans.DEPLOY:
                return self._system.deploy(act.amount)
            case plans.DELETE:
                return self._system.states.remove(self._system.actor_id(act.actor))
            case plans.SLEEP:
                return client.idle and self._sleep(act, client)
            case plans.SLOW if client.socket is not None:
                client.socket.slow_until = self._system.engine.now_ms + act.amount
            case _:
                return client.socket is not None and self._cut(act, client, client.socket)
        return True

    def _cut(self, act: Act, client: Client, socket: Socket) -> bool:
        client_late = act.amount if act.kind == plans.CUT_CLIENT_LATE else 0
        gateway_late = act.amount if act.kind == plans.CUT_GATEWAY_LATE else 0
        told = act.kind != plans.CUT_UNTOLD
        client.young_ms = act.amount if act.amount % 2 == 0 else 0
        return self._system.front.cut(socket, client_late_ms=client_late, gateway_late_ms=gateway_late, told=told)

    def _wanted(self, choice: int, client: Client) -> tuple[str, StreamFilter | None]:
        """Mostly whole states; else one member, and some only when it changes. No Swift client has filters."""
        if choice % 3:
            return observe_target(WHOLE_STATE), None
        known = self._system.observable
        wanted = _CHANGED if choice // 3 % 2 and not client.swift else None
        return observe_target(known[choice // 6 % len(known)]), wanted

    def _sleep(self, act: Act, client: Client) -> bool:
        """Only who waits for no answer: results are kept for a day, and a call repeated after it would run again."""
        assert client.socket is not None
        self._system.seen["sleep"] += 1
        client.asleep = True
        self._system.front.cut(client.socket, client_late_ms=act.amount, told=act.amount % 2 == 0)
        self._system.engine.later(act.amount, partial(self._wake, expired=act.amount % 3 > 0))
        return True

    def _wake(self, *, expired: bool) -> None:
        if expired:  # DynamoDB deletes what is over in its own time, within days
            engine = self._system.engine
            self._system.states.expire(now=engine.now_ms // 1000, chance=engine.random)
        self._system.front.end_old()
