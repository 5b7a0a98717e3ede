"""Whose streams a deletion ends: those that were asked for before it, however late it is processed."""

from collections.abc import Callable
from typing import Any

import pytest

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.support.steps import Task
from tests.support.world import World, observe, resume, write_state
from trebuche.actor_types import ActorType
from trebuche.adapters.memory import InMemoryConnectionSender
from trebuche.changes import read_change
from trebuche.dispatch import dispatch
from trebuche.effects import HighestVersion, LoadState, QuerySubscribers
from trebuche.envelopes import Envelope, StreamDataEnvelope, StreamEndEnvelope, StreamStartEnvelope, encode
from trebuche.errors import ConnectionGoneError
from trebuche.reminders import write_reminder
from trebuche.socket_events import Caller
from trebuche.streams import fan_out

Records = list[dict[str, Any]]


class Interrupted(InMemoryConnectionSender):
    """Lets something happen after the next frame."""

    def __init__(self) -> None:
        super().__init__()
        self.then: list[Callable[[], object]] = []

    def send(self, connection_id: str, text: str) -> None:
        """Post, then interrupt."""
        super().send(connection_id, text)
        if self.then:
            self.then.pop()()


@pytest.fixture
def world() -> World:
    """An actor of one version, which was deleted; nobody has heard of that yet."""
    world = World(TodoList)
    world.use(sender=Interrupted())
    for connection_id in ("c1", "c2"):
        world.connect(connection_id)
    world.result("todos", "addTodo", "Milk")
    world.pump()
    world.states.delete("todos")
    return world


@pytest.fixture
def deletion(world: World) -> Records:
    """What the table's stream says of that."""
    return world.records()


def kinds(frames: list[Envelope]) -> list[type[Envelope]]:
    """What frames are."""
    return [type(frame) for frame in frames]


BEGUN = [StreamStartEnvelope, StreamDataEnvelope]


def test_a_stream_of_an_actor_that_came_back_outlives_the_deletion_before_it(world: World, deletion: Records) -> None:
    """Also if that is processed while the stream is being opened; what happens afterwards is shown, and a later end."""
    world.result("todos", "addTodo", "Bread")
    sender = world.sender
    assert isinstance(sender, Interrupted)
    sender.then = [lambda: world.processor.handle({"Records": deletion})]
    world.watch("todos")
    world.pump()
    world.result("todos", "addTodo", "Salt")
    world.pump()
    assert kinds(world.frames()) == [*BEGUN, StreamDataEnvelope]
    world.states.delete("todos")
    world.pump()
    assert kinds(world.frames()) == [StreamEndEnvelope]


@pytest.mark.parametrize("times", [1, 2])
def test_a_stream_of_an_absent_actor_outlives_the_deletion_before_it(
    world: World, deletion: Records, times: int
) -> None:
    """It began with what a fresh actor holds: the deletion is no news, whether it comes late or again."""
    world.watch("todos")
    for _ in range(times):
        assert world.processor.handle({"Records": deletion}) == {"batchItemFailures": []}
    world.result("todos", "addTodo", "Bread")
    world.pump()
    frames = world.frames()
    assert kinds(frames) == [*BEGUN, StreamDataEnvelope]
    assert [frame.sequence_number for frame in frames if isinstance(frame, StreamDataEnvelope)] == [1, 2]


def test_a_resume_after_a_deletion_outlives_it(world: World, deletion: Records) -> None:
    """It was told that its values begin anew."""
    world.result("todos", "addTodo", "Bread")
    world.pump()
    stream_id = world.watch("todos")
    world.states.delete("todos")
    deletion += world.records()
    world.send(resume(stream_id, 1, "todos"), "c2")
    world.processor.handle({"Records": deletion})
    start, _ = frames = world.frames("c2")
    assert kinds(frames) == BEGUN
    assert isinstance(start, StreamStartEnvelope)
    assert start.recovered is False


def test_a_stream_that_is_given_back_ends_by_the_deletion_that_its_resume_was_told_of(world: World) -> None:
    """It was handled late, and did not end by it, having seen the actor absent; its reader knows of no deletion."""
    world.result("todos", "addTodo", "Bread")
    world.pump()
    stream_id = world.watch("todos", connection_id="c2")
    world.frames("c2")
    world.states.delete("todos")
    deletion = world.records()

    class Gone(Interrupted):
        def send(self, connection_id: str, text: str) -> None:
            if connection_id == "c1":
                world.processor.handle({"Records": deletion})
                raise ConnectionGoneError("closed")
            super().send(connection_id, text)

    world.use(sender=Gone())
    assert world.send(resume(stream_id, 1, "todos"), "c1") == {"statusCode": 410}
    reminders = [write_reminder(reminder) for reminder, _ in world.catch_ups.sent]
    world.gateway.catch_up({"Records": [{"messageId": str(i), "body": body} for i, body in enumerate(reminders)]})
    assert kinds(world.frames("c2")) == [StreamEndEnvelope]
    assert world.subscriptions.attached == {}


