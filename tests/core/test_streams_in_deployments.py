"""Streams that are asked of older code when newer code has stored the state already."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.steps import Task
from tests.support.world import World, observe, resume
from trebuche import Actor, distributed
from trebuche.actor_types import ActorType
from trebuche.dispatch import dispatch
from trebuche.envelopes import StreamStartEnvelope, encode
from trebuche.reminders import write_reminder
from trebuche.socket_events import Caller
from trebuche.stored import Phase


@dataclass
class Lines:
    """The first shape."""

    lines: list[str] = field(default_factory=list)


class Notebook(Actor[Lines], exposed_as="notes"):
    """As it was first written."""

    @distributed
    def append(self, line: str) -> None:
        """Add a line."""
        self.state.lines.append(line)


@dataclass
class Texts:
    """The second one."""

    texts: list[str] = field(default_factory=list)


class Textbook(Actor[Texts], exposed_as="notes"):
    """As it is written now."""

    schema = 2

    @classmethod
    def migrate(cls, old: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        """Another word for it."""
        return {"texts": old["lines"]}

    @distributed
    def append(self, line: str) -> None:
        """Add a text."""
        self.state.texts.append(line)


@pytest.fixture
def newer() -> World:
    """The newer code."""
    world = World(Textbook)
    world.connect()
    return world


@pytest.fixture
def older(newer: World) -> World:
    """The older code on the same tables, queue and sockets."""
    world = World(Notebook)
    world.states, world.subscriptions, world.connections = newer.states, newer.subscriptions, newer.connections
    world.catch_ups = newer.catch_ups
    world.use(sender=newer.sender)
    return world


def work(world: World) -> None:
    """Let a worker read what was sent so far; none of it has to come again."""
    bodies = [write_reminder(reminder) for reminder, _ in world.catch_ups.sent]
    world.catch_ups.sent.clear()
    event = {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}
    assert world.gateway.catch_up(event) == {"batchItemFailures": []}


def test_an_observation_is_begun_by_older_code_and_finished_by_newer(older: World, newer: World) -> None:
    """Nobody is told of the deployment; a worker that is old as well leaves it to the next one."""
    newer.result("notes", "append", "one")
    assert older.send(observe("notes")) == {"statusCode": 200}
    (start,) = older.frames()
    assert isinstance(start, StreamStartEnvelope)
    work(older)
    assert older.frames() == []
    work(newer)
    assert newer.values() == [(1, {"texts": ["one"]})]
    newer.result("notes", "append", "two")
    newer.pump()
    assert newer.values() == [(2, {"texts": ["one", "two"]})]


@pytest.mark.parametrize(("missed", "recovered"), [(0, True), (2, True), (101, False)])
def test_a_resume_is_answered_by_older_code_and_finished_by_newer(
    older: World, newer: World, missed: int, recovered: bool
) -> None:
    """Whether all that was missed is there older code can tell, though it cannot show it."""
    newer.result("notes", "append", "0")
    stream_id = newer.watch("notes")
    newer.disconnect()
    for number in range(missed):
        newer.result("notes", "append", str(number))
    newer.frames()
    newer.connect("c2")
    assert older.send(resume(stream_id, 1, "notes"), "c2") == {"statusCode": 200}
    (start,) = older.frames("c2")
    assert isinstance(start, StreamStartEnvelope)
    assert (start.recovered, start.up_to) == (recovered, 1 + missed)
    work(older)
    work(newer)
    assert [number for number, _ in newer.values("c2")] == ([2, 3][:missed] if recovered else [102])
    assert [row.phase for row in newer.subscriptions.attached.values()] == [Phase.LIVE]


@pytest.mark.parametrize("asked_again", [False, True])
def test_a_stream_that_older_code_has_begun_outlives_its_function(
    older: World, newer: World, asked_again: bool
) -> None:
    """Wherever it dies after ``streamStart``: there is a row with a reminder, and a resume works as well."""
    newer.result("notes", "append", "one")
    routine = dispatch({"notes": ActorType(Notebook)}, Caller("c1", 1_767_225_000_000), encode(observe("notes")))
    task = Task(older.ports, routine)
    while not older.sender.sent.get("c1"):
        task.step()
    task.crash()
    (start,) = older.frames()
    assert isinstance(start, StreamStartEnvelope)
    if asked_again:
        newer.send(resume(start.stream_id, 0, "notes"))
    else:
        work(newer)
    assert newer.values() == [(1, {"texts": ["one"]})]
