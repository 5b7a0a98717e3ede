"""Subscribers that fall behind: handed over by whoever could not post to them, brought up to date by a worker."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from actors.todo_list import TodoList
from tests.support.world import World, observe, write_document
from trebuche.adapters.memory import InMemoryCatchUpQueue, InMemoryConnectionSender
from trebuche.batches import BatchReply
from trebuche.envelopes import StreamDataEnvelope, StreamEndEnvelope, StreamErrorEnvelope, StreamStartEnvelope
from trebuche.errors import (
    ConfigError,
    ConnectionGoneError,
    DeliveryError,
    ServiceError,
    ThrottledError,
    TrebucheError,
    UnsureError,
)
from trebuche.handover import ABANDONED_SECONDS, LONGEST_SECONDS, SLOW_SECONDS
from trebuche.reminders import read_reminder, successor, write_reminder
from trebuche.stored import Phase, Reminder, Subscription

SLOW = ThrottledError("slow down")
HURRIED = 2
"""Posts of a fan-out, for which others wait."""
PATIENT = 4
"""Of anybody else."""


class Failing(InMemoryConnectionSender):
    """A sender that fails for some connections, as often as it was told to."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: dict[str, list[TrebucheError]] = {}
        self.after = 0
        """How many frames get through before the failures begin."""

    def send(self, connection_id: str, text: str) -> None:
        """Fail while there are failures left."""
        left = self.failures.get(connection_id)
        if left and not self.after:
            raise left.pop(0)
        self.after = max(0, self.after - 1)
        super().send(connection_id, text)


@pytest.fixture
def sender() -> Failing:
    """A sender that does not fail yet."""
    return Failing()


@pytest.fixture
def world(sender: Failing) -> World:
    """An actor with one subscriber, who has the first value."""
    world = World(TodoList)
    world.use(sender=sender)
    world.connect("c1")
    world.watch("todos")
    world.frames()
    world.catch_ups.sent.clear()
    return world


def row_of(world: World) -> Subscription:
    """The one row there is."""
    (row,) = world.subscriptions.attached.values()
    return row


def add(world: World, *titles: str) -> BatchReply:
    """Change the actor, once per title, and let the stream processor work it off."""
    for title in titles:
        world.result("todos", "addTodo", title)
    return world.pump()


def batch(*bodies: str) -> dict[str, list[dict[str, str]]]:
    """Messages as Lambda reads them from SQS; their ids count from 0."""
    return {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}


def work(world: World, *reminders: Reminder) -> BatchReply:
    """Let the worker read messages; by default those that were sent."""
    chosen = reminders or [reminder for reminder, _ in world.catch_ups.sent]
    return world.gateway.catch_up(batch(*map(write_reminder, chosen)))


def numbers(world: World) -> list[int]:
    """Numbers of the values that came."""
    return [number for number, _ in world.values()]


@pytest.mark.parametrize("error", [SLOW, UnsureError("no answer")])
def test_a_slow_subscriber_is_brought_up_to_date_by_a_worker(
    world: World, sender: Failing, error: TrebucheError
) -> None:
    """It holds back nobody, and gets every version once, without another change and without asking."""
    world.watch("todos", connection_id="c2")
    world.frames("c2")
    world.catch_ups.sent.clear()
    sender.failures["c1"] = [error] * HURRIED
    assert add(world, "Milk", "Bread") == {"batchItemFailures": []}
    assert [number for number, _ in world.values("c2")] == [2, 3]
    assert numbers(world) == []
    ((reminder, seconds),) = world.catch_ups.sent
    assert seconds == SLOW_SECONDS
    assert work(world) == {"batchItemFailures": []}
    assert numbers(world) == [2, 3]
    assert {row.phase for row in world.subscriptions.attached.values()} == {Phase.LIVE}
    add(world, "Salt")
    assert numbers(world) == [4]
    assert work(world, reminder) == {"batchItemFailures": []}
    assert numbers(world) == []


def test_a_missing_permission_is_nothing_for_a_worker(world: World, sender: Failing) -> None:
    """It fails the batch, so that somebody hears of it."""
    sender.failures["c1"] = [DeliveryError("forbidden")]
    assert len(add(world, "Milk")["batchItemFailures"]) == 1
    assert world.catch_ups.sent == []


