"""Changes of the state table on their way to subscribers: in order, whoever else is dead or slow."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.support.world import World, message, observe, resume, write_document, write_state
from trebuche.adapters.memory import InMemoryConnectionSender, InMemorySubscriptionStorage
from trebuche.changes import Change
from trebuche.delivery import PAUSE_SECONDS
from trebuche.documents import loads
from trebuche.envelopes import (
    Envelope,
    FilterType,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamFilter,
    StreamStartEnvelope,
    decode,
)
from trebuche.errors import (
    ConnectionGoneError,
    DeliveryError,
    ServiceError,
    ThrottledError,
    TrebucheError,
    UnsureError,
)
from trebuche.stored import Phase, Subscription
from trebuche.stream_adapter import DynamoDBStreamAdapter


class Failing(InMemoryConnectionSender):
    """A sender that fails for some connections, a number of times each."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: dict[str, list[TrebucheError]] = {}

    def send(self, connection_id: str, text: str) -> None:
        """Fail while there are failures left."""
        if left := self.failures.get(connection_id):
            raise left.pop(0)
        super().send(connection_id, text)


@pytest.fixture
def sender() -> Failing:
    """A sender that does not fail yet."""
    return Failing()


@pytest.fixture
def world(sender: Failing) -> World:
    """A world with both actors, two connections and that sender."""
    world = World(TodoList, GameRoom)
    world.use(sender=sender)
    world.connect("c1")
    world.connect("c2")
    return world


def numbers(world: World, connection_id: str = "c1") -> list[int]:
    """Numbers of the values that the connection got."""
    return [number for number, _ in world.values(connection_id)]


def only(frames: list[Envelope]) -> Envelope:
    """The one frame there is."""
    (frame,) = frames
    return frame


def test_every_subscriber_gets_every_change(world: World) -> None:
    """Two on one connection, one on another; each with its own numbers from 1."""
    world.watch("todos")
    world.result("todos", "addTodo", "Milk")
    world.pump()
    late = world.watch("todos", "observeTodos")
    world.watch("todos", connection_id="c2")
    world.frames("c2")
    first = world.frames()
    for title in ("Bread", "Salt"):
        world.result("todos", "addTodo", title)
    assert world.pump() == {"batchItemFailures": []}
    assert numbers(world, "c2") == [2, 3]
    frames = [frame for frame in world.frames() if isinstance(frame, StreamDataEnvelope)]
    assert [frame.sequence_number for frame in frames if frame.stream_id == late] == [2, 3]
    assert [frame.sequence_number for frame in frames if frame.stream_id != late] == [3, 4]
    assert len(first) == 5


def test_one_change_can_be_delivered_by_hand(world: World) -> None:
    """The page's own call: it says whether the change has to be delivered again."""
    world.watch("todos")
    world.frames()
    change = Change("1" * 21, "todos", 1, b'{"todos":[]}', None)
    assert world.processor.handle_state_change(change)
    assert numbers(world) == [2]


def test_a_property_is_cut_out_of_the_state(world: World) -> None:
    """Each subscriber gets what it asked for, of the same change."""
    world.watch("todos", "observeTodos")
    world.frames()
    world.result("todos", "addTodo", "Milk")
    world.pump()
    ((_, value),) = world.values()
    assert [todo["title"] for todo in value] == ["Milk"]


def test_actors_are_kept_apart(world: World) -> None:
    """A watcher of ``todos/a`` hears nothing of ``todos``."""
    world.watch("todos/a")
    world.frames()
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert world.frames() == []


def test_a_batch_that_comes_again_repeats_its_numbers(world: World) -> None:
    """So that clients drop what they have."""
    world.watch("todos")
    world.frames()
    world.result("todos", "addTodo", "Milk")
    records = world.records()
    for _ in range(2):
        world.processor.handle({"Records": records})
    assert numbers(world) == [2, 2]


def test_what_the_snapshot_held_is_not_posted_again(world: World) -> None:
    """A record that was written before the subscription and comes after it."""
    world.result("todos", "addTodo", "Milk")
    records = world.records()
    world.watch("todos")
    world.frames()
    world.processor.handle({"Records": records})
    assert world.frames() == []


