"""Only the latest value per window, for who wants no more: fewer frames, the same last state, nothing out of order."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from actors.todo_list import TodoList
from tests.support.world import World, call, observe, resume, write_document, write_state
from trebuche.adapters.memory import InMemoryConnectionSender
from trebuche.documents import loads
from trebuche.envelopes import (
    FilterType,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamFilter,
    StreamStartEnvelope,
    decode,
)
from trebuche.errors import ServiceError, ThrottledError, TrebucheError
from trebuche.reminders import write_reminder

WINDOW_MS = 250


def latest(window: str | None = None) -> StreamFilter:
    """The filter with which a client asks for the latest value only."""
    return StreamFilter(FilterType.CUSTOM, "latest", {"window": window} if window is not None else None)


class Failing(InMemoryConnectionSender):
    """A sender that fails for some connections, a number of times each; None: not this time."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: dict[str, list[TrebucheError | None]] = {}

    def send(self, connection_id: str, text: str) -> None:
        """Fail while there are failures left."""
        if (left := self.failures.get(connection_id)) and (failure := left.pop(0)) is not None:
            raise failure
        super().send(connection_id, text)


@pytest.fixture
def sender() -> Failing:
    """A sender that does not fail yet."""
    return Failing()


@pytest.fixture
def world(sender: Failing) -> World:
    """A world whose actors deliver the latest value per window, with two connections."""
    world = World(TodoList, window_ms=WINDOW_MS)
    world.use(sender=sender)
    world.connect("c1")
    world.connect("c2")
    return world


def write(world: World, *titles: str) -> None:
    """A version per title."""
    for title in titles:
        write_state(world, "todos", {"todos": [{"id": title, "title": title, "completed": False}]})


def data(world: World, connection_id: str = "c1") -> list[tuple[int, int, str]]:
    """Number, how many were skipped before it, and title of each value that came."""
    found = []
    for frame in world.frames(connection_id):
        if isinstance(frame, StreamDataEnvelope):
            title = decode_title(frame.data)
            found.append((frame.sequence_number, frame.skipped or 0, title))
    return found


def decode_title(document: bytes) -> str:
    """The title of the first todo; empty when there is none."""
    state: Any = loads(document)
    return str(state["todos"][0]["title"]) if state["todos"] else ""


def test_changes_that_come_together_go_out_as_one(world: World) -> None:
    """The last of them, with the number of those left out; its stream says beforehand that it is so."""
    world.watch("todos")
    start, _ = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert start.delivery == "latest"
    write(world, "a", "b", "c")
    world.pump()
    write(world, "d")
    world.pump()
    assert data(world) == [(4, 2, "c"), (5, 0, "d")]


def test_whoever_asks_gets_the_latest_and_nobody_else(sender: Failing) -> None:
    """On an actor that delivers every value; the other subscriber gets all of them."""
    world = World(TodoList)
    world.use(sender=sender)
    world.connect("c1")
    world.connect("c2")
    world.send(observe("todos", only=latest("250")))
    world.watch("todos", connection_id="c2")
    world.frames("c1")
    world.frames("c2")
    write(world, "a", "b", "c")
    world.pump()
    assert data(world) == [(4, 2, "c")]
    assert data(world, "c2") == [(2, 0, "a"), (3, 0, "b"), (4, 0, "c")]


def test_replies_and_ends_are_never_left_out(world: World) -> None:
    """Each call is answered; a value before a deletion and one after it stand for themselves."""
    world.watch("todos")
    world.frames()
    answers = [world.ask(observe_call) for observe_call in (adding("a"), adding("b"))]
    assert all(isinstance(answer, ResponseEnvelope) and answer.error_message is None for answer in answers)
    records = world.records()
    world.states.delete("todos")
    records += world.records()
    world.processor.handle({"Records": records})
    frames = world.frames()
    assert [type(frame) for frame in frames] == [StreamDataEnvelope, StreamEndEnvelope]
    assert world.subscriptions.attached == {}