def test_an_observation_is_ended_by_a_deletion_that_comes_while_it_is_opened(world: World) -> None:
    """It was asked for before."""
    world.result("todos", "addTodo", "Bread")
    world.pump()
    sender = world.sender
    assert isinstance(sender, Interrupted)

    def delete() -> None:
        world.states.delete("todos")
        world.pump()

    sender.then = [delete]
    world.send(observe("todos"))
    assert kinds(world.frames()) == [*BEGUN, StreamEndEnvelope]


def test_an_observation_that_shows_what_was_written_since_outlives_a_deletion(world: World) -> None:
    """It was asked for before, but its first value is of after: that the deletion is heard of late ends nothing."""
    world.result("todos", "addTodo", "Bread")
    world.pump()
    caller = Caller("c1", world.clock.now_ms())
    task = Task(world.ports, dispatch({"todos": ActorType(TodoList)}, caller, encode(observe("todos"))))
    while not world.subscriptions.attached:
        task.step()
    world.states.delete("todos")
    deletion = world.records()
    world.result("todos", "addTodo", "Salt")
    while not task.done:
        task.step()
    world.processor.handle({"Records": [*deletion, *world.records()]})
    world.result("todos", "addTodo", "Tea")
    world.pump()
    assert kinds(world.frames()) == [*BEGUN, StreamDataEnvelope]


def test_a_stream_that_begins_while_a_deletion_is_worked_off_outlives_it(world: World) -> None:
    """Its first value was written after that. Its end would not come again, if it failed after it was told."""
    opening = begin_to_observe(world)
    world.states.delete("todos")
    ending = fan_out_begins(world)
    world.result("todos", "addTodo", "Salt")
    finish(opening)
    finish(ending)
    world.result("todos", "addTodo", "Tea")
    world.pump()
    assert kinds(world.frames()) == [*BEGUN, StreamDataEnvelope]


def test_a_resume_while_a_deletion_is_worked_off_outlives_it(world: World) -> None:
    """It has taken the place of the row that was found, and seen that the state is gone."""
    begin_to_observe(world)
    ((_, stream_id),) = world.subscriptions.attached
    world.states.delete("todos")
    ending = fan_out_begins(world)
    resuming = handled(world, resume(stream_id, 0, "todos"), "c2")
    while world.subscriptions.attached["todos", stream_id].connection_id != "c2":
        resuming.step()
    finish(ending)
    finish(resuming)
    assert kinds(world.frames("c2")) == BEGUN
    world.result("todos", "addTodo", "Tea")
    world.pump()
    assert kinds(world.frames("c2")) == [StreamDataEnvelope]


def begin_to_observe(world: World) -> Task:
    """A stream of an actor that is there, of which nothing has been read or sent yet."""
    world.result("todos", "addTodo", "Bread")
    world.pump()
    task = handled(world, observe("todos"), "c1")
    while not world.subscriptions.attached:
        task.step()
    return task


def fan_out_begins(world: World) -> Task:
    """What has happened goes out: it is known to whom."""
    changes = [change for change in map(read_change, world.records()) if change is not None]
    task = Task(world.ports, fan_out(changes))
    while not (task.effects and isinstance(task.effects[-1], QuerySubscribers)):
        task.step()
    return task


def handled(world: World, envelope: Envelope, connection_id: str) -> Task:
    """A frame, step by step."""
    caller = Caller(connection_id, world.clock.now_ms())
    return Task(world.ports, dispatch({"todos": ActorType(TodoList)}, caller, encode(envelope)))


def finish(task: Task) -> None:
    """All that is left of it."""
    while not task.done:
        task.step()
    assert task.error is None


def test_an_absence_is_of_the_version_that_was_deleted(world: World) -> None:
    """Not of one before it, which was written when the absence was first seen: that one had another value."""
    caller = Caller("c1", world.clock.now_ms())
    task = Task(world.ports, dispatch({"game": ActorType(GameRoom)}, caller, encode(observe("game"))))
    while not (world.subscriptions.attached and isinstance(task.effects[-1], LoadState)):
        task.step()
    write_state(world, "game", {"players": {}, "messages": [{"player": "ada", "text": "one"}]})
    task.step()
    assert isinstance(task.effects[-1], HighestVersion)
    write_state(world, "game", {"players": {}, "messages": [{"player": "ada", "text": "two"}]})
    world.states.delete("game")
    while not task.done:
        task.step()
    # Number 1 was the state before any version.
    assert world.values() == [(3, {"players": {}, "messages": []})]