def test_a_filtered_change_is_not_posted(world: World) -> None:
    """``changed`` compares with the version before; numbers are left out with it."""
    changed = StreamFilter(FilterType.PREDEFINED, "changed")
    world.result("game", "join", "bob")
    world.pump()
    world.send(observe("game", "observeMessages", only=changed))
    (start, first) = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert start.filter == changed
    assert isinstance(first, StreamDataEnvelope)
    world.result("game", "join", "ada")
    world.result("game", "say", "ada", "hello")
    world.pump()
    assert [number for number, _ in world.values()] == [3]


def test_a_first_value_is_filtered_like_any_other(world: World) -> None:
    """An empty list waits for its first element."""
    world.send(observe("todos", "observeTodos", only=StreamFilter(FilterType.PREDEFINED, "nonEmpty")))
    assert isinstance(only(world.frames()), StreamStartEnvelope)
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert numbers(world) == [2]


def test_a_dead_connection_does_not_hold_back_others(world: World) -> None:
    """Its row is detached, its connection forgotten, and the batch succeeds."""
    dead = world.watch("todos")
    world.watch("todos", connection_id="c2")
    world.frames("c2")
    world.sender.disconnect("c1")
    world.result("todos", "addTodo", "Milk")
    assert world.pump() == {"batchItemFailures": []}
    assert numbers(world, "c2") == [2]
    assert world.subscriptions.detached[dead, None].phase is Phase.DETACHED
    assert "c1" not in world.connections.connections


def test_all_streams_of_a_dead_connection_are_detached(world: World) -> None:
    """Also those of actors that did not change."""
    for actor in ("todos", "game"):
        world.watch(actor)
    world.sender.disconnect("c1")
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert world.subscriptions.attached == {}
    assert {row.actor_id for row in world.subscriptions.detached.values()} == {"todos", "game"}


def test_a_disconnect_detaches_and_a_resume_finds(world: World) -> None:
    """What was missed is replayed under the old numbers, and said to be complete."""
    stream_id = world.watch("todos")
    world.frames()
    world.disconnect()
    for title in ("Milk", "Bread"):
        world.result("todos", "addTodo", title)
    assert world.pump() == {"batchItemFailures": []}
    world.send(resume(stream_id, 1, "todos"), "c2")
    start, *values = world.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert (start.stream_id, start.recovered, start.up_to) == (stream_id, True, 3)
    assert [value.sequence_number for value in values if isinstance(value, StreamDataEnvelope)] == [2, 3]
    world.result("todos", "addTodo", "Salt")
    world.pump()
    assert numbers(world, "c2") == [4]


@pytest.mark.parametrize("failures", [1, 2])
def test_a_young_connection_is_not_taken_for_gone(world: World, sender: Failing, failures: int) -> None:
    """A 410 right after the connect may only mean that it is not open everywhere; others wait no longer for that."""
    world.watch("todos")
    world.frames()
    row = next(iter(world.subscriptions.attached.values()))
    world.subscriptions.attached[row.actor_id, row.stream_id] = replace(row, connected_at=world.clock.now_ms())
    sender.failures["c1"] = [ConnectionGoneError("not yet")] * failures
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert numbers(world) == ([2] if failures == 1 else [])
    (row,) = world.subscriptions.attached.values()
    assert row.phase is (Phase.LIVE if failures == 1 else Phase.OPENING)


def test_a_connection_is_young_also_where_clocks_differ(world: World, sender: Failing) -> None:
    """A gateway's clock is slow, a function's fast; a Swift client would never send its resume again."""
    sender.failures["c1"] = [ConnectionGoneError("not yet")] * 2
    youth_ms, slow_ms, fast_ms = 2_500, 2_000, 2_000
    event = message(resume(UUID(int=4), 1, "todos"))
    event["requestContext"]["connectedAt"] = world.clock.now_ms() - youth_ms - slow_ms - fast_ms
    world.handler.handle(event)
    assert [type(frame) for frame in world.frames()] == [StreamStartEnvelope, StreamDataEnvelope]