def adding(title: str) -> Any:
    """A call."""
    return call("todos", "addTodo", title)


@pytest.mark.parametrize(("windows", "held_ms"), [(("250",), 250), (("600", "400"), 400), (("60000",), 1_000)])
def test_the_next_changes_are_let_come_together(windows: tuple[str, ...], held_ms: int) -> None:
    """For the shortest window of its subscribers, a second at most, counted from when the batch came."""
    world = World(TodoList)
    for number, window in enumerate(windows):
        world.connect(f"c{number}")
        world.send(observe("todos", only=latest(window)), f"c{number}")
    write(world, "a")
    started = world.clock.now_ms()
    world.pump()
    assert world.clock.now_ms() - started == held_ms


def test_nobody_waits_who_wants_every_value(world: World) -> None:
    """One such subscriber, and the next batch is read at once; nor is there a wait without subscribers."""
    write(world, "a")
    started = world.clock.now_ms()
    world.pump()
    world.send(observe("todos", only=latest()))
    every = next(iter(world.subscriptions.attached.values()))
    other = replace(every, stream_id=uuid4(), delivery="every", connection_id="c2")
    world.subscriptions.attached["todos", other.stream_id] = other
    write(world, "b")
    world.pump()
    assert world.clock.now_ms() == started


def test_there_is_no_wait_when_the_function_ends_soon(world: World) -> None:
    """Nor when the batch comes again."""
    world.watch("todos")
    write(world, "a")
    started = world.clock.now_ms()
    world.processor.handle({"Records": world.records()}, time_left_ms=14_000)
    assert world.clock.now_ms() == started


def test_a_filter_counts_for_those_left_out_too(world: World) -> None:
    """The last one that passes goes out, when the last of all does not, and never an older one than was there."""
    world.send(observe("todos", "observeTodos", only=StreamFilter(FilterType.PREDEFINED, "nonEmpty")))
    world.frames()
    write(world, "a", "b")
    write_state(world, "todos", {"todos": []})
    world.pump()
    (frame,) = [one for one in world.frames() if isinstance(one, StreamDataEnvelope)]
    assert (frame.sequence_number, frame.skipped) == (3, 1)
    write_state(world, "todos", {"todos": []})
    world.pump()
    assert world.frames() == []


def test_what_changed_is_told_by_the_value_before_all_of_them(world: World) -> None:
    """There and back is no change."""
    write(world, "a")
    world.pump()
    world.send(observe("todos", only=StreamFilter(FilterType.PREDEFINED, "changed")))
    world.frames()
    write(world, "b", "a")
    world.pump()
    assert data(world) == []
    write(world, "b", "c")
    world.pump()
    assert data(world) == [(5, 1, "c")]


def test_a_slow_subscriber_gets_the_latest_from_its_worker(world: World, sender: Failing) -> None:
    """One value for all that it has missed."""
    world.watch("todos")
    world.frames()
    sender.failures["c1"] = [ThrottledError("slow")] * 4
    write(world, "a", "b")
    world.pump()
    write(world, "c")
    world.pump()
    assert data(world) == []
    reminder, _ = world.catch_ups.sent[-1]
    message = {"messageId": "m", "body": write_reminder(reminder)}
    assert world.gateway.catch_up({"Records": [message]}) == {"batchItemFailures": []}
    assert data(world) == [(4, 2, "c")]


def test_a_resume_brings_the_latest_value_and_says_what_was_left_out(world: World) -> None:
    """Nothing is missing, so it is no repair; the stream stays one of latest values."""
    stream_id = world.watch("todos")
    world.frames()
    world.disconnect()
    write(world, "a", "b", "c")
    world.pump()
    world.connect("c3")
    world.send(resume(stream_id, 1, "todos"), "c3")
    start, value = world.frames("c3")
    assert isinstance(start, StreamStartEnvelope)
    assert (start.recovered, start.delivery) == (True, "latest")
    assert isinstance(value, StreamDataEnvelope)
    assert (value.sequence_number, value.skipped) == (4, 2)
    write(world, "d", "e")
    world.pump()
    assert data(world, "c3") == [(6, 1, "e")]


