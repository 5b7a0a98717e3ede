"""Who calls: each client makes its calls a few at a time, and the next one when an answer has come."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.soak.network import LiveEngine
from tests.soak.plan import Plan
from tests.soak.subjects import Subject, User
from trebuche.documents import loads
from trebuche_testing.clients import Client
from trebuche_testing.history import Event, History

ELSEWHERE: Final = 0.2
"""Share of calls on another actor than the client's own."""
PAUSE_MS: Final = 400
"""Longest pause between an answer and the next call."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    client: Client
    home: str
    user: User
    method: str
    made: float


class Users:
    """All calls of a soak.

    Args:
        subject: What is called.
        actors: Ids of the actors.
        plan: How many calls each client makes.
        engine: When, and by which chances.
        history: Where clients say what happened.
    """

    def __init__(
        self, subject: Subject, actors: Sequence[str], *, plan: Plan, engine: LiveEngine, history: History
    ) -> None:
        self.latencies: list[float] = []
        """Seconds from each call to its answer, whatever was repeated on the way."""
        self.last_answer = self._first_call = time.monotonic()
        self._subject = subject
        self._actors = actors
        self._plan = plan
        self._engine = engine
        self._history = history
        self._made: Counter[str] = Counter()
        self._known: dict[tuple[str, str], User] = {}
        self._under_way: dict[str, _UnderWay] = {}
        self._holding = plan.faults
        self._held: list[tuple[Client, str]] = []

    @property
    def before_peace(self) -> int:
        """How many calls are made before ``let_go``."""
        return self._plan.clients * self._most

    @property
    def answered(self) -> int:
        """How many calls have been answered."""
        return len(self.latencies)

    @property
    def seconds(self) -> float:
        """From the first call to the last answer."""
        return self.last_answer - self._first_call

    def begin(self, client: Client, home: str) -> None:
        """Let a client make its first calls."""
        if not self._made:
            self._first_call = time.monotonic()
        for _ in range(self._plan.at_once):
            self._call(client, home)

    def let_go(self) -> None:
        """Have each client make its last call, now that no socket is cut any more: a resume would show what it lost."""
        self._holding = False
        for client, home in self._held:
            self._call(client, home)

    def note(self, event: Event) -> None:
        """Take an answer in, and go on."""
        if event["event"] != "return":
            return
        one = self._under_way.pop(event["call"])
        self.last_answer = time.monotonic()
        self.latencies.append(self.last_answer - one.made)
        if event["outcome"] == "ok":
            one.user.learn(one.method, loads(event["result"]) if event["result"] else None)
        pause_ms = int(self._engine.random.random() * PAUSE_MS)
        self._engine.later(pause_ms, partial(self._call, one.client, one.home))

    @property
    def _most(self) -> int:
        return self._plan.calls - self._holding

    def _call(self, client: Client, home: str) -> None:
        if self._made[client.name] == self._most:
            if self._holding:
                self._held.append((client, home))
            return
        self._made[client.name] += 1
        random = self._engine.random
        actor = random.choice(self._actors) if random.random() < ELSEWHERE else home
        user = self._known.setdefault((client.name, actor), self._subject.user(client.name))
        method, arguments = user.next(random)
        client.call(actor, method, arguments)
        made = next(event for event in reversed(self._history.events) if event["event"] == "call")
        self._under_way[made["call"]] = _UnderWay(client, home, user, method, time.monotonic())
