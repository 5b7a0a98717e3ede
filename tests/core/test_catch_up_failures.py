"""Catch-ups that die or fail: what the explorer found, each in its smallest form."""

from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import pytest

from actors.game_room import GameRoom
from tests.support.steps import Task, some_order
from tests.support.world import World, observe, resume, write_state
from trebuche.actor_types import ActorType
from trebuche.adapters.audience_cache import CachedAudiences
from trebuche.adapters.memory import InMemoryCatchUpQueue, InMemoryConnectionSender, InMemorySubscriptionStorage
from trebuche.changes import read_change
from trebuche.dispatch import dispatch
from trebuche.documents import loads
from trebuche.envelopes import (
    Envelope,
    FilterType,
    StreamDataEnvelope,
    StreamErrorEnvelope,
    StreamFilter,
    StreamStartEnvelope,
    encode,
)
from trebuche.errors import DeliveryError, ServiceError
from trebuche.handover import ABANDONED_SECONDS
from trebuche.socket_events import Caller
from trebuche.stored import Phase, Reminder, Subscription
from trebuche.streams import fan_out
from trebuche.worker import catch_up

TYPE = ActorType(GameRoom)
STREAM = UUID("7D1E0F5C-0000-4000-8000-000000000001")


class FailingFlip(InMemorySubscriptionStorage):
    """Cannot turn a row live the first time."""

    failed = False

    def flip_live(self, row: Subscription, version: int) -> Subscription | None:
        """Fail once."""
        if self.failed:
            return super().flip_live(row, version)
        self.failed = True
        raise ServiceError(f"row of {row.stream_id} cannot turn live at {version}")


class UnsureFlip(InMemorySubscriptionStorage):
    """Turns rows live and fails all the same."""

    def flip_live(self, row: Subscription, version: int) -> Subscription | None:
        """Do it, and lose the answer."""
        super().flip_live(row, version)
        raise ServiceError(f"nobody knows whether the row of {row.stream_id} is live")


class FailingSender(InMemoryConnectionSender):
    """Cannot post errors."""

    def send(self, connection_id: str, text: str) -> None:
        """Fail with those."""
        if "streamError" in text:
            raise DeliveryError(f"no answer from {connection_id}")
        super().send(connection_id, text)


def frame(world: World, envelope: Envelope) -> Task:
    """The actor's function working on a frame of ``c1``."""
    return Task(world.ports, dispatch({"game": TYPE}, Caller("c1", 1_767_225_000_000), encode(envelope)))


def finish(*tasks: Task) -> None:
    """Run tasks one after the other."""
    for task in tasks:
        some_order([task], Random(0))


def write(world: World, *numbers: int) -> None:
    """Write states that say which version they are."""
    for number in numbers:
        write_state(world, "game", {"players": {}, "messages": [{"player": "ada", "text": str(number)}]})


def deliver(world: World) -> None:
    """Let the stream processor work off what was written."""
    changes = [change for change in map(read_change, world.records()) if change is not None]
    finish(Task(world.ports, fan_out(changes)))


def said(found: StreamDataEnvelope) -> str:
    """The version that a value shows."""
    document: Any = loads(found.data)
    return str(document["messages"][0]["text"])


def values(frames: list[Envelope]) -> dict[int, str]:
    """Number and version of each value, each once."""
    return {one.sequence_number: said(one) for one in frames if isinstance(one, StreamDataEnvelope)}


def about(row: Subscription) -> Reminder:
    """A reminder of a row."""
    return Reminder(row.actor_id, row.stream_id, row.opener, start=1_767_225_600_000)


def until(task: Task, effect: str) -> None:
    """Step up to and with the first effect of a kind."""
    while not task.done and not (task.effects and type(task.effects[-1]).__name__ == effect):
        task.step()


@pytest.fixture
def world() -> World:
    """An actor of three versions, all of them delivered."""
    world = World(GameRoom)
    write(world, 1, 2, 3)
    world.records()
    return world


@pytest.mark.parametrize("steps", range(4, 9))
def test_a_worker_finishes_a_catch_up_that_died(world: World, steps: int) -> None:
    """What was pending comes, everything after it too, and the row is live."""
    opening = frame(world, observe("game"))
    for _ in range(steps):
        if not opening.done:
            opening.step()
    opening.crash()
    write(world, 4)
    deliver(world)
    (row,) = world.subscriptions.attached.values()
    if row.phase is Phase.OPENING:
        finish(Task(world.ports, catch_up(TYPE, about(row))))
    write(world, 5)
    deliver(world)
    (row,) = world.subscriptions.attached.values()
    assert row.phase is Phase.LIVE
    assert values(world.frames()) == {1: "3", 2: "4", 3: "5"}


