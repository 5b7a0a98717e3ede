"""One soak: users call, sockets break, functions die; then all is left in peace and has to come right."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sandbox.handle import FaultsHandle, Handle
from tests.loop.conftest import Deployed
from tests.soak.faults import faults_on, taken
from tests.soak.journal import read_commits, read_state
from tests.soak.network import LiveEngine, LiveFront
from tests.soak.order import check_order
from tests.soak.plan import Plan
from tests.soak.subjects import Subject
from tests.soak.users import Users
from trebuche.documents import Json, dumps, loads
from trebuche_testing.call_checks import check_calls
from trebuche_testing.clients import Client
from trebuche_testing.engine import Scheduler
from trebuche_testing.history import Event, History
from trebuche_testing.stream_checks import check_streams
from trebuche_testing.swift_client import SwiftClient
from trebuche_testing.violations import LOST, Violation

PATIENCE_SECONDS: Final = 180.0
"""Without any answer; and for the streams to come right at the end."""
LOOK_SECONDS: Final = 0.2
TURN_SECONDS: Final = 5.0
"""At the end: so long between two turns of the sandbox's clock, each by what follows."""
TURNED_SECONDS: Final = 60.0
"""A reminder whose worker was killed comes again after six times the function's timeout, and nobody wants to wait."""
TURNS: Final = 4
"""At most: after ten minutes without a frame sockets are cut, and clients that resume would hide what was lost."""
BREAKING: Final = ("post-gone", "cut-socket")
WITH_BREAKING: Final = 0.85
"""Share of the answers after which the sandbox breaks no connection any more.

One whose post was answered with 410 is cut before there is peace: at AWS it is at its end, or has just begun, and its
reader would never hear of what it lost.
"""
RAMP_SECONDS: Final = 5.0
"""For one client to come, at most."""
SECOND_STREAM: Final = 0.3
"""Share of clients that watch two actors."""
DIRECT: Final = 0.7
"""Share of clients that send an action; the others' frames are forwarded by the websocket function."""


@dataclass(frozen=True)
class Outcome:
    """What came of a soak.

    Attributes:
        counts: How often what happened.
        latencies: Seconds from each call to its answer, whatever was repeated on the way.
    """

    events: list[Event]
    violations: list[Violation]
    counts: dict[str, int]
    seconds: float
    latencies: list[float]


