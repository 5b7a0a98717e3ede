"""Turns: once, all or nothing, again when somebody else was first."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from actors.todo_list import TodoList
from tests.support.steps import Task, some_order
from tests.support.world import World, call, socket_event, write_state
from trebuche.actor_types import ActorType
from trebuche.actors import Actor, distributed
from trebuche.adapters.memory import InMemoryStateStore
from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche.dispatch import process
from trebuche.documents import loads
from trebuche.effects import CommitTurn, LoadCall, LoadState, Pause
from trebuche.envelopes import ResponseEnvelope, encode
from trebuche.errors import ActorFailure
from trebuche.gateway import CloudGateway
from trebuche.stored import StoredState, Turn


@dataclass
class Notes:
    """What a notebook holds."""

    lines: list[str] = field(default_factory=list)


@dataclass
class Line:
    """An argument with a part of its own."""

    words: list[str]


class Notebook(Actor[Notes], exposed_as="notes"):
    """An actor with every way to end a call."""

    @distributed
    def append(self, line: str) -> int:
        """Write a line; how many there are."""
        self.state.lines.append(line)
        return len(self.state.lines)

    @distributed
    def sign(self, line: Line) -> str:
        """Change what was given, and write it."""
        line.words.append("signed")
        self.state.lines.append(" ".join(line.words))
        return self.state.lines[-1]

    @distributed
    def read(self) -> list[str]:
        """All lines, and what is done to the answer stays there."""
        return list(self.state.lines)

    @distributed
    def refuse(self) -> None:
        """Change something and refuse."""
        self.state.lines.append("never")
        raise ActorFailure("the notebook is full")

    @distributed
    def crash(self) -> None:
        """Change something and fail."""
        self.state.lines.append("never")
        raise KeyError("secret")

    @distributed
    def shout(self, length: int) -> str:
        """Return a text of some length, and change something."""
        self.state.lines.append("shouted")
        return "x" * length

    @distributed
    def identify(self) -> list[str]:
        """Two new ids, kept."""
        self.state.lines += [self.new_id(), self.new_id()]
        return self.state.lines[-2:]

    @distributed
    def lie(self) -> int:
        """Return something else than declared."""
        return "one"  # type: ignore[return-value]

    @distributed
    def spoil(self) -> None:
        """Leave something else than declared."""
        self.state.lines.append(7)  # type: ignore[arg-type]


@dataclass
class Slip:
    """A state that holds whatever it is given."""

    value: Any = 1


class Scratch(Actor[Slip], exposed_as="scratch"):
    """An actor whose state may change its type."""

    @distributed
    def put(self, value: Any) -> None:
        """Keep it."""
        self.state.value = value


@dataclass
class Branch:
    """A state of any depth."""

    branches: "list[Branch]" = field(default_factory=list)


class Tree(Actor[Branch], exposed_as="tree"):
    """An actor whose state grows at its root."""

    @distributed
    def grow(self, branches: int) -> None:
        """Two levels of JSON for each."""
        for _ in range(branches):
            self.state = Branch([self.state])


@pytest.fixture
def world() -> World:
    """A world with a notebook."""
    return World(Notebook)


def stored(world: World, actor_id: str = "notes") -> StoredState | None:
    """What is in the state table."""
    return world.states.load(actor_id)


def test_a_call_writes_the_next_version(world: World) -> None:
    """State, version, schema, shape and time; the journal has the same."""
    assert world.result("notes", "append", "one") == 1
    assert world.result("notes", "append", "two") == 2
    shape = ActorType(Notebook).shape
    assert stored(world) == StoredState("notes", b'{"lines":["one","two"]}', 2, 1, world.clock.now_ms(), shape)
    assert [entry.version for entry in world.states.journal("notes", 1, 9, now=0)] == [1, 2]


def test_a_method_without_result_answers_with_nothing(world: World) -> None:
    """Void is an empty result, not null."""
    todos = World(TodoList)
    todo = todos.result("todos", "addTodo", "Milk")
    assert todos.ask(call("todos", "removeTodo", todo["id"])).result == b""
    assert world.ask(call("notes", "read")).result == b"[]"


def test_a_call_that_changes_nothing_writes_nothing(world: World) -> None:
    """Neither a version nor a record."""
    invocation = call("notes", "read")
    world.ask(invocation)
    assert stored(world) is None
    assert world.states.load_call("notes", invocation.call_id, now=0) is None


@pytest.mark.parametrize("method", ["refuse", "crash", "lie", "spoil"])
def test_a_failing_method_writes_nothing(world: World, method: str) -> None:
    """What it did to the state is gone."""
    world.result("notes", "append", "one")
    assert world.ask(call("notes", method)).error_message
    assert world.result("notes", "read") == ["one"]
    assert world.states.highest_version("notes", now=0) == 1


def test_what_is_refused_on_purpose_reaches_the_caller(world: World) -> None:
    """The author's text and a stable code, and no error in the log."""
    response = world.ask(call("notes", "refuse"))
    assert (response.error_message, response.code, response.retryable) == ("the notebook is full", "refused", False)
    assert not any('"ERROR"' in line for line in world.log.lines)