@pytest.mark.parametrize(
    ("envelope", "steps"),
    [(observe("game"), 6), (observe("game"), 7), (resume(STREAM, 1, "game"), 9), (resume(STREAM, 1, "game"), 10)],
)
def test_a_stream_that_began_is_finished_though_nothing_changes(world: World, envelope: Envelope, steps: int) -> None:
    """The reminder was sent before the row was there: no client has to ask again, and no change has to come."""
    opening = frame(world, envelope)
    for _ in range(steps):
        opening.step()
    opening.crash()
    started, *frames = world.frames()
    assert isinstance(started, StreamStartEnvelope)
    ((reminder, seconds),) = world.catch_ups.sent
    assert seconds == ABANDONED_SECONDS
    finish(Task(world.ports, catch_up(TYPE, reminder)))
    assert list(values(frames + world.frames()).values()) == ["3"]
    assert [row.phase for row in world.subscriptions.attached.values()] == [Phase.LIVE]


@pytest.mark.parametrize("again", [False, True])
def test_a_first_value_is_new_to_its_reader_though_it_has_not_changed(world: World, again: bool) -> None:
    """Lost with its function it comes later, by a worker or on a resume; the journal's version before is no measure."""
    changed = StreamFilter(FilterType.PREDEFINED, "changed")
    opening = frame(world, observe("game", "observePlayers", only=changed))
    until(opening, "Post")
    opening.crash()
    (start,) = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    if again:
        finish(frame(world, resume(start.stream_id, 0, "game", "observePlayers")))
    else:
        reminder, _ = world.catch_ups.sent[-1]
        finish(Task(world.ports, catch_up(TYPE, reminder)))
    (value,) = (found for found in world.frames() if isinstance(found, StreamDataEnvelope))
    assert (value.sequence_number, value.data) == (1, b"{}")


def test_a_stream_begins_though_its_reminder_cannot_be_sent(world: World) -> None:
    """The queue is care for the rare case; without it streams open as ever, and the log says so."""

    class Unreachable(InMemoryCatchUpQueue):
        def send(self, reminder: Reminder, *, delay_seconds: int) -> None:
            raise ServiceError(f"{reminder} in {delay_seconds} s")

    task = Task(
        replace(world.ports, catch_ups=Unreachable()),
        dispatch({"game": TYPE}, Caller("c1", 1_767_225_000_000), encode(observe("game"))),
    )
    finish(task)
    assert values(world.frames()) == {1: "3"}
    assert any("no-reminder" in line for line in world.log.lines)


def test_a_catch_up_of_a_busy_actor_leaves_the_rest_to_a_worker_in_time(world: World) -> None:
    """Else it would go on until its function is killed, and its reader would wait for the reminder of that."""
    opening = frame(world, observe("game"))
    until(opening, "Post")
    opening.step()
    write(world, 4)
    deliver(world)
    world.clock.pause(25)
    finish(opening)
    assert opening.error is None
    assert values(world.frames()) == {1: "3"}
    reminder, _ = world.catch_ups.sent[-1]
    finish(Task(world.ports, catch_up(TYPE, reminder)))
    assert values(world.frames()) == {2: "4"}
    assert [row.phase for row in world.subscriptions.attached.values()] == [Phase.LIVE]


def moved_on(world: World) -> UUID:
    """A stream that was resumed on ``c2``, with ``c1``, on which it began, gone."""
    for connection_id in ("c1", "c2"):
        world.connect(connection_id)
    stream_id = world.watch("game")
    world.send(resume(stream_id, 1, "game"), "c2")
    world.frames("c2")
    world.sender.disconnect("c1")
    return stream_id


@pytest.mark.parametrize("reader_lives", [True, False])
def test_a_resume_without_a_connection_gives_the_stream_back(world: World, reader_lives: bool) -> None:
    """It was handled late, and looked like the later one: its reader is on the connection that had the stream."""
    stream_id = moved_on(world)
    assert world.send(resume(stream_id, 1, "game"), "c1") == {"statusCode": 410}
    write(world, 4)
    deliver(world)
    if not reader_lives:
        world.sender.disconnect("c2")
    for reminder, _ in world.catch_ups.sent:
        finish(Task(world.ports, catch_up(TYPE, reminder)))
    if reader_lives:
        assert values(world.frames("c2")) == {2: "4"}
        assert [row.phase for row in world.subscriptions.attached.values()] == [Phase.LIVE]
    else:
        assert world.subscriptions.attached == {}
        assert len(world.subscriptions.detached) == 1