def test_a_batch_that_fails_comes_again_from_the_first_change_left_out(world: World, sender: Failing) -> None:
    """Else the number of those left out would be wrong, and its reader would take that for a gap."""
    world.watch("todos")
    world.frames()
    sender.failures["c1"] = [ServiceError("broken")]
    write(world, "a", "b", "c")
    records = world.records()
    failed = world.processor.handle({"Records": records})["batchItemFailures"]
    assert [one["itemIdentifier"] for one in failed] == [records[0]["dynamodb"]["SequenceNumber"]]
    world.processor.handle({"Records": records})
    assert data(world) == [(4, 2, "c")]


def test_a_state_that_cannot_be_read_ends_the_stream(world: World) -> None:
    """As it does where every value is delivered."""
    world.watch("todos")
    world.frames()
    write(world, "a")
    write_document(world, "todos", b"{")
    world.pump()
    assert [type(frame).__name__ for frame in world.frames()] == ["StreamErrorEnvelope"]


@pytest.mark.parametrize("window", ["0", "60001", "fast", "-5", "1.5"])
def test_a_window_that_is_none_is_refused(world: World, window: str) -> None:
    """With what is allowed."""
    answer = decode(world.send(observe("todos", only=latest(window)))["body"])
    assert "milliseconds from 1 to 60000" in str(answer)
    assert world.subscriptions.attached == {}


def test_a_worker_tells_of_no_change_that_was_taken_back(world: World, sender: Failing) -> None:
    """There and back while a subscriber was slow is no change for it either."""
    write(world, "a")
    world.pump()
    world.send(observe("todos", only=StreamFilter(FilterType.PREDEFINED, "changed")))
    world.frames()
    sender.failures["c1"] = [ThrottledError("slow")] * 4
    write(world, "b")
    world.pump()
    write(world, "a")
    world.pump()
    reminder, _ = world.catch_ups.sent[-1]
    world.gateway.catch_up({"Records": [{"messageId": "m", "body": write_reminder(reminder)}]})
    assert data(world) == []


def test_what_changed_is_told_by_the_value_that_the_subscriber_has(world: World) -> None:
    """A subscriber that came in between was shown a value that is taken back: to it that is a change."""
    write(world, "a")
    world.pump()
    write(world, "b")
    world.send(observe("todos", only=StreamFilter(FilterType.PREDEFINED, "changed")))
    assert data(world) == [(1, 0, "b")]
    write(world, "a")
    world.pump()
    assert data(world) == [(2, 0, "a")]


def test_a_change_left_out_comes_again_when_another_stream_of_its_connection_fails(
    world: World, sender: Failing
) -> None:
    """The stream beside it gets every value, and fails at one in the middle: that is before the latest went out."""
    write(world, "a")
    world.pump()
    world.send(observe("todos", only=StreamFilter(FilterType.PREDEFINED, "changed")))
    row = next(iter(world.subscriptions.attached.values()))
    beside = replace(row, stream_id=uuid4(), delivery="every", filter=None)
    world.subscriptions.attached["todos", beside.stream_id] = beside
    world.frames()
    write(world, "b", "b")
    sender.failures["c1"] = [None, ServiceError("broken")]
    records = world.records()
    failed = world.processor.handle({"Records": records})["batchItemFailures"]
    again = [one["dynamodb"]["SequenceNumber"] for one in records].index(failed[0]["itemIdentifier"])
    world.processor.handle({"Records": records[again:]})
    own = [
        frame for frame in world.frames() if isinstance(frame, StreamDataEnvelope) and frame.stream_id == row.stream_id
    ]
    assert [decode_title(frame.data) for frame in own] == ["b"]