class Soak:
    """Clients around a deployed program.

    Args:
        deployed: The program.
        subject: The actor.
        plan: How much of what.
        meanwhile: What somebody does when half of the calls are answered, such as to deploy.
    """

    def __init__(
        self, deployed: Deployed, subject: Subject, plan: Plan, meanwhile: Callable[[], object] | None = None
    ) -> None:
        self.engine = LiveEngine(Random(plan.seed))
        self.history: History = _History(self.engine)
        self.history.note = self._note
        self.front: LiveFront
        self._deployed = deployed
        self._subject = subject
        self._plan = plan
        self._meanwhile = meanwhile
        mark = f"{time.time_ns():x}"
        self._actors = [f"{subject.name}/{mark}-{number + 1}" for number in range(plan.actors)]
        self._clients: list[Client] = []
        self._shown: dict[int, bytes] = {}
        self.users = Users(subject, self._actors, plan=plan, engine=self.engine, history=self.history)

    async def run(self, sandbox: Handle) -> Outcome:
        """Run it, and hold what happened against what is owed."""
        started = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            self.front = LiveFront(self._deployed.endpoint, self.engine, tasks, self._plan)
            other = tasks.create_task(self._wait_and_do())
            await self._begin()
            struck = await self._disturbed(sandbox.faults)
            await other
            await self._come_right(sandbox)
            self.engine.stopped = True
            self.front.close()
        await asyncio.to_thread(self._note_end)
        counts = self._counts() | struck
        return Outcome(
            self.history.events, self._violations(), counts, time.monotonic() - started, self.users.latencies
        )

    async def _begin(self) -> None:
        """Have clients come one by one: functions that all start cold at once are only in each other's way."""
        for number in range(self._plan.clients):
            client, home = self._add_client(number)
            if not self._plan.together:
                self.users.begin(client, home)
            deadline = time.monotonic() + RAMP_SECONDS
            while not (client.idle or self.users.answered > number) and time.monotonic() < deadline:
                await asyncio.sleep(LOOK_SECONDS)
        if self._plan.together:
            self.users.last_answer = time.monotonic()
            for number, client in enumerate(self._clients):
                self.users.begin(client, self._home(number))

    def _home(self, number: int) -> str:
        return self._actors[number % len(self._actors)]

    def _add_client(self, number: int) -> tuple[Client, str]:
        random = self.engine.random
        kind = SwiftClient if random.random() < self._plan.swift else Client
        client = kind(self, f"client-{number + 1}", direct=random.random() < DIRECT)
        self._clients.append(client)
        client.connect()
        home = self._home(number)
        if random.random() < self._plan.watching:
            client.observe(home, "observeState")
            if random.random() < SECOND_STREAM:
                client.observe(random.choice(self._actors), "observeState")
        return client, home

    async def _disturbed(self, faults: FaultsHandle) -> dict[str, int]:
        """Wait for all answers, under faults if there are to be any; how often each fault struck."""
        self.front.peaceful = False
        if not self._plan.faults:
            await self._answered(self._plan.clients * self._plan.calls)
            self.front.peaceful = True
            return {}
        with faults_on(faults, self._plan.seed):
            await self._answered(WITH_BREAKING * self.users.before_peace)
            struck = await asyncio.to_thread(taken, faults)
            for fault in BREAKING:
                await asyncio.to_thread(faults.clear, fault)
            # All that are open now have been cut by then.
            peace = time.monotonic() + self._plan.cut_seconds[1]
            await self._answered(self.users.before_peace)
            await asyncio.sleep(max(0.0, peace - time.monotonic()))
            self.front.peaceful = True
            self.users.let_go()
            await self._answered(self._plan.clients * self._plan.calls)
            return struck | await asyncio.to_thread(taken, faults)

    async def _answered(self, wanted: float) -> None:
        while self.users.answered < wanted and time.monotonic() - self.users.last_answer < PATIENCE_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)

    async def _wait_and_do(self) -> None:
        if self._meanwhile is None:
            return
        while self.users.answered < self._plan.clients * self._plan.calls // 2:
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(self._meanwhile)

    async def _come_right(self, sandbox: Handle) -> None:
        """Wait until every stream shows what is stored; a client that lost what it asked for connects again."""
        final = await asyncio.to_thread(self._states)
        wanted = {actor: self._plain(state) for actor, state in final.items()}
        now = time.monotonic()
        deadline, turns = now + PATIENCE_SECONDS, [now + TURN_SECONDS * number for number in range(1, TURNS + 1)]
        while time.monotonic() < deadline and not all(self._is_right(client, wanted) for client in self._clients):
            if turns and time.monotonic() > turns[0]:
                turns.pop(0)
                self.front.seen["turns of the clock"] += 1
                await asyncio.to_thread(sandbox.clock.advance, TURNED_SECONDS)
            for client in self._clients:
                if client.stuck and client.socket is not None:
                    self.front.cut(client.socket)
            await asyncio.sleep(LOOK_SECONDS)

    def _is_right(self, client: Client, wanted: dict[str, Json]) -> bool:
        return client.idle and all(
            self._plain(self._shown.get(stream.key, b"{}")) == wanted[stream.actor] for stream in client.open_streams()
        )

    def _note(self, _engine: Scheduler, event: Event) -> None:
        if event["event"] == "value":
            self._shown[event["stream"]] = event["value"]
        self.users.note(event)

    def _states(self) -> dict[str, bytes]:
        """What is stored of each actor; what it shows before its first call where there is nothing."""
        table, client = self._deployed.outputs["state_table"], self._deployed.aws.dynamodb
        return {actor: read_state(client, table, actor) or self._initial for actor in self._actors}

    def _plain(self, state: bytes) -> Json:
        return self._subject.specification.plain(loads(state))

    @property
    def _initial(self) -> bytes:
        specification = self._subject.specification
        return dumps(specification.shows(specification.initial)).encode()

    def _note_end(self) -> None:
        for actor in self._actors:
            for commit in read_commits(self._deployed.aws.dynamodb, self._deployed.outputs["journal_table"], actor):
                self.history.add("commit", **commit)
        self.history.add(
            "quiet",
            states=self._states(),
            initial=self._initial,
            streams=[stream.key for client in self._clients for stream in client.open_streams()],
            waiting=[client.name for client in self._clients if not client.idle],
            backlog=0,
        )

    def _violations(self) -> list[Violation]:
        events = self.history.events
        found = [*check_calls(events), *check_order(events, self._subject)]
        found += check_streams(events, self._subject.specification)
        if self._meanwhile is not None and not self._newer:
            found.append(Violation(LOST, "newer code wrote nothing: the deployment came too late, or not at all"))
        return found

    @property
    def _newer(self) -> int:
        """How many versions hold more than the specification knows, as only newer code writes them."""
        states = [loads(event["state"]) for event in self.history.events if event["event"] == "commit"]
        return sum(self._subject.specification.plain(state) != state for state in states)

    def _counts(self) -> dict[str, int]:
        kinds = Counter(event["event"] for event in self.history.events)
        starts = Counter(event["recovered"] for event in self.history.events if event["event"] == "start")
        outcomes = Counter(event["outcome"] for event in self.history.events if event["event"] == "return")
        return {
            "calls": kinds["call"],
            "acknowledged": outcomes["ok"],
            "refused": outcomes["refused"],
            "sent": kinds["send"],
            "versions": kinds["commit"],
            "of newer code": self._newer,
            "streams": kinds["observe"],
            "resumes sent": kinds["resume"],
            "replayed": starts[True],
            "snapshots": starts[False],
            "frames": kinds["frame"],
            "values": kinds["value"],
            "cuts": 0,
            **self.front.seen,
        }


class _History(History):
    """Keeps one copy of a value that many streams got."""

    def __init__(self, engine: Scheduler) -> None:
        super().__init__(engine)
        self._kept: dict[bytes, bytes] = {}

    def add(self, kind: str, /, **members: Any) -> None:
        """Add an event."""
        if isinstance(value := members.get("value"), bytes):
            members["value"] = self._kept.setdefault(value, value)
        super().add(kind, **members)