@pytest.mark.parametrize(
    ("method", "cause"), [("crash", "KeyError: 'secret'"), ("lie", "TypeError"), ("spoil", "lines")]
)
def test_what_nobody_meant_is_a_reference_for_the_caller(world: World, method: str, cause: str) -> None:
    """The caller gets the reference, the log has the traceback under it."""
    invocation = call("notes", method)
    response = world.ask(invocation)
    reference = str(invocation.call_id).upper()
    assert (response.error_message, response.code) == (f"Internal error (ref {reference})", "internal")
    (line,) = (loads(line) for line in world.log.lines if '"ERROR"' in line)
    assert isinstance(line, dict)
    assert (line["ref"], line["actorId"], line["target"]) == (reference, "notes", method)
    assert cause in str(line["exception"])
    assert "Traceback" in str(line["exception"])


def test_the_same_call_takes_effect_once(world: World) -> None:
    """Repeated from any connection it gets the first answer."""
    invocation = call("notes", "append", "one")
    assert world.ask(invocation) == world.ask(invocation, "c2")
    assert world.result("notes", "read") == ["one"]


def test_a_call_id_is_not_for_another_call(world: World) -> None:
    """Other arguments under a used callID are refused, and have no effect."""
    invocation = call("notes", "append", "one")
    world.ask(invocation)
    other = world.ask(call("notes", "append", "two", call_id=invocation.call_id))
    assert other.code == "call-id-reused"
    assert world.result("notes", "read") == ["one"]


def test_a_call_id_belongs_to_its_actor() -> None:
    """Of another key or another type, the same one is another call: it runs, and each is repeated by itself."""
    world = World(Notebook, TodoList)
    first = call("notes", "append", "one")
    others = [
        call(*other, call_id=first.call_id) for other in (("notes/a", "append", "two"), ("todos", "addTodo", "x"))
    ]
    answers = [world.ask(frame) for frame in (first, *others)]
    assert [answer.error_message for answer in answers] == [None] * 3
    assert [world.ask(frame) for frame in (first, *others)] == answers
    assert [world.result(actor, "read") for actor in ("notes", "notes/a")] == [["one"], ["two"]]
    kept = stored(world, "todos")
    assert kept is not None
    assert kept.version == 1


def test_ids_are_new_in_each_call(world: World) -> None:
    """Within a call and between calls."""
    ids = world.result("notes", "identify") + world.result("notes", "identify")
    assert len(set(ids)) == 4


def test_each_key_is_an_actor_of_its_own(world: World) -> None:
    """``notes`` and ``notes/a`` share nothing."""
    world.result("notes/a", "append", "one")
    assert world.result("notes", "read") == []
    assert world.result("notes/a", "read") == ["one"]


def test_equivalent_spellings_are_one_actor(world: World) -> None:
    """An accent written as one character or as two."""
    world.result("notes/caf\u00e9", "append", "one")
    assert world.result("notes/cafe\u0301", "read") == ["one"]


