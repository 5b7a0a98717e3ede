"""An actor is deleted and comes back before anybody has looked: who is told of an end, and who goes on."""

from uuid import UUID, uuid4

import pytest

from actors.todo_list import TodoList
from tests.core.test_deletions import BEGUN, Records, begin_to_observe, fan_out_begins, finish, handled, kinds
from tests.support.world import World, observe, resume
from trebuche.adapters.memory import InMemoryConnectionSender
from trebuche.batches import BatchReply
from trebuche.effects import LoadState, Post, ReadJournal
from trebuche.envelopes import Envelope, StreamDataEnvelope, StreamEndEnvelope, StreamStartEnvelope
from trebuche.errors import ServiceError, ThrottledError
from trebuche.reminders import write_reminder
from trebuche.stored import Reminder, Subscription


@pytest.fixture
def world() -> World:
    """An actor of one version, and two connections."""
    world = World(TodoList)
    for connection_id in ("c1", "c2"):
        world.connect(connection_id)
    world.result("todos", "addTodo", "Milk")
    world.pump()
    return world


@pytest.fixture
def stream_id(world: World) -> UUID:
    """A stream of it, which has its first value."""
    stream_id = world.watch("todos")
    assert kinds(world.frames()) == BEGUN
    return stream_id


def row_of(world: World) -> Subscription:
    """The one row there is."""
    (row,) = world.subscriptions.attached.values()
    return row


def fall_behind(world: World) -> Reminder:
    """The reader takes no frames for a while: a worker will be reminded of it."""
    row, opener = row_of(world), uuid4()
    assert world.subscriptions.go_opening(row, row.sent, opener)
    return Reminder(row.actor_id, row.stream_id, opener, world.clock.now_ms())


def come_back(world: World) -> Records:
    """The actor is deleted, and is there again; what the table's stream says of that."""
    world.states.delete("todos")
    records = world.records()
    world.result("todos", "addTodo", "Bread")
    return records + world.records()


def work(world: World, reminder: Reminder) -> BatchReply:
    """A worker does what it is reminded of."""
    return world.gateway.catch_up({"Records": [{"messageId": "1", "body": write_reminder(reminder)}]})


def later(world: World, records: Records, connection_id: str = "c1") -> list[type[Envelope]]:
    """What the reader gets of all that has happened, and of one change after that."""
    world.result("todos", "addTodo", "Tea")
    assert world.processor.handle({"Records": records + world.records()}) == {"batchItemFailures": []}
    return kinds(world.frames(connection_id))


def test_a_worker_that_finds_the_actor_back_ends_the_stream(world: World, stream_id: UUID) -> None:
    """The record of the deletion would find a reader that has values of after it, and pass it over."""
    reminder = fall_behind(world)
    records = come_back(world)
    assert work(world, reminder) == {"batchItemFailures": []}
    assert kinds(world.frames()) == [StreamEndEnvelope]
    assert later(world, records) == []
    assert ("todos", stream_id) not in world.subscriptions.attached


