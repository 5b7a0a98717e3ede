"""A stream that is over does not count for its connection any more, whoever has ended it."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from actors.todo_list import TodoList
from tests.support.world import World, observe, write_document
from trebuche.adapters.memory import InMemoryConnectionSender
from trebuche.auth.limits import Limits
from trebuche.envelopes import StreamEndEnvelope, StreamErrorEnvelope, StreamStartEnvelope
from trebuche.errors import ServiceError
from trebuche.reminders import write_reminder
from trebuche.stored import Reminder, Subscription

MOST = 2
ACTORS = [f"todos/{number}" for number in range(MOST)]


@pytest.fixture
def world() -> World:
    """A connection that has as many streams as it may, of actors with a state."""
    world = World(TodoList, limits=Limits(streams=MOST))
    world.connect()
    for actor in ACTORS:
        world.result(actor, "addTodo", "Milk")
        world.pump()
        world.watch(actor)
    world.frames()
    return world


def listed(world: World) -> set[UUID]:
    """What counts for the connection."""
    connection = world.connections.load("c1")
    assert connection is not None
    return set(connection.streams)


def attached(world: World) -> set[UUID]:
    """What it really gets."""
    return {stream_id for _, stream_id in world.subscriptions.attached}


def opens_as_many_again(world: World) -> bool:
    """Whether the connection gets as many streams as it had."""
    for number in range(MOST):
        world.send(observe(f"todos/again-{number}"))
    return sum(isinstance(frame, StreamStartEnvelope) for frame in world.frames()) == MOST


def test_streams_of_deleted_actors_make_room_for_others(world: World) -> None:
    """The stream processor ends them; nobody sends a ``streamEnd`` for what is over."""
    for actor in ACTORS:
        world.states.delete(actor)
    assert world.pump() == {"batchItemFailures": []}

    assert [type(frame) for frame in world.frames()] == [StreamEndEnvelope] * MOST
    assert listed(world) == attached(world) == set()
    assert opens_as_many_again(world)


def test_streams_that_a_worker_ends_make_room_for_others(world: World) -> None:
    """It found that their actors were deleted, or that what they hold cannot be read."""
    deleted, broken = [row_of(world, actor) for actor in ACTORS]
    assert world.subscriptions.go_opening(deleted, deleted.sent, deleted.opener)
    world.subscriptions.mark_ended(deleted)
    assert world.subscriptions.go_opening(broken, broken.sent, broken.opener)
    write_document(world, broken.actor_id, b"[]")
    for row in (deleted, broken):
        body = write_reminder(Reminder(row.actor_id, row.stream_id, row.opener, world.clock.now_ms()))
        assert world.gateway.catch_up({"Records": [{"messageId": "1", "body": body}]}) == {"batchItemFailures": []}

    assert [type(frame) for frame in world.frames()] == [StreamEndEnvelope, StreamErrorEnvelope]
    assert listed(world) == attached(world) == set()
    assert opens_as_many_again(world)


def test_streams_that_cannot_begin_make_room_for_others() -> None:
    """Their rows wait for a resume, which puts them back on the list."""

    class Unsent(InMemoryConnectionSender):
        """Posts only what tells of an error."""

        def send(self, connection_id: str, text: str) -> None:
            if "streamData" in text:
                raise ServiceError("no")
            super().send(connection_id, text)

    world = World(TodoList, limits=Limits(streams=MOST))
    world.connect()
    world.use(sender=Unsent())
    for actor in ACTORS:
        world.send(observe(actor))
    assert sum(isinstance(frame, StreamErrorEnvelope) for frame in world.frames()) == MOST
    assert listed(world) == attached(world) == set()
    world.use(sender=InMemoryConnectionSender())
    assert opens_as_many_again(world)


def test_an_end_that_was_told_ends_also_what_was_opened_anew_meanwhile(world: World) -> None:
    """Its reader takes nothing more of that stream, or is told so once more; and it would count for the connection."""

    class Meanwhile(InMemoryConnectionSender):
        """The end is on its way while the stream is opened again."""

        def send(self, connection_id: str, text: str) -> None:
            super().send(connection_id, text)
            if len(self.sent[connection_id]) == 1:
                row = row_of(world, ACTORS[0])
                assert world.subscriptions.open(replace(row, opener=uuid4()), row, now=0)

    world.use(sender=Meanwhile())
    world.states.delete(ACTORS[0])
    assert world.pump() == {"batchItemFailures": []}

    assert [type(frame) for frame in world.frames()] == [StreamEndEnvelope] * 2
    assert len(attached(world)) == MOST - 1
    assert listed(world) == attached(world)


def row_of(world: World, actor: str) -> Subscription:
    """The one row of an actor."""
    (row,) = (row for (its, _), row in world.subscriptions.attached.items() if its == actor)
    return row