@pytest.mark.parametrize(
    ("failures", "longest_ms"),
    [
        ([ThrottledError("slow down")], PAUSE_SECONDS * 1_000),
        ([ThrottledError("slow down")] * 2, PAUSE_SECONDS * 1_000),
        ([UnsureError("status 500")] * 2, PAUSE_SECONDS * 1_000),
        ([UnsureError("no answer", timed_out=True)], 0),
    ],
    ids=["once", "throttled", "failing", "timed out"],
)
def test_who_does_not_read_keeps_nobody_waiting(
    world: World, sender: Failing, failures: list[TrebucheError], longest_ms: int
) -> None:
    """One short pause at most, none after a post that took its time already; then it is a worker's."""
    world.watch("todos")
    world.frames()
    world.catch_ups.sent.clear()
    tries = len(failures)
    sender.failures["c1"] = failures
    before = world.clock.now_ms()
    world.result("todos", "addTodo", "Milk")
    assert world.pump() == {"batchItemFailures": []}
    assert world.clock.now_ms() - before <= longest_ms
    assert sender.failures["c1"] == []
    got = tries == 1 and longest_ms > 0
    assert numbers(world) == ([2] if got else [])
    assert len(world.catch_ups.sent) == (0 if got else 1)


def test_an_account_over_its_rate_leaves_nobody_to_workers_at_once(world: World, sender: Failing) -> None:
    """They would be refused as well: the post is tried again as long as anybody else's."""
    world.watch("todos")
    world.frames()
    world.catch_ups.sent.clear()
    sender.failures["c1"] = [ThrottledError("slow down"), *[ThrottledError("slow down", widespread=True)] * 2]
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert numbers(world) == [2]
    assert world.catch_ups.sent == []


def test_a_slow_subscriber_keeps_nobody_waiting_for_its_end(world: World, sender: Failing) -> None:
    """Of a deletion it hears by a worker."""
    world.watch("todos")
    world.result("todos", "addTodo", "Milk")
    world.pump()
    world.states.delete("todos")
    sender.failures["c1"] = [ThrottledError("slow down")] * 2
    before = world.clock.now_ms()
    assert world.pump() == {"batchItemFailures": []}
    assert world.clock.now_ms() - before <= PAUSE_SECONDS * 1_000
    assert [row.phase for row in world.subscriptions.attached.values()] == [Phase.ENDED]


def test_a_failing_service_has_the_batch_repeated_from_there(world: World, sender: Failing) -> None:
    """The first record that was not delivered is reported, others go on."""
    world.watch("todos")
    world.watch("game", connection_id="c2")
    world.frames()
    world.frames("c2")
    sender.failures["c1"] = [DeliveryError("forbidden")] * 1
    world.result("game", "join", "ada")
    world.result("todos", "addTodo", "Milk")
    world.result("todos", "addTodo", "Bread")
    records = world.records()
    ours = [r["dynamodb"]["SequenceNumber"] for r in records if r["dynamodb"]["Keys"]["actorId"]["S"] == "todos"]
    assert world.processor.handle({"Records": records}) == {"batchItemFailures": [{"itemIdentifier": ours[0]}]}
    assert numbers(world) == []
    assert numbers(world, "c2") == [2]
    assert world.processor.handle({"Records": records}) == {"batchItemFailures": []}
    assert numbers(world) == [2, 3]


def test_an_audience_that_cannot_be_read_has_the_batch_repeated(world: World) -> None:
    """Nobody is taken for nobody there."""

    class Unreadable(InMemorySubscriptionStorage):
        def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
            raise ServiceError(f"{actor_id} at {now}")

    processor = DynamoDBStreamAdapter(replace(world.ports, subscriptions=Unreadable()))
    world.result("todos", "addTodo", "Milk")
    (record,) = world.records()
    failed = processor.handle({"Records": [record]})["batchItemFailures"]
    assert failed == [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]


def test_a_deleted_actor_ends_its_streams(world: World) -> None:
    """With the reason; nothing comes after it, also when the actor is made again."""
    stream_id = world.watch("todos")
    world.result("todos", "addTodo", "Milk")
    world.pump()
    world.frames()
    world.states.delete("todos")
    world.pump()
    assert world.frames() == [StreamEndEnvelope(stream_id, StreamEndReason.ACTOR_TERMINATED)]
    world.result("todos", "addTodo", "Bread")
    world.pump()
    assert world.frames() == []