def test_the_first_write_after_a_deletion_goes_on_counting(world: World) -> None:
    """Numbers never go back, so no stream's do."""
    world.result("notes", "append", "one")
    world.result("notes", "append", "two")
    world.states.delete("notes")
    assert world.result("notes", "append", "three") == 1
    assert world.states.highest_version("notes", now=0) == 3


def test_an_actor_that_keeps_nothing_starts_afresh_each_time() -> None:
    """``stateful: false`` writes neither state nor records."""
    world = World(Notebook, stateful=False)
    assert [world.result("notes", "append", "one") for _ in range(2)] == [1, 1]
    assert stored(world) is None


def test_members_that_a_newer_program_wrote_survive(world: World) -> None:
    """An older program does not erase what it does not know."""
    write_state(world, "notes", {"lines": [], "colour": "red"})
    world.result("notes", "append", "one")
    found = stored(world)
    assert found is not None
    assert loads(found.state) == {"lines": ["one"], "colour": "red"}


def test_a_state_that_does_not_fit_its_type_is_never_overwritten(world: World) -> None:
    """The error names the actor and the place."""
    write_state(world, "notes", {"lines": ["one", 2]})
    response = world.ask(call("notes", "append", "three"))
    assert response.code == "state"
    assert response.error_message is not None
    assert "lines[1]" in response.error_message
    assert world.states.highest_version("notes", now=0) == 1


def test_a_state_over_the_frame_limit_is_refused(world: World) -> None:
    """The text names size and limit; nothing is written. The largest that fits is taken, and fits its frame."""
    fits = 98_000
    world.result("notes", "append", "x" * fits)
    world.watch("notes")
    assert all(len(text.encode()) <= MESSAGE_LIMIT_BYTES for text in world.sender.sent["c1"])
    response = world.ask(call("notes", "append", "y" * 200))
    assert response.code == "state-too-large"
    assert str(MESSAGE_LIMIT_BYTES) in str(response.error_message)
    assert world.states.highest_version("notes", now=0) == 1


@pytest.mark.parametrize(("value", "versions"), [(1, 0), (True, 1), ([1], 1)])
def test_what_is_another_document_is_a_change(value: object, versions: int) -> None:
    """Also where Python takes both for equal, as it does ``1`` and ``True``."""
    world = World(Scratch)
    world.ask(call("scratch", "put", value))
    assert (state.version if (state := stored(world, "scratch")) else 0) == versions


def test_a_state_that_is_spelled_otherwise_is_not_changed_by_it(world: World) -> None:
    """Somebody edited it by hand, which its shape does not tell: a call that changes nothing still writes nothing."""
    world.result("notes", "append", "one")
    written = stored(world)
    assert written is not None
    world.states.states["notes"] = replace(written, state=b'{ "lines" : ["\\u006fne"] }')
    assert world.result("notes", "read") == ["one"]
    assert stored(world) == replace(written, state=b'{ "lines" : ["\\u006fne"] }')
    world.result("notes", "append", "two")
    assert stored(world) == replace(written, state=b'{"lines":["one","two"]}', version=2)


def test_a_state_that_is_too_deep_to_be_read_is_not_written() -> None:
    """Else the actor could not be called any more: parsers end at 512 levels."""
    world = World(Tree)
    assert world.ask(call("tree", "grow", 255)).error_message is None
    refused = world.ask(call("tree", "grow", 1))
    assert (refused.code, refused.retryable) == ("state-too-large", False)
    assert refused.error_message == "the state of 'tree' would be nested deeper than 512 levels; keep it flatter"
    assert world.ask(call("tree", "grow", 0)).error_message is None


@pytest.mark.parametrize(("over", "code"), [(0, None), (1, "result-too-large")])
def test_a_result_may_fill_a_frame(world: World, over: int, code: str | None) -> None:
    """To the last group of four characters, and what is longer is refused before anything is written."""
    empty = encode(ResponseEnvelope(uuid4(), b""))
    quotes, groups = 2, (MESSAGE_LIMIT_BYTES - len(empty)) // 4
    assert world.ask(call("notes", "shout", groups * 3 - quotes + over)).code == code
    assert (stored(world) is None) is (code is not None)