def test_a_worker_sends_nothing_to_who_has_all_of_an_actor_that_was_never_called() -> None:
    """There is nothing to show it again, and nothing that could be counted as left out."""
    world = World(GameRoom)
    world.connect("c1")
    stream_id = world.watch("game")
    again = frame(world, resume(stream_id, 1, "game"))
    until(again, "Post")
    again.crash()
    world.frames()
    reminder, _ = world.catch_ups.sent[-1]
    finish(Task(world.ports, catch_up(TYPE, reminder)))
    assert world.frames() == []
    assert [row.phase for row in world.subscriptions.attached.values()] == [Phase.LIVE]


def test_a_stream_is_given_back_though_the_dead_connection_was_told_of(world: World) -> None:
    """Its $disconnect comes between the resume and the post that fails, and detaches the row."""
    stream_id = moved_on(world)
    late = frame(world, resume(stream_id, 1, "game"))
    until(late, "OpenSubscription")
    world.disconnect("c1")
    assert world.subscriptions.attached == {}
    finish(late)
    write(world, 4)
    deliver(world)
    for reminder, _ in world.catch_ups.sent:
        finish(Task(world.ports, catch_up(TYPE, reminder)))
    assert values(world.frames("c2")) == {2: "4"}
    assert world.subscriptions.detached == {}


def test_a_stream_that_is_given_back_is_missed_by_no_audience_that_was_kept(world: World) -> None:
    """While it was detached, another subscriber's audience was read and kept without it."""
    kept = CachedAudiences(world.subscriptions, least_rows=1)
    stream_id = moved_on(world)
    world.connect("c3")
    world.watch("game", connection_id="c3")
    late = frame(world, resume(stream_id, 1, "game"))
    until(late, "MarkAudience")
    world.disconnect("c1")
    now = world.clock.now_ms() // 1000
    for _ in range(2):
        assert len(kept.subscribers("game", now=now)) == 1
    finish(late)
    for reminder, _ in world.catch_ups.sent:
        finish(Task(world.ports, catch_up(TYPE, reminder)))
    write(world, 4)
    changes = [change for change in map(read_change, world.records()) if change is not None]
    finish(Task(replace(world.ports, subscriptions=kept), fan_out(changes)))
    assert values(world.frames("c2")) == {2: "4"}


def test_a_row_whose_write_was_not_answered_is_gone_on_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there. A resume that came late, and fails over it, would leave the stream where nobody reads."""
    stream_id = moved_on(world)
    write_row = world.subscriptions.open

    def unanswered(row: Subscription, replaces: Subscription | None, *, now: int) -> bool:
        monkeypatch.undo()
        assert write_row(row, replaces, now=now)
        raise ServiceError("no answer")

    monkeypatch.setattr(world.subscriptions, "open", unanswered)
    world.catch_ups.sent.clear()
    assert world.send(resume(stream_id, 1, "game"), "c1") == {"statusCode": 410}
    for reminder, _ in world.catch_ups.sent:
        finish(Task(world.ports, catch_up(TYPE, reminder)))
    write(world, 4)
    world.pump()
    assert values(world.frames("c2")) == {2: "4"}


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_worker_shows_nothing_of_what_was_deleted_before_the_stream_began(world: World, comes_back: bool) -> None:
    """The journal still has it, under the number of the default state that the stream begins with."""
    world.states.delete("game")
    deliver(world)
    opening = frame(world, observe("game"))
    until(opening, "Post")
    opening.crash()
    world.frames()
    if comes_back:
        write(world, 4)
    reminder, _ = world.catch_ups.sent[-1]
    finish(Task(world.ports, catch_up(TYPE, reminder)))
    (value,) = world.frames()
    assert isinstance(value, StreamDataEnvelope)
    shown: Any = loads(value.data)
    assert [message["text"] for message in shown["messages"]] == (["4"] if comes_back else [])


def test_a_worker_ends_a_stream_whose_actor_was_deleted(world: World) -> None:
    """The catch-up that should have said so has died."""
    opening = frame(world, observe("game"))
    until(opening, "OpenSubscription")
    opening.crash()
    world.states.delete("game")
    deliver(world)
    (row,) = world.subscriptions.attached.values()
    finish(Task(world.ports, catch_up(TYPE, about(row))))
    assert [type(one).__name__ for one in world.frames()] == ["StreamEndEnvelope"]
    assert world.subscriptions.attached == {}


def test_a_worker_leaves_a_row_alone_that_was_taken_over(world: World) -> None:
    """A resume came in between."""
    opening = frame(world, observe("game"))
    until(opening, "OpenSubscription")
    opening.crash()
    (row,) = world.subscriptions.attached.values()
    finish(frame(world, resume(row.stream_id, 0, "game")))
    world.frames()
    finish(Task(world.ports, catch_up(TYPE, about(row))))
    assert world.frames() == []


def test_what_a_lost_resume_left_out_is_not_told_as_recovered(world: World) -> None:
    """It numbered the stream anew and was lost: the next one must not take up its numbers with what the client has."""
    lost = frame(world, resume(STREAM, 1, "game"))
    until(lost, "OpenSubscription")
    lost.crash()
    write(world, 4)
    deliver(world)
    finish(frame(world, resume(STREAM, 1, "game")))
    start, value = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert (start.recovered, said(value)) == (False, "4")
    assert value.sequence_number == start.up_to


def test_numbers_of_two_resumes_cannot_be_mistaken_for_one_another(world: World) -> None:
    """The second one says what the first one said, because its client had not read the first one's values yet."""
    finish(frame(world, resume(STREAM, 1, "game")))
    first = values(world.frames())
    finish(frame(world, resume(STREAM, 1, "game")))
    write(world, 4)
    deliver(world)
    second = values(world.frames())
    assert list(first.values()) == ["3"]
    assert list(second.values()) == ["3", "4"]
    assert min(second) > max(first)