def test_a_stream_of_a_deleted_actor_resumes_with_a_snapshot(world: World) -> None:
    """The default state, numbered above what the client has; truly told as not recovered."""
    stream_id = world.watch("todos")
    world.result("todos", "addTodo", "Milk")
    world.pump()
    world.disconnect()
    world.states.delete("todos")
    world.pump()
    world.send(resume(stream_id, 2, "todos"), "c2")
    start, value = world.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert value.sequence_number > 2
    assert (start.recovered, value.data) == (False, b'{"todos":[]}')


def test_a_stream_of_an_actor_that_came_back_resumes_with_a_snapshot(world: World) -> None:
    """Its journal has every version, but not that the state was deleted in between: nobody may say "recovered"."""
    stream_id = world.watch("todos")
    world.result("todos", "addTodo", "Milk")
    world.pump()
    world.disconnect()
    world.states.delete("todos")
    world.pump()
    world.result("todos", "addTodo", "Bread")
    world.pump()
    world.send(resume(stream_id, 2, "todos"), "c2")
    start, value = world.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert (start.recovered, start.up_to) == (False, value.sequence_number)
    assert value.sequence_number > 2
    assert b'"title":"Bread"' in value.data
    assert b"Milk" not in value.data


def test_the_first_version_of_an_actor_is_no_return(world: World) -> None:
    """Who watched an actor before its first call missed nothing but that."""
    stream_id = world.watch("todos")
    world.disconnect()
    world.result("todos", "addTodo", "Milk")
    world.send(resume(stream_id, 1, "todos"), "c2")
    start = world.frames("c2")[0]
    assert isinstance(start, StreamStartEnvelope)
    assert start.recovered is True


def test_a_forgotten_connection_can_still_unsubscribe(world: World) -> None:
    """A 410 that was not true has taken it off the list; a frame that it takes shows that it lives."""
    world.connections.unregister("c1")
    stream_id = world.watch("todos")
    assert world.send(StreamEndEnvelope(stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED)) == {"statusCode": 200}
    assert world.subscriptions.attached == {}


def test_expired_versions_give_one_snapshot(world: World) -> None:
    """After more than the journal's day: one value with a higher number, truly told: what is lost was not skipped."""
    stream_id = world.watch("todos")
    for title in ("Milk", "Bread"):
        world.result("todos", "addTodo", title)
    world.pump()
    world.clock.pause(23 * 3600)
    world.disconnect()
    world.result("todos", "addTodo", "Salt")
    world.pump()
    world.clock.pause(2 * 3600)
    world.send(resume(stream_id, 2, "todos"), "c2")
    start, value = world.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert (start.recovered, value.sequence_number, value.skipped) == (False, 4, None)


def test_an_unknown_stream_starts_above_what_the_client_has(world: World) -> None:
    """Swift resumes under ids of its own, having counted the values that it got."""
    world.result("todos", "addTodo", "Milk")
    world.pump()
    world.send(resume(UUID(int=99), 41, "todos"))
    start, value = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(value, StreamDataEnvelope)
    assert (start.stream_id, start.recovered, value.sequence_number) == (UUID(int=99), False, 42)
    world.result("todos", "addTodo", "Bread")
    world.pump()
    assert numbers(world) == [43]


def test_a_resume_without_anything_missed_sends_nothing_more(world: World) -> None:
    """``streamStart`` says that it is complete; again and again."""
    stream_id = world.watch("todos")
    world.frames()
    for _ in range(2):
        world.send(resume(stream_id, 1, "todos"), "c2")
        start = only(world.frames("c2"))
        assert isinstance(start, StreamStartEnvelope)
        assert start.recovered is True
    assert len(world.subscriptions.attached) == 1


def test_a_client_that_claims_more_than_there_is_gets_a_snapshot(world: World) -> None:
    """Numbered above its claim, and counted on from there."""
    stream_id = world.watch("todos")
    world.frames()
    world.send(resume(stream_id, 500, "todos"), "c2")
    assert numbers(world, "c2") == [501]
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert numbers(world, "c2") == [502]


def test_a_stream_has_no_number_after_the_last(world: World) -> None:
    """Nothing that a 64-bit number cannot say is ever sent."""
    largest = 2**64 - 1
    for last, expected in ((largest - 1, StreamStartEnvelope), (largest, StreamErrorEnvelope)):
        reply = world.send(resume(UUID(int=5), last, "todos/x"))
        frames = world.frames() + ([decode(reply["body"])] if "body" in reply else [])
        assert isinstance(frames[0], expected)