def test_whoever_would_come_too_late_is_left_to_workers(world: World) -> None:
    """An audience too long for one invocation continues in theirs, and the batch succeeds."""
    world.connect("c2")
    world.watch("todos", connection_id="c2")
    world.frames("c2")
    world.catch_ups.sent.clear()
    world.result("todos", "addTodo", "Milk")
    assert world.processor.handle({"Records": world.records()}, time_left_ms=14_000) == {"batchItemFailures": []}
    assert (world.frames("c1"), world.frames("c2")) == ([], [])
    assert [seconds for _, seconds in world.catch_ups.sent] == [0, 0]
    work(world)
    assert (numbers(world), [number for number, _ in world.values("c2")]) == ([2], [2])


def test_a_worker_goes_on_where_a_slow_subscriber_stopped(world: World, sender: Failing) -> None:
    """What it took does not come again, and the pause grows with the time that it has been late."""
    sender.failures["c1"] = [SLOW] * HURRIED
    add(world, "Milk", "Bread", "Salt")
    world.clock.pause(30)
    sender.failures["c1"], sender.after = [SLOW] * PATIENT, 1
    assert work(world) == {"batchItemFailures": []}
    assert numbers(world) == [2]
    (first, _), (second, seconds) = world.catch_ups.sent
    assert 30 <= seconds <= LONGEST_SECONDS
    assert second.start == first.start
    work(world, second)
    assert numbers(world) == [3, 4]


def test_who_does_not_read_is_not_tried_more_often_the_longer_it_lasts(world: World, sender: Failing) -> None:
    """Each change may send a reminder beside the worker's own; only one of them puts the row off again."""
    for number in range(8):
        sender.failures["c1"] = [SLOW] * (PATIENT * 10)
        waiting = [reminder for reminder, _ in world.catch_ups.sent]
        world.catch_ups.sent.clear()
        for reminder in waiting:
            work(world, reminder)
        add(world, f"line {number}")
        assert len(world.catch_ups.sent) <= 2
    sender.failures.clear()
    for reminder, _ in tuple(world.catch_ups.sent):
        work(world, reminder)
    assert numbers(world) == [2, 3, 4, 5, 6, 7, 8, 9]


def test_a_first_value_that_cannot_be_posted_comes_later(world: World, sender: Failing) -> None:
    """The stream has begun; its call does not fail for it."""
    sender.failures["c1"], sender.after = [SLOW] * PATIENT, 1
    assert world.send(observe("todos", "observeTodos"))["statusCode"] == 200
    (start,) = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    work(world)
    assert numbers(world) == [1]


def test_a_message_counts_until_a_worker_has_finished(world: World, sender: Failing) -> None:
    """A worker that died has left the row under its own name; the same message finds it all the same."""
    sender.failures["c1"] = [SLOW] * HURRIED
    add(world, "Milk")
    row, ((reminder, _),) = row_of(world), world.catch_ups.sent
    assert world.subscriptions.go_opening(row, row.sent, successor(successor(row.opener)))
    work(world, reminder)
    assert numbers(world) == [2]


def test_a_message_about_somebody_elses_row_is_dropped(world: World, sender: Failing) -> None:
    """A resume has taken it over; gone or live it is nothing for a worker either."""
    sender.failures["c1"] = [SLOW] * HURRIED
    add(world, "Milk")
    row, ((reminder, _),) = row_of(world), world.catch_ups.sent
    assert world.subscriptions.open(replace(row, opener=uuid4()), row, now=0)
    assert work(world, reminder) == {"batchItemFailures": []}
    assert world.subscriptions.remove(row.actor_id, row.stream_id, row.connection_id)
    assert work(world, reminder) == {"batchItemFailures": []}
    assert world.frames() == []


def test_an_opening_row_has_a_reminder_before_it_is_told_of_a_change(world: World) -> None:
    """One, however many changes follow; when it cannot be sent the change comes again."""

    class Unreachable(InMemoryCatchUpQueue):
        def send(self, reminder: Reminder, *, delay_seconds: int) -> None:
            raise ServiceError(f"{reminder} in {delay_seconds} s")

    row = row_of(world)
    assert world.subscriptions.go_opening(row, row.sent, uuid4())
    reachable, world.catch_ups = world.catch_ups, Unreachable()
    world.use(sender=world.sender)
    assert len(add(world, "Milk")["batchItemFailures"]) == 1
    assert row_of(world).pending == 0
    world.catch_ups = reachable
    world.use(sender=world.sender)
    add(world, "Bread", "Salt")
    assert row_of(world).pending == 3
    assert [seconds for _, seconds in reachable.sent] == [ABANDONED_SECONDS]


