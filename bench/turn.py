"""``python -m bench.turn``: what a turn in memory costs, against reading and writing its documents with ``json``.

The turn is a whole one: frame, call, state of 1 KB as typed values, method, next state, answer; the ports keep
everything in memory, so that nothing but the runtime is measured. The rival reads and writes the same documents
(frame, argument and state in; state, result and answer out) with ``json.loads`` and ``json.dumps`` and does nothing
else. Rounds of both take turns; counted is processor time. ``--profile`` says in which functions the turn spends it.
"""

import cProfile
import json
import pstats
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from trebuche import Actor, distributed
from trebuche.actor_types import ActorType
from trebuche.adapters.memory import (
    InMemoryCatchUpQueue,
    InMemoryConnectionSender,
    InMemoryConnectionStorage,
    InMemoryInvoker,
    InMemoryRegistry,
    InMemoryStateStore,
    InMemorySubscriptionStorage,
    KeptLog,
    ManualClock,
    SeededEntropy,
)
from trebuche.dispatch import dispatch
from trebuche.envelope_types import ResponseEnvelope
from trebuche.envelopes import InvocationEnvelope, TrebuchetActorID, decode, encode
from trebuche.ports import Ports
from trebuche.runtime import Runtime
from trebuche.socket_events import Caller
from trebuche.stored import StoredState

LIMIT: Final = 3.0
"""Times what the documents take. Typed values are what a turn takes most of the rest for (see ``--profile``)."""
ACTOR_ID: Final = "todos/groceries"
CALLER: Final = Caller("DJrFQfyGIAMCJ7w=", connected_at=1_768_857_206_344)
STATE_BYTES: Final = 1024
MOST_LINES: Final = 20


@dataclass
class Todo:
    """One thing to do."""

    id: str
    title: str
    completed: bool = False


@dataclass
class Todos:
    """What the list holds."""

    todos: list[Todo] = field(default_factory=list)


class TodoList(Actor[Todos], exposed_as="todos"):
    """A list of things to do."""

    @distributed
    def toggle_todo(self, id: str) -> Todo:
        """Tick something off, or take the tick back."""
        todo = next(todo for todo in self.state.todos if todo.id == id)
        todo.completed = not todo.completed
        return todo


TODO_LIST: Final = ActorType(TodoList)


@dataclass(frozen=True)
class Figures:
    """Microseconds of processor time of a turn and of its documents, best rounds: others on the machine only add."""

    turn_us: float
    rival_us: float
    state_bytes: int

    @property
    def ratio(self) -> float:
        """How many times as long a turn takes as its documents."""
        return self.turn_us / self.rival_us

    @property
    def good(self) -> bool:
        """Whether the turn keeps within its limit."""
        return self.ratio <= LIMIT

    def to_json(self) -> str:
        """All of it, with the ratio."""
        return json.dumps({**asdict(self), "ratio": self.ratio, "good": self.good})