def test_another_principal_does_not_get_the_stream() -> None:
    """Whose stream it is decides, not who knows its id."""
    world = World(TodoList)
    world.connect("c1", principal="ada")
    world.connect("c2", principal="bob")
    world.send(observe("todos"), "c1", principal="ada")
    start = world.frames("c1")[0]
    assert isinstance(start, StreamStartEnvelope)
    error = decode(world.send(resume(start.stream_id, 1, "todos"), "c2", principal="bob")["body"])
    assert isinstance(error, StreamErrorEnvelope)
    assert "not found" in error.error_message
    world.send(resume(start.stream_id, 1, "todos"), "c3", principal="ada")
    assert isinstance(only(world.frames("c3")), StreamStartEnvelope)


def test_a_made_up_stream_id_takes_nothing_from_its_owner() -> None:
    """Somebody else opens a stream under the same id, on another actor, and loses it later: both can resume."""
    world = World(TodoList)
    for connection_id, principal in (("c1", "ada"), ("c2", "bob")):
        world.connect(connection_id, principal=principal)
    world.send(observe("todos"), "c1", principal="ada")
    start = world.frames("c1")[0]
    assert isinstance(start, StreamStartEnvelope)
    world.send(resume(start.stream_id, 5, "todos/other"), "c2", principal="bob")
    world.disconnect("c1")
    world.disconnect("c2")
    world.send(resume(start.stream_id, 1, "todos"), "c3", principal="ada")
    again = only(world.frames("c3"))
    assert isinstance(again, StreamStartEnvelope)
    assert again.recovered is True


def test_a_state_written_past_the_runtime_reaches_watchers(world: World) -> None:
    """A conditional write with the next version is all it takes, without a journal entry."""
    world.watch("todos")
    world.frames()
    write_state(world, "todos", {"todos": []})
    world.pump()
    assert numbers(world) == [2]


def test_a_state_too_large_for_a_frame_ends_the_stream(world: World) -> None:
    """Written past the runtime, which would have refused it."""
    stream_id = world.watch("todos")
    world.frames()
    write_state(world, "todos", {"todos": [{"id": "1", "title": "x" * 120_000}]})
    assert world.pump() == {"batchItemFailures": []}
    error = only(world.frames())
    assert isinstance(error, StreamErrorEnvelope)
    assert (error.stream_id, error.code) == (stream_id, "state-too-large")
    assert world.subscriptions.attached == {}


@pytest.mark.parametrize("spoil", ["SequenceNumber", "Keys", "NewImage"])
def test_a_record_that_says_nothing_is_passed_over(world: World, spoil: str) -> None:
    """It never blocks the shard."""
    world.result("todos", "addTodo", "Milk")
    (record,) = world.records()
    del record["dynamodb"][spoil]
    assert world.processor.handle({"Records": [record]}) == {"batchItemFailures": []}


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": [{}]}, {"Records": [{"dynamodb": None}]}])
def test_a_batch_of_another_form_is_passed_over(world: World, event: dict[str, Any]) -> None:
    """And said so in one line."""
    assert world.processor.handle(event) == {"batchItemFailures": []}
    line = loads(world.log.lines[-1])
    assert isinstance(line, dict)
    assert line["event"] == "fan-out"


def test_a_state_that_is_none_ends_the_streams_of_its_actor_only(world: World) -> None:
    """Written past the runtime: those who watch it are told, and what others did in the same batch is delivered."""
    whole, part = world.watch("todos/broken"), world.watch("todos/broken", "observeTodos")
    world.watch("todos", connection_id="c2")
    world.frames("c1")
    world.frames("c2")
    write_document(world, "todos/broken", b'{"todos":')
    world.result("todos", "addTodo", "Milk")
    assert world.pump() == {"batchItemFailures": []}
    errors = [frame for frame in world.frames("c1") if isinstance(frame, StreamErrorEnvelope)]
    assert {(error.stream_id, error.code, error.retryable) for error in errors} == {
        (whole, "state", False),
        (part, "state", False),
    }
    assert all("the stored state cannot be read: not JSON" in error.error_message for error in errors)
    assert numbers(world, "c2") == [2]
    assert [row.actor_id for row in world.subscriptions.attached.values()] == ["todos"]
    assert any("state-undeliverable" in line and "todos/broken" in line for line in world.log.lines)


