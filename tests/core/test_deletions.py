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
from trebuche.dispatch import dispatch
from trebuche.effects import HighestVersion, LoadState
from trebuche.envelopes import Envelope, StreamDataEnvelope, StreamEndEnvelope, StreamStartEnvelope, encode
from trebuche.errors import ConnectionGoneError
from trebuche.reminders import write_reminder
from trebuche.socket_events import Caller

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
