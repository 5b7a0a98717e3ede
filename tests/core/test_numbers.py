"""Numbers of streams that begin anew, up to the last one that there is."""

from uuid import UUID

import pytest

from actors.todo_list import TodoList
from tests.support.steps import Task
from tests.support.world import World, resume
from trebuche.actor_types import ActorType
from trebuche.dispatch import dispatch
from trebuche.envelopes import Envelope, StreamDataEnvelope, StreamErrorEnvelope, StreamStartEnvelope, encode
from trebuche.reminders import write_reminder
from trebuche.scalars import UINT64_MAX
from trebuche.socket_events import Caller

STREAM = UUID("7D1E0F5C-0000-4000-8000-000000000001")


@pytest.fixture
def world() -> World:
    """An actor of one version."""
    world = World(TodoList)
    world.connect()
    world.result("todos", "addTodo", "Milk")
    world.pump()
    return world


def resumed(world: World, last: int) -> list[Envelope]:
    """What comes of a resume."""
    assert world.send(resume(STREAM, last, "todos")) == {"statusCode": 200}
    return world.frames()


@pytest.mark.parametrize(
    "claims", [(41, 0, 0), (41, 41), (0, UINT64_MAX - 1, 0, 41), (UINT64_MAX - 50, UINT64_MAX - 10, 7)]
)
def test_a_resume_beyond_all_numbers_is_a_snapshot_like_any_other(world: World, claims: tuple[int, ...]) -> None:
    """Whatever its client claims, and claimed before: one value above it, not recovered, and nothing left out."""
    for last in claims:
        start, value = resumed(world, last)
        assert isinstance(start, StreamStartEnvelope)
        assert isinstance(value, StreamDataEnvelope)
        assert (start.recovered, start.up_to) == (False, value.sequence_number)
        assert value.sequence_number > last
        assert value.skipped is None


def test_a_stream_at_the_last_number_ends_with_the_next_change(world: World) -> None:
    """There is none for it; numbers begin anew for who has fewer of them."""
    resumed(world, UINT64_MAX - 1)
    world.result("todos", "addTodo", "Bread")
    world.pump()
    [error] = world.frames()
    assert isinstance(error, StreamErrorEnvelope)
    assert (error.stream_id, error.retryable) == (STREAM, False)
    assert "no number" in error.error_message
    _, value = resumed(world, 0)
    assert isinstance(value, StreamDataEnvelope)
    assert value.sequence_number == 1


def test_a_stream_whose_numbers_are_over_begins_anew(world: World) -> None:
    """Its client has the last but one, and missed two versions: that is not an error but a snapshot."""
    resumed(world, UINT64_MAX - 1)
    world.disconnect()
    world.connect()
    for title in ("Bread", "Salt"):
        world.result("todos", "addTodo", title)
    start, value = resumed(world, UINT64_MAX - 1)
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert (start.recovered, value.sequence_number) == (False, UINT64_MAX)
    assert b"Salt" in value.data


def test_a_snapshot_that_repairs_a_gap_counts_nothing_as_left_out(world: World) -> None:
    """More were missed than are replayed: they are lost to their reader, which is not what ``skipped`` says."""
    stream_id = world.watch("todos")
    world.disconnect()
    world.connect()
    for number in range(101):
        world.result("todos", "addTodo", str(number))
    world.frames()
    world.send(resume(stream_id, 1, "todos"))
    start, value = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert (start.recovered, value.sequence_number, value.skipped) == (False, 102, None)


def test_a_worker_that_leaves_values_out_says_that_they_begin_anew(world: World) -> None:
    """The snapshot was posted before the catch-up died, which nobody knows: no gap may be left untold after it."""
    resumed(world, 7)
    routine = dispatch(
        {"todos": ActorType(TodoList)}, Caller("c1", world.clock.now_ms()), encode(resume(STREAM, 7, "todos"))
    )
    task = Task(world.ports, routine)
    while len(world.sender.sent.get("c1", ())) < 2:
        task.step()
    task.crash()
    _, first = world.frames()
    for title in ("Bread", "Salt", "Tea"):
        world.result("todos", "addTodo", title)
    ((reminder, _),) = world.catch_ups.sent[-1:]
    world.gateway.catch_up({"Records": [{"messageId": "0", "body": write_reminder(reminder)}]})
    start, value = world.frames()
    assert isinstance(first, StreamDataEnvelope)
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert value.sequence_number == first.sequence_number + 3
    assert (start.recovered, start.up_to) == (False, value.sequence_number)