@pytest.mark.parametrize("document", [b"", b"\xff\xfe", b'{"todos":NaN}'])
def test_only_json_is_a_state(world: World, document: bytes) -> None:
    """No other text reaches a subscriber as a value."""
    world.watch("todos")
    world.frames()
    write_document(world, "todos", document)
    world.pump()
    error = only(world.frames())
    assert isinstance(error, StreamErrorEnvelope)
    assert error.code == "state"


def test_an_item_without_version_ends_the_stream(world: World) -> None:
    """An administrator's put_item that forgot it: whatever versions the subscriber has had, it is told."""
    stream_id = world.watch("todos")
    world.frames()
    world.result("todos", "addTodo", "Milk")
    (record,) = world.records()
    del record["dynamodb"]["NewImage"]["version"]
    assert world.processor.handle({"Records": [record]}) == {"batchItemFailures": []}
    error = only(world.frames())
    assert isinstance(error, StreamErrorEnvelope)
    assert (error.stream_id, error.code) == (stream_id, "state")


def test_a_mended_state_is_delivered(world: World) -> None:
    """The unreadable version before it is no reason to hold back the next one, whatever the filter compares."""
    write_document(world, "todos", b"?")
    world.records()
    write_document(world, "todos", b'{"todos":[]}')
    (record,) = world.records()
    record["dynamodb"]["OldImage"]["state"] = {"B": "Pw=="}
    world.send(observe("todos", only=StreamFilter(FilterType.PREDEFINED, "changed")))
    world.frames()
    record["dynamodb"]["NewImage"]["version"] = {"N": "3"}
    assert world.processor.handle({"Records": [record]}) == {"batchItemFailures": []}
    assert numbers(world) == [2]


def test_an_unreadable_state_cannot_be_watched(world: World) -> None:
    """The error has a name, and no stream is left behind."""
    write_document(world, "todos", b"?")
    error = decode(world.send(observe("todos"))["body"])
    assert isinstance(error, StreamErrorEnvelope)
    assert error.code == "state"
    assert world.subscriptions.attached == {}


def test_a_stream_that_is_out_of_numbers_ends(world: World) -> None:
    """A client may claim any last number; what comes after the highest one fails its stream and nobody else's batch."""
    stream_id = uuid4()
    world.send(resume(stream_id, 2**64 - 2, "todos"))
    assert numbers(world) == [2**64 - 1]
    world.watch("todos", connection_id="c2")
    world.frames("c2")
    world.result("todos", "addTodo", "Milk")
    assert world.pump() == {"batchItemFailures": []}
    error = only(world.frames())
    assert isinstance(error, StreamErrorEnvelope)
    assert error.stream_id == stream_id
    assert numbers(world, "c2") == [2]


def test_a_deletion_that_comes_again_does_not_end_a_later_stream(world: World) -> None:
    """The actor is back, and the stream began with what was written since."""
    world.result("todos", "addTodo", "Milk")
    world.pump()
    world.states.delete("todos")
    deletion = world.records()
    world.processor.handle({"Records": deletion})
    world.result("todos", "addTodo", "Bread")
    world.pump()
    world.watch("todos")
    world.frames()
    assert world.processor.handle({"Records": deletion}) == {"batchItemFailures": []}
    assert world.frames() == []
    world.result("todos", "addTodo", "Salt")
    world.pump()
    assert numbers(world) == [2]


class Unreadable(InMemorySubscriptionStorage):
    """Subscriptions of which one actor's hold a row that only newer code can read."""

    def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
        """Fail as the reader of an item does."""
        if actor_id == "todos":
            raise KeyError("member")
        return super().subscribers(actor_id, now=now)


def test_an_unreadable_subscription_holds_up_its_own_actor_only() -> None:
    """Others in its batch get their changes, and the batch comes again from its actor's first."""
    world = World(TodoList, GameRoom)
    world.subscriptions = Unreadable()
    world.use(sender=world.sender)
    world.connect()
    world.watch("game")
    world.frames()
    world.result("todos", "addTodo", "Milk")
    world.result("game", "join", "ann")
    game, todos = world.records()
    answer = world.processor.handle({"Records": [todos, game]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": todos["dynamodb"]["SequenceNumber"]}]}
    assert numbers(world) == [2]