def test_one_stream_id_on_a_connection_shows_one_actor(world: World) -> None:
    """Resumed for a second actor, it leaves the first one; numbers go on to rise."""
    world.connect()
    finish(frame(world, resume(STREAM, 1, "game")))
    finish(frame(world, resume(STREAM, 2, "game/other")))
    write(world, 4)
    deliver(world)
    starts = [one for one in world.frames() if isinstance(one, StreamStartEnvelope)]
    assert [start.actor_id.id for start in starts] == ["game", "game/other"]
    assert [row.actor_id for row in world.subscriptions.attached.values()] == ["game/other"]


@pytest.mark.parametrize("envelope", [observe("game"), resume(STREAM, 1, "game")], ids=["subscribe", "resume"])
def test_a_failing_catch_up_says_so_before_it_detaches(world: World, envelope: Envelope) -> None:
    """Its answer may be lost; a client that was told nothing would go on to believe in its stream."""
    subscriptions = FailingFlip()
    ports = replace(world.ports, subscriptions=subscriptions)
    task = Task(ports, dispatch({"game": TYPE}, Caller("c1", 1_767_225_000_000), encode(envelope)))
    until(task, "FlipLive")
    assert [row.phase for row in subscriptions.attached.values()] == [Phase.OPENING]
    task.step()
    assert isinstance(world.frames()[-1], StreamErrorEnvelope)
    assert [row.phase for row in subscriptions.attached.values()] == [Phase.OPENING]
    finish(task)
    assert subscriptions.attached == {}
    assert len(subscriptions.detached) == 1


def test_nothing_comes_after_the_error_of_a_failing_catch_up(world: World) -> None:
    """Its row turned live before it failed, as somebody found who keeps the audience, and its connection lives."""
    subscriptions = UnsureFlip()
    kept = CachedAudiences(subscriptions, least_rows=1)
    ports = replace(world.ports, subscriptions=subscriptions)
    opening = Task(ports, dispatch({"game": TYPE}, Caller("c1", 1_767_225_000_000), encode(observe("game"))))
    until(opening, "FlipLive")
    now = world.clock.now_ms() // 1000
    for _ in range(2):
        assert [row.phase for row in kept.subscribers("game", now=now)] == [Phase.LIVE]
    finish(opening)
    assert isinstance(world.frames()[-1], StreamErrorEnvelope)
    write(world, 4)
    changes = [change for change in map(read_change, world.records()) if change is not None]
    finish(Task(replace(world.ports, subscriptions=kept), fan_out(changes)))
    assert world.frames() == []


def test_a_failing_catch_up_that_cannot_say_so_leaves_its_row(world: World) -> None:
    """A worker goes on with it, so nobody may say that it is over."""
    subscriptions = FailingFlip()
    world.use(sender=FailingSender())
    ports = replace(world.ports, subscriptions=subscriptions)
    task = Task(ports, dispatch({"game": TYPE}, Caller("c1", 1_767_225_000_000), encode(observe("game"))))
    finish(task)
    assert task.result.reply == {"statusCode": 200}
    assert task.result.fields["code"] == "unavailable"
    assert [type(frame) for frame in world.frames()] == [StreamStartEnvelope, StreamDataEnvelope]
    assert [row.phase for row in subscriptions.attached.values()] == [Phase.OPENING]
    reminder, _ = world.catch_ups.sent[-1]
    finish(Task(ports, catch_up(TYPE, reminder)))
    assert values(world.frames()) == {1: "3"}
    assert [row.phase for row in subscriptions.attached.values()] == [Phase.LIVE]
