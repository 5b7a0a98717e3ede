"""How long the journal, call records and detached streams are kept: what trebuche.yaml says, to the second."""

from dataclasses import replace
from random import Random

import pytest

from actors.todo_list import TodoList
from tests.support.world import World, call, observe, resume
from trebuche.adapters import environment
from trebuche.envelopes import StreamStartEnvelope

DAY = 86_400
HOURS = pytest.mark.parametrize("hours", [1, 24, 168])


def recovers(world: World, *, lost_disconnect: bool, after_seconds: int) -> bool:
    """Whether a resume tells the one change that a stream has missed, so many seconds after it."""
    world.connect()
    stream_id = world.watch("todos")
    if not lost_disconnect:
        world.disconnect()
    world.result("todos", "addTodo", "Milk")
    world.frames()
    world.clock.pause(after_seconds)
    world.connect("c2")
    world.send(resume(stream_id, 1, "todos"), "c2")
    start = world.frames("c2")[0]
    assert isinstance(start, StreamStartEnvelope)
    return start.recovered is True


@HOURS
@pytest.mark.parametrize("lost_disconnect", [False, True])
def test_a_stream_can_be_resumed_as_long_as_the_file_says(hours: int, lost_disconnect: bool) -> None:
    """Up to the last second; then one snapshot, whether or not DynamoDB has deleted what expired."""
    seconds = hours * 3600
    assert recovers(World(TodoList, retention_hours=hours), lost_disconnect=lost_disconnect, after_seconds=seconds - 1)
    assert not recovers(World(TodoList, retention_hours=hours), lost_disconnect=lost_disconnect, after_seconds=seconds)


@HOURS
def test_a_stream_of_a_connection_whose_end_nobody_told_can_be_resumed_as_long(hours: int) -> None:
    """It may have lived for two hours before, on an actor that never changed: nothing was lost, and so it is told."""
    world = World(TodoList, retention_hours=hours)
    world.connect()
    stream_id = world.watch("todos")
    world.clock.pause(2 * 3600 + hours * 3600 - 1)
    world.connect("c2")
    world.send(resume(stream_id, 1, "todos"), "c2")
    [start] = world.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert start.recovered is True


@HOURS
def test_a_call_is_known_again_as_long_as_the_file_says(hours: int) -> None:
    """The same frame runs once within that time, and once more after it."""
    world = World(TodoList, retention_hours=hours)
    world.connect()
    frame = call("todos", "addTodo", "Milk")
    first = world.ask(frame)
    world.clock.pause(hours * 3600 - 1)
    assert world.ask(frame) == first
    world.clock.pause(1)
    assert world.ask(frame).result != first.result


def test_a_stream_is_detached_for_as_long_as_the_file_says() -> None:
    """Not for as long as its connection's own row could have stayed."""
    world = World(TodoList, retention_hours=2)
    world.connect()
    world.send(observe("todos"))
    [row] = world.subscriptions.attached.values()
    world.disconnect()
    assert world.subscriptions.attached == {}
    [detached] = world.subscriptions.detached.values()
    assert detached == replace(row, phase=detached.phase, ttl=world.clock.now_ms() // 1000 + 2 * 3600)


@pytest.mark.parametrize(("variable", "seconds"), [("", 86_400), ("1", 3_600), ("168", 604_800)])
def test_functions_read_it_from_their_environment(monkeypatch: pytest.MonkeyPatch, variable: str, seconds: int) -> None:
    """A function of a program that does not say it keeps things for a day."""
    monkeypatch.setenv("TREBUCHE_RETENTION_HOURS", variable)
    assert environment.ports().retention_seconds == seconds


@pytest.mark.parametrize("told", [True, False])
def test_versions_do_not_begin_anew_when_the_journal_has_expired(told: bool) -> None:
    """Who watches an actor whose state is gone gets its first value after that, told of the deletion or not."""
    world = World(TodoList)
    world.connect()
    for title in ("Milk", "Bread", "Salt"):
        world.result("todos", "addTodo", title)
    world.pump()
    world.clock.pause(DAY - 60)
    if not told:
        world.watch("todos")
    world.states.delete("todos")
    changes = world.records()
    if told:
        world.processor.handle({"Records": changes})
        world.watch("todos")
    world.frames()
    world.clock.pause(61)
    world.states.expire(now=world.clock.now_ms() // 1000)
    world.result("todos", "addTodo", "Honey")
    world.pump()
    [(number, value)] = world.values()
    assert number > 1
    assert [todo["title"] for todo in value["todos"]] == ["Honey"]


def test_a_version_is_not_used_twice_in_whatever_order_the_journal_goes() -> None:
    """Of what has expired the last version is removed first, while somebody who has it watches on."""

    class LastOne(Random):
        def random(self) -> float:
            return next(self.draws)

        draws = iter((0.9, 0.9, 0.1))

    world = World(TodoList)
    world.connect()
    for title in ("Milk", "Bread", "Salt"):
        world.result("todos", "addTodo", title)
    world.watch("todos")
    world.pump()
    world.states.delete("todos")
    world.records()
    world.frames()
    world.clock.pause(DAY)
    world.states.expire(now=world.clock.now_ms() // 1000, chance=LastOne())
    world.result("todos", "addTodo", "Honey")
    world.pump()
    [(_, value)] = world.values()
    assert [todo["title"] for todo in value["todos"]] == ["Honey"]


def test_a_function_whose_clock_is_behind_uses_no_version_that_others_count_as_used() -> None:
    """For a subscriber the journal had expired a moment ago, so it waits for what comes above the reserved ones."""
    world = World(TodoList)
    world.connect()
    world.result("todos", "addTodo", "Milk")
    world.pump()
    world.states.delete("todos")
    world.pump()
    world.clock.pause(DAY)
    world.watch("todos")
    world.clock.pause(-2)
    world.result("todos", "addTodo", "Honey")
    world.pump()
    assert [number for number, _ in world.values()] == [1, 2]