def test_a_type_without_queue_does_not_hold_up_its_stream(world: World) -> None:
    """What no repetition mends is logged, and the batch goes on."""

    class Nowhere(InMemoryCatchUpQueue):
        def send(self, reminder: Reminder, *, delay_seconds: int) -> None:
            raise ConfigError(f"no queue for {reminder.actor_id} in {delay_seconds} s")

    row = row_of(world)
    assert world.subscriptions.go_opening(row, row.sent, uuid4())
    world.catch_ups = Nowhere()
    world.use(sender=world.sender)
    assert add(world, "Milk") == {"batchItemFailures": []}
    assert any('"no-worker"' in line for line in world.log.lines)


def test_a_deletion_reaches_a_slow_subscriber(world: World, sender: Failing) -> None:
    """Its stream ends when it can take a frame again."""
    sender.failures["c1"] = [SLOW] * HURRIED
    add(world, "Milk")
    world.states.delete("todos")
    world.pump()
    sender.failures["c1"] = [SLOW] * PATIENT
    work(world)
    assert world.frames() == []
    work(world)
    (end,) = world.frames()
    assert isinstance(end, StreamEndEnvelope)
    assert world.subscriptions.attached == {}


def test_a_worker_detaches_who_is_gone(world: World, sender: Failing) -> None:
    """A resume finds the stream."""
    sender.failures["c1"] = [SLOW] * HURRIED
    add(world, "Milk")
    sender.failures["c1"] = [ConnectionGoneError("closed")]
    assert work(world) == {"batchItemFailures": []}
    assert world.subscriptions.attached == {}
    assert len(world.subscriptions.detached) == 1


def test_a_worker_goes_by_the_time_of_its_message(world: World, sender: Failing) -> None:
    """A stream that it detaches can be resumed for a day from then on, also where the system's clock is behind."""
    sender.failures["c1"] = [SLOW] * HURRIED
    add(world, "Milk")
    ((reminder, _),) = world.catch_ups.sent
    sender.failures["c1"] = [ConnectionGoneError("closed")]
    later_ms = world.clock.now_ms() + 25 * 3_600_000
    event: dict[str, Any] = dict(batch(write_reminder(reminder)))
    event["Records"][0]["attributes"] = {"ApproximateFirstReceiveTimestamp": str(later_ms)}
    assert world.gateway.catch_up(event) == {"batchItemFailures": []}
    ((_, row),) = world.subscriptions.detached.items()
    assert row.ttl == later_ms // 1000 + 86_400


def test_a_worker_ends_what_no_repetition_mends(world: World, sender: Failing) -> None:
    """A state that cannot be read is told to its subscriber."""
    sender.failures["c1"] = [SLOW] * HURRIED
    add(world, "Milk")
    write_document(world, "todos", b"not JSON")
    assert work(world) == {"batchItemFailures": []}
    (error,) = [frame for frame in world.frames() if not isinstance(frame, StreamDataEnvelope)]
    assert isinstance(error, StreamErrorEnvelope)
    assert world.subscriptions.attached == {}


def test_only_messages_that_failed_come_again(world: World, sender: Failing) -> None:
    """One whose actor is not this function's, too; one that says nothing would fail for ever."""
    sender.failures["c1"] = [SLOW] * HURRIED
    add(world, "Milk")
    ((reminder, _),) = world.catch_ups.sent
    foreign = replace(reminder, actor_id="game")
    event = batch(write_reminder(foreign), "no JSON", "{}", write_reminder(reminder))
    assert world.gateway.catch_up(event) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert numbers(world) == [2]


def test_a_reminder_is_read_as_it_was_written() -> None:
    """Everything that it says."""
    reminder = Reminder("todos/é", UUID(int=1), UUID(int=2), 1_767_225_600_000)
    assert read_reminder(write_reminder(reminder)) == reminder