class Bench:
    """One actor with a state of 1 KB, and calls that tick one of its members off and on again."""

    def __init__(self) -> None:
        todos: list[Todo] = []
        while len(self._write(todos)) < STATE_BYTES:
            number = len(todos)
            todos.append(Todo(str(UUID(int=number)).upper(), f"Thing {number}", completed=number % 2 == 0))
        self.state = self._write(todos)
        self.argument = json.dumps(todos[-1].id).encode()
        self._calls = 0

    def frames(self, count: int) -> list[str]:
        """So many calls, each with an id of its own."""
        numbers = range(self._calls, self._calls + count)
        self._calls += count
        return [self._frame(UUID(int=number)) for number in numbers]

    def turns(self, frames: Sequence[str]) -> Callable[[], None]:
        """Carry the calls out, one after the other, on ports of their own."""
        ports = _ports(self.state)
        directory = {TODO_LIST.exposed_as: TODO_LIST}

        def run() -> None:
            for frame in frames:
                Runtime(ports).run(dispatch(directory, CALLER, frame))

        return run

    def documents(self, frames: Sequence[str]) -> Callable[[], None]:
        """Read and write what each of the calls reads and writes."""
        answer = self.answer(frames[0])
        response = decode(answer)
        assert isinstance(response, ResponseEnvelope)
        result = response.result
        assert result
        written = json.loads(self.state), json.loads(result), json.loads(answer)

        def run() -> None:
            for frame in frames:
                for document in (frame, self.argument, self.state):
                    json.loads(document)
                for value in written:
                    json.dumps(value)

        return run

    def answer(self, frame: str) -> str:
        """The answer to one call."""
        outcome = Runtime(_ports(self.state)).run(dispatch({TODO_LIST.exposed_as: TODO_LIST}, CALLER, frame))
        return str(outcome.reply["body"])

    def _frame(self, call_id: UUID) -> str:
        target = TrebuchetActorID(ACTOR_ID)
        return encode(InvocationEnvelope(call_id, target, "toggleTodo", 2, arguments=(self.argument,)))

    @staticmethod
    def _write(todos: list[Todo]) -> bytes:
        return TODO_LIST.write_state(Todos(todos))


def _ports(state: bytes) -> Ports:
    clock, states = ManualClock(), InMemoryStateStore()
    states.states[ACTOR_ID] = StoredState(ACTOR_ID, state, 1, TODO_LIST.schema, clock.now_ms())
    return Ports(
        states=states,
        subscriptions=InMemorySubscriptionStorage(),
        connections=InMemoryConnectionStorage(),
        sender=InMemoryConnectionSender(),
        catch_ups=InMemoryCatchUpQueue(),
        functions=InMemoryInvoker(),
        registry=InMemoryRegistry(),
        clock=clock,
        entropy=SeededEntropy(),
        logs=KeptLog(),
    )


def cpu_us(run: Callable[[], None], calls: int) -> float:
    """Microseconds of processor time per call."""
    started = time.process_time()
    run()
    return (time.process_time() - started) / calls * 1e6


def measure(rounds: int, calls: int) -> Figures:
    """Time turns and documents in turns; the first round warms both up, and of the others the best of each counts."""
    bench = Bench()
    taken: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        frames = bench.frames(calls)
        taken.append((cpu_us(bench.turns(frames), calls), cpu_us(bench.documents(frames), calls)))
    turn, rival = (min(column) for column in zip(*taken[1:], strict=True))
    return Figures(turn, rival, len(bench.state))


def profile(calls: int) -> list[tuple[str, float]]:
    """The part of a turn's time that is spent in each function itself, the largest first."""
    bench = Bench()
    run, profiler = bench.turns(bench.frames(calls)), cProfile.Profile()
    profiler.runcall(run)
    spent: Counter[str] = Counter()
    for (path, _, function), (_, _, own, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        spent[f"{Path(path).stem}.{function}" if path != "~" else function] += own
    whole = sum(spent.values())
    return [(name, own / whole) for name, own in spent.most_common()]


@click.command()
@click.option("--rounds", default=15, show_default=True, help="Rounds of each.")
@click.option("--calls", default=500, show_default=True, help="Calls per round.")
@click.option("--profile", "with_profile", is_flag=True, help="Say where a turn's time goes as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(rounds: int, calls: int, with_profile: bool, as_json: bool) -> None:
    """Measure a turn in memory against its documents; exit 1 when it is over the limit."""
    figures = measure(rounds, calls)
    if as_json:
        click.echo(figures.to_json())
    else:
        click.echo(
            f"a turn on a state of {figures.state_bytes} bytes: {figures.turn_us:.0f} µs of processor time; ", nl=False
        )
        click.echo(f"its documents {figures.rival_us:.0f} µs: {figures.ratio:.2f} times (limit {LIMIT})")
    if with_profile:
        for name, part in profile(rounds * calls)[:MOST_LINES]:
            click.echo(f"{part:6.1%}  {name}", err=as_json)
    raise SystemExit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