def test_a_result_over_the_frame_limit_is_refused(world: World) -> None:
    """Before anything is written."""
    assert world.ask(call("notes", "shout", 10)).error_message is None
    assert world.ask(call("notes", "shout", MESSAGE_LIMIT_BYTES)).code == "result-too-large"
    assert world.states.highest_version("notes", now=0) == 1


def turn(world: World, *arguments: Any) -> Task:
    """A call in steps."""
    return Task(world.ports, process({"notes": ActorType(Notebook)}, call(*arguments)))


def test_no_update_is_lost_between_callers() -> None:
    """Five callers, in an order drawn by chance: five lines, five different answers."""
    for seed in range(50):
        world = World(Notebook)
        tasks = [turn(world, "notes", "append", str(number)) for number in range(5)]
        some_order(tasks, Random(seed))
        responses = [task.result for task in tasks]
        assert sorted(response.result for response in responses) == [b"1", b"2", b"3", b"4", b"5"]
        assert sorted(world.result("notes", "read")) == ["0", "1", "2", "3", "4"]


def test_one_call_on_two_functions_takes_effect_once() -> None:
    """The same callID at the same time: one line, one answer."""
    for seed in range(50):
        world = World(Notebook)
        invocation = call("notes", "append", "one")
        directory = {"notes": ActorType(Notebook)}
        tasks = [Task(world.ports, process(directory, invocation)) for _ in range(3)]
        some_order(tasks, Random(seed))
        assert {task.result for task in tasks} == {ResponseEnvelope(invocation.call_id, b"1")}
        assert world.result("notes", "read") == ["one"]


def test_the_state_is_read_before_the_call_record(world: World) -> None:
    """In every attempt: the other way round a method could run on its own effect."""
    task = turn(world, "notes", "append", "mine")
    task.step()
    write_state(world, "notes", {"lines": ["theirs"]})
    some_order([task], Random(0))
    reads = [type(effect) for effect in task.effects if isinstance(effect, LoadState | LoadCall | CommitTurn | Pause)]
    assert reads == [LoadState, LoadCall, CommitTurn, Pause, LoadState, LoadCall, CommitTurn]
    assert world.result("notes", "read") == ["theirs", "mine"]


def test_each_attempt_gets_its_arguments_anew(world: World) -> None:
    """What a lost attempt did to them is gone."""
    task = turn(world, "notes", "sign", {"words": ["Ada"]})
    task.step()
    write_state(world, "notes", {"lines": ["theirs"]})
    some_order([task], Random(0))
    assert world.result("notes", "read") == ["theirs", "Ada signed"]


def test_an_actor_that_is_too_busy_refuses_and_writes_nothing(world: World) -> None:
    """When no time is left the caller is told to try again."""
    task = turn(world, "notes", "append", "mine")
    while not task.done:
        task.step()
        if isinstance(task.effects[-1], LoadCall):
            write_state(world, "notes", {"lines": [str(uuid4())]})
    response = task.result
    assert (response.code, response.retryable) == ("conflict", True)
    assert "mine" not in world.result("notes", "read")
    assert sum(isinstance(effect, CommitTurn) for effect in task.effects) > 8


def test_a_function_with_little_time_gives_up_earlier(world: World) -> None:
    """So that its caller gets an answer at all."""

    class Busy(InMemoryStateStore):
        attempts = 0

        def commit(self, turn: Turn) -> bool:
            self.attempts += 1
            return turn.previous == -1

    busy = Busy()
    gateway = CloudGateway(replace(world.ports, states=busy))
    gateway.expose(Notebook)
    event = socket_event("MESSAGE", "c1", encode(call("notes", "append", "one")))
    tried = []
    for time_left_ms in (1_000, 4_000, 60_000):
        before = busy.attempts
        assert '"conflict"' in gateway.handle(event, time_left_ms=time_left_ms)["body"]
        tried.append(busy.attempts - before)
    assert tried[0] == 1
    assert tried[0] < tried[1] < tried[2] < 50