@pytest.mark.usefixtures("stream_id")
def test_an_end_that_a_worker_did_not_finish_stays_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing follows it before it is told again, whatever is posted meanwhile."""
    reminder = fall_behind(world)
    records = come_back(world)

    def fail(*_: object, **__: object) -> bool:
        raise ServiceError("no")

    with monkeypatch.context() as patched:
        patched.setattr(world.subscriptions, "remove", fail)
        assert work(world, reminder) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert later(world, records) == [StreamEndEnvelope]
    assert work(world, reminder) == {"batchItemFailures": []}
    assert kinds(world.frames()) == [StreamEndEnvelope]
    assert world.subscriptions.attached == {}


@pytest.mark.parametrize("refused", ["streamData", "stream"])
def test_a_worker_says_what_a_resume_after_a_deletion_could_not(world: World, stream_id: UUID, refused: str) -> None:
    """It does not end by it. Its reader is told that its values begin anew, whether or not it has been told already."""

    class Slow(InMemoryConnectionSender):
        """Takes some frames only."""

        def send(self, connection_id: str, text: str) -> None:
            if refused in text:
                raise ThrottledError("slow down")
            super().send(connection_id, text)

    records = come_back(world)
    world.use(sender=Slow())
    world.catch_ups.sent.clear()
    world.send(resume(stream_id, 1, "todos"), "c2")
    world.use(sender=InMemoryConnectionSender())
    for reminder, _ in world.catch_ups.sent:
        work(world, reminder)
    start, value = world.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert (start.recovered, start.up_to) == (False, value.sequence_number)
    assert later(world, records, "c2") == [StreamDataEnvelope]


def test_a_worker_ends_a_stream_whose_first_value_nobody_noted(world: World) -> None:
    """The function that posted it died right then: the reader has it, and would get one of after the deletion."""
    opening = begin_to_observe(world)
    while sum(isinstance(effect, Post) for effect in opening.effects) < len(BEGUN):
        opening.step()
    opening.crash()
    assert kinds(world.frames()) == BEGUN
    records = come_back(world)
    (reminder,) = (reminder for reminder, _ in world.catch_ups.sent)
    assert work(world, reminder) == {"batchItemFailures": []}
    assert kinds(world.frames()) == [StreamEndEnvelope]
    assert later(world, records) == []


def test_a_deletion_that_was_worked_off_before_the_row_was_there_ends_the_stream(world: World) -> None:
    """Its reader has asked before it, and would get the value of after it as the next one of before."""
    opening = begin_to_observe(world)
    while len(world.frames()) < 1:
        opening.step()
    opening.step()
    deletion, comeback = come_back(world)
    world.processor.handle({"Records": [comeback]})
    finish(opening)
    assert kinds(world.frames()) == [StreamDataEnvelope, StreamEndEnvelope]
    assert later(world, [deletion, comeback]) == []


def test_a_deletion_that_was_worked_off_before_a_resume_had_its_row_ends_it(world: World, stream_id: UUID) -> None:
    """The resume has seen the actor; what comes back would follow what was deleted without a word."""
    world.disconnect("c1")
    resuming = handled(world, resume(stream_id, 1, "todos"), "c2")
    while not (resuming.effects and isinstance(resuming.effects[-1], LoadState)):
        resuming.step()
    world.states.delete("todos")
    world.pump()
    finish(resuming)
    start, over = world.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert start.recovered is False
    assert isinstance(over, StreamEndEnvelope)
    assert later(world, [], "c2") == []


@pytest.mark.usefixtures("stream_id")
def test_a_worker_that_finds_the_actor_gone_ends_the_stream(world: World) -> None:
    """It shows no default in the place of a value that was deleted before its reader got it."""
    reminder = fall_behind(world)
    world.result("todos", "addTodo", "Bread")
    records = world.records()
    world.states.delete("todos")
    records += world.records()
    assert work(world, reminder) == {"batchItemFailures": []}
    assert kinds(world.frames()) == [StreamEndEnvelope]
    assert later(world, records) == []


def test_a_worker_begins_a_resume_whose_function_died(world: World) -> None:
    """Under an id that nobody knows: its numbers go on, its values do not, and somebody has to say so."""
    world.catch_ups.sent.clear()
    resuming = handled(world, resume(uuid4(), 5, "todos"), "c2")
    while not world.subscriptions.attached:
        resuming.step()
    resuming.crash()
    (reminder,) = (reminder for reminder, _ in world.catch_ups.sent)
    work(world, reminder)
    start, value = world.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert (start.recovered, start.up_to) == (False, value.sequence_number)
    assert value.sequence_number > 5


def test_a_second_deletion_while_a_stream_is_opened_ends_it(world: World) -> None:
    """What is pending is of before it, and the state by now of after; its own record would find it passed."""
    world.states.delete("todos")
    world.pump()
    opening = handled(world, observe("todos"), "c1")
    while sum(isinstance(effect, Post) for effect in opening.effects) < len(BEGUN):
        opening.step()
    world.result("todos", "addTodo", "Bread")
    world.pump()
    while not isinstance(opening.effects[-1], ReadJournal):
        opening.step()
    records = come_back(world)
    finish(opening)
    assert kinds(world.frames()) == [*BEGUN, StreamEndEnvelope]
    assert later(world, records) == []


def test_a_resume_that_came_after_the_fan_out_had_looked_goes_on(world: World, stream_id: UUID) -> None:
    """It is on the same connection, has seen the actor back, and would not end when the deletion comes again."""
    world.states.delete("todos")
    ending = fan_out_begins(world)
    world.result("todos", "addTodo", "Bread")
    world.send(resume(stream_id, 1, "todos"), "c1")
    finish(ending)
    assert kinds(world.frames()) == BEGUN
    assert later(world, []) == [StreamDataEnvelope]


def test_a_resume_of_a_late_reader_that_came_after_the_fan_out_had_looked_goes_on(
    world: World, stream_id: UUID
) -> None:
    """It was asked for after the deletion, and told that its values begin anew."""
    fall_behind(world)
    world.states.delete("todos")
    ending = fan_out_begins(world)
    world.result("todos", "addTodo", "Bread")
    world.send(resume(stream_id, 1, "todos"), "c2")
    finish(ending)
    assert kinds(world.frames("c2")) == BEGUN
    assert later(world, [], "c2") == [StreamDataEnvelope]
