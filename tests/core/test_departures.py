"""Connections that have to go although nothing happens on them."""

from typing import Any
from uuid import UUID

import pytest

from actors.todo_list import TodoList
from tests.support.world import World, observe
from trebuche.adapters.memory import InMemoryConnectionSender, InMemoryDepartureQueue
from trebuche.auth.access import Access
from trebuche.departures import write_watch
from trebuche.envelopes import StreamErrorEnvelope, StreamStartEnvelope
from trebuche.errors import ServiceError
from trebuche.ports import ConnectionInfo


class Listened(InMemoryConnectionSender):
    """A sender that knows when something last happened on a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.active_ms = 0

    def get_connection_info(self, connection_id: str) -> ConnectionInfo:
        """When that was; nobody is there when the connection is closed."""
        super().get_connection_info(connection_id)
        return ConnectionInfo(connected_at=0, last_active_at=self.active_ms, source_ip="", user_agent="")


def until(world: World, seconds: int) -> dict[str, str]:
    """The authorizer's context of somebody whose right lasts so long."""
    return {"until": str(world.clock.now_ms() // 1000 + seconds)}


def look(world: World, *bodies: str, **attributes: str) -> list[str]:
    """Have messages come; which have to come again."""
    records = [{"messageId": str(number), "body": body, "attributes": attributes} for number, body in enumerate(bodies)]
    reply = world.handler.see_off({"Records": records})
    return [one["itemIdentifier"] for one in reply["batchItemFailures"]]


def come_due(world: World) -> None:
    """Let the only message that waits come when it is time."""
    [(connection_id, seconds)] = world.departures.sent
    world.departures.sent.clear()
    world.clock.pause(seconds)
    assert look(world, write_watch(connection_id)) == []


@pytest.fixture
def world() -> World:
    """Behind an authorizer."""
    return World(TodoList, access=Access(required=True))


def test_without_an_end_nobody_looks() -> None:
    """Connections cost no message where none has to go."""
    world = World(TodoList)
    world.connect()
    world.connect("c2", principal="alice")

    assert world.departures.sent == []


def test_at_the_end_of_its_right_a_silent_connection_is_told_and_closed(world: World) -> None:
    """Each of its streams; nothing else had to happen on it."""
    context = until(world, 60)
    world.connect(principal="alice", context=context)
    ids = set()
    for actor in ("todos/1", "todos/2"):
        world.send(observe(actor), principal="alice", context=context)
        ids |= {frame.stream_id for frame in world.frames() if isinstance(frame, StreamStartEnvelope)}
    assert world.departures.sent == [("c1", 60)]

    come_due(world)
    errors = world.frames()
    assert {frame.stream_id for frame in errors if isinstance(frame, StreamErrorEnvelope)} == ids
    assert {getattr(frame, "code", None) for frame in errors} == {"expired"}
    assert not world.sender.is_alive("c1")
    assert world.departures.sent == []


def test_a_right_that_lasts_longer_than_a_message_can_wait_is_looked_at_again(world: World) -> None:
    """SQS puts off for 15 minutes at the most; until the end nothing happens to the connection."""
    world.connect(principal="alice", context=until(world, 2_000))

    waits = []
    while world.sender.is_alive("c1"):
        waits.append(world.departures.sent[0][1])
        come_due(world)
    assert waits == [900, 900, 200]


def test_the_queues_clock_counts_where_it_is_ahead(world: World) -> None:
    """A message that was handed out at the end of a right must not be put off because this clock is behind."""
    world.connect(principal="alice", context=until(world, 60))
    received = str(world.clock.now_ms() + 60_000)

    assert look(world, write_watch("c1"), ApproximateFirstReceiveTimestamp=received) == []
    assert not world.sender.is_alive("c1")


def test_a_message_about_nobody_does_nothing(world: World) -> None:
    """Connections go by themselves, too; messages that come twice, or that nobody understands, harm nobody."""
    world.connect(principal="alice", context=until(world, 60))
    world.disconnect()
    world.departures.sent.clear()

    assert look(world, write_watch("c1"), write_watch("c1"), "{", "[]", '{"connectionId": 7}') == []
    assert world.departures.sent == []


def test_a_message_comes_again_when_the_next_one_cannot_be_sent() -> None:
    """Else nobody would look at the connection any more."""

    class Broken(InMemoryDepartureQueue):
        broken = False

        def watch(self, connection_id: str, *, delay_seconds: int) -> None:
            if self.broken:
                raise ServiceError("away")
            super().watch(connection_id, delay_seconds=delay_seconds)

    world = World(TodoList)
    world.departures = queue = Broken()
    world.use(sender=world.sender)
    world.connect(principal="alice", context=until(world, 60))
    queue.broken = True

    assert look(world, "{", write_watch("c1")) == ["1"]


def silent_for(seconds: int) -> tuple[World, Listened]:
    """A world whose connections may be silent for so long, with one connection that was heard just now."""
    world, sender = World(TodoList, idle_seconds=seconds), Listened()
    world.use(sender=sender)
    sender.active_ms = world.clock.now_ms()
    world.connect()
    return world, sender


def test_a_silent_connection_is_closed() -> None:
    """After the time that the configuration says, and its streams wait for a resume."""
    world, sender = silent_for(120)
    stream = world.watch("todos")
    assert isinstance(stream, UUID)

    come_due(world)
    assert not sender.is_alive("c1")


def test_a_connection_that_is_heard_stays() -> None:
    """It is looked at again when it may have been silent for long enough."""
    world, sender = silent_for(120)
    world.clock.pause(50)
    sender.active_ms = world.clock.now_ms()
    world.clock.pause(-50)

    come_due(world)
    assert sender.is_alive("c1")
    assert world.departures.sent == [("c1", 50)]
    come_due(world)
    assert not sender.is_alive("c1")


def test_a_row_of_a_connection_that_is_gone_is_forgotten() -> None:
    """Its disconnect never came."""
    world, sender = silent_for(120)
    sender.disconnect("c1")

    come_due(world)
    assert world.connections.load("c1") is None


def test_the_earlier_of_two_ends_counts() -> None:
    """A right that ends before the connection may be silent for too long."""
    world, _ = silent_for(120)
    world.departures.sent.clear()
    context: dict[str, Any] = until(world, 60)
    world.connect("c2", principal="alice", context=context)

    assert world.departures.sent == [("c2", 60)]
