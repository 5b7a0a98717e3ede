"""Subscribing and resuming while the actor changes: every order of every step, for small cases."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import pytest

from actors.game_room import GameRoom
from tests.support.steps import Happening, Task, every_order, some_order
from tests.support.world import World, message, observe, resume, write_state
from trebuche.actor_types import ActorType
from trebuche.changes import read_change
from trebuche.delivery import bury
from trebuche.dispatch import dispatch
from trebuche.documents import loads
from trebuche.effects import MarkAudience, Routine
from trebuche.envelopes import (
    Envelope,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamErrorEnvelope,
    StreamStartEnvelope,
    decode,
    encode,
)
from trebuche.socket_events import Caller
from trebuche.stored import Phase
from trebuche.streams import fan_out

DIRECTORY = {"game": ActorType(GameRoom)}
CONNECTED_AT = 1_767_225_000_000


def state(number: int) -> dict[str, Any]:
    """A state that says which version it is."""
    return {"players": {}, "messages": [{"player": "ada", "text": str(number)}]}


def said(frame: StreamDataEnvelope) -> int:
    """The version that a frame shows; 0 for the default state."""
    document = loads(frame.data)
    assert isinstance(document, dict)
    messages: Any = document["messages"]
    return int(messages[0]["text"]) if messages else 0


class Scene:
    """A world, and tasks in it."""

    def __init__(self, *, versions: int = 0) -> None:
        self.world = World(GameRoom)
        for number in range(1, versions + 1):
            write_state(self.world, "game", state(number))
        self.world.records()

    def frame(self, envelope: Envelope, connection_id: str = "c1", *, asked_at: int = 0) -> Task:
        """The actor's function working on a frame."""
        caller = Caller(connection_id, CONNECTED_AT, asked_at=asked_at)
        routine = dispatch(DIRECTORY, caller, encode(envelope))
        return self._task(routine)

    def change(self, *numbers: int | None) -> Task:
        """Writes and, after each, the stream processor's work on it; None deletes the actor."""
        return self._task(self._changes(numbers))

    def death(self, connection_id: str) -> Task:
        """The websocket function working on a disconnect."""
        return self._task(bury(connection_id))

    def received(self, connection_id: str = "c1") -> list[StreamDataEnvelope]:
        """The values that the connection got."""
        return [frame for frame in self.world.frames(connection_id) if isinstance(frame, StreamDataEnvelope)]

    def _task(self, routine: Routine[Any]) -> Task:
        """Marks of audiences are for who keeps them, which nobody does here; they would make for too many orders."""
        return Task(self.world.ports, routine, unseen=(MarkAudience,))

    def _changes(self, numbers: Sequence[int | None]) -> Routine[None]:
        for number in numbers:
            yield Happening(partial(self._write, number))
            changes = [change for change in map(read_change, self.world.records()) if change is not None]
            assert (yield from fan_out(changes)) is None

    def _write(self, number: int | None) -> None:
        if number is None:
            self.world.states.delete("game")
        else:
            write_state(self.world, "game", state(number))


def check_stream(frames: list[StreamDataEnvelope], *, ends_with: int) -> None:
    """Numbers rise by one except over what was skipped, values with them, and the last one is the last state."""
    assert frames, "nothing came"
    numbers = [frame.sequence_number for frame in frames]
    steps = [after - before for before, after in zip([0, *numbers], numbers, strict=False)]
    assert steps == [1 + (frame.skipped or 0) for frame in frames], numbers
    versions = [said(frame) for frame in frames]
    assert [version - versions[0] for version in versions] == [number - numbers[0] for number in numbers]
    assert versions[-1] == ends_with


@pytest.mark.parametrize(("versions", "changes", "at_least"), [(0, 1, 50), (3, 1, 50), (3, 2, 500), (0, 2, 500)])
def test_a_subscriber_gets_every_version_in_every_order(versions: int, changes: int, at_least: int) -> None:
    """Subscribe against one or two changes and the processor's work on them: nothing lost, nothing twice."""
    last = versions + changes

    def make() -> tuple[Sequence[Task], Callable[[], None]]:
        scene = Scene(versions=versions)
        tasks = scene.frame(observe("game")), scene.change(*range(versions + 1, last + 1))
        return tasks, lambda: check_stream(scene.received(), ends_with=last)

    assert every_order(make) >= at_least


def subscribed(versions: int) -> tuple[Scene, UUID]:
    """A scene with a live stream on ``c1``, its frames read."""
    scene = Scene(versions=versions)
    task = scene.frame(observe("game"))
    some_order([task], Random(0))
    (row,) = scene.world.subscriptions.attached.values()
    check_stream(scene.received(), ends_with=versions)
    return scene, row.stream_id


@pytest.mark.parametrize("changes", [1, 2])
def test_a_resumed_stream_misses_nothing_in_every_order(changes: int) -> None:
    """A resume on a second connection against changes, while the row still points to the first one."""

    def make() -> tuple[Sequence[Task], Callable[[], None]]:
        scene, stream_id = subscribed(versions=3)
        tasks = scene.frame(resume(stream_id, 1, "game"), "c2"), scene.change(*range(4, 4 + changes))
        return tasks, lambda: check(scene)

    def check(scene: Scene) -> None:
        got = [(frame.sequence_number, said(frame)) for frame in scene.received("c2")]
        assert got == [(2 + number, 4 + number) for number in range(changes)]

    assert every_order(make) > 20


def test_the_old_connections_death_does_not_touch_a_resumed_stream() -> None:
    """A resume, a change and the death of the first connection, in an order drawn by chance."""
    for seed in range(300):
        scene, stream_id = subscribed(versions=3)
        scene.world.connect("c1")
        scene.world.connections.note_stream("c1", "game", stream_id, 0)
        tasks = scene.frame(resume(stream_id, 1, "game"), "c2"), scene.death("c1"), scene.change(4)
        some_order(tasks, Random(seed))
        assert [frame.sequence_number for frame in scene.received("c2")] == [2]
        row = scene.world.subscriptions.attached["game", stream_id]
        assert (row.connection_id, row.phase) == ("c2", Phase.LIVE)
        assert scene.world.subscriptions.detached == {}


def test_two_resumes_of_one_stream_end_with_one_live_row() -> None:
    """Whoever wrote the row last owns it, and misses nothing; the other one stops without turning it live."""
    for seed in range(600):
        scene, stream_id = subscribed(versions=3)
        write_state(scene.world, "game", state(4))
        scene.world.records()
        resumes = [scene.frame(resume(stream_id, 1, "game"), connection) for connection in ("c2", "c3")]
        some_order([*resumes, scene.change(5, 6)], Random(seed))
        row = scene.world.subscriptions.attached["game", stream_id]
        assert row.phase is Phase.LIVE
        assert [frame.sequence_number for frame in scene.received(row.connection_id)] == [2, 3, 4]


def test_a_resume_that_comes_late_leaves_the_stream_where_its_reader_is_now() -> None:
    """Frames of a connection that broke are handled after the reader resumed elsewhere: nothing is taken from it."""
    for seed in range(600):
        scene, stream_id = subscribed(versions=3)
        scene.world.sender.disconnect("c2")
        late = [scene.frame(resume(stream_id, 1, "game"), "c2", asked_at=CONNECTED_AT + ms) for ms in (1, 2)]
        now = scene.frame(resume(stream_id, 1, "game"), "c3", asked_at=CONNECTED_AT + 3)
        some_order([*late, now, scene.change(4)], Random(seed))
        row = scene.world.subscriptions.attached.get(("game", stream_id))
        assert row is not None
        assert (row.connection_id, row.phase) == ("c3", Phase.LIVE)
        assert [frame.sequence_number for frame in scene.received("c3")] == [2]


def test_a_stream_can_go_back_to_an_older_connection() -> None:
    """What counts is when the reader asked, not which connection is older."""
    scene, stream_id = subscribed(versions=3)
    for asked_at, connection_id in enumerate(("c2", "c1"), CONNECTED_AT):
        some_order([scene.frame(resume(stream_id, 1, "game"), connection_id, asked_at=asked_at)], Random(0))
    assert scene.world.subscriptions.attached["game", stream_id].connection_id == "c1"


def test_an_actor_that_comes_back_does_not_reach_an_ended_stream() -> None:
    """Subscribe against a change, the deletion and a first write after it: rising numbers, nothing after the end."""
    for first_steps in range(9):
        scene = Scene(versions=3)
        subscribing, changing = scene.frame(observe("game")), scene.change(4, None, 5)
        for task in (*[subscribing] * first_steps, *[changing] * 30):
            if not task.done:
                task.step()
        some_order([subscribing], Random(0))
        frames = scene.world.frames()
        ends = [frame for frame in frames if isinstance(frame, StreamEndEnvelope)]
        values = [frame for frame in frames if isinstance(frame, StreamDataEnvelope)]
        numbers = [frame.sequence_number for frame in values]
        assert numbers == sorted(set(numbers))
        assert frames[-1:] == ends if ends else said(values[-1]) == 5


def test_a_deleted_actor_ends_a_stream_after_its_last_value_in_every_order() -> None:
    """``streamEnd`` comes once, and nothing comes after it."""

    def make() -> tuple[Sequence[Task], Callable[[], None]]:
        scene = Scene(versions=3)
        return (scene.frame(observe("game")), scene.change(4, None)), lambda: check(scene)

    def check(scene: Scene) -> None:
        frames = scene.world.frames()
        ends = [frame for frame in frames if isinstance(frame, StreamEndEnvelope)]
        if ends:
            assert frames[-1:] == ends
            assert scene.world.subscriptions.attached == {}
        else:
            # Subscribed when the actor was gone already: the stream of a fresh actor.
            values = [frame for frame in frames if isinstance(frame, StreamDataEnvelope)]
            assert [said(frame) for frame in values] == [0]

    assert every_order(make) > 500


@pytest.mark.parametrize("steps", range(9))
def test_a_subscribe_that_dies_anywhere_is_repaired_by_a_resume(steps: int) -> None:
    """After a crash between any two effects a client that knows the stream gets the rest, numbered above."""
    scene = Scene(versions=3)
    opening = scene.frame(observe("game"))
    for _ in range(steps):
        if not opening.done:
            opening.step()
    opening.crash()
    frames = scene.world.frames()
    some_order([scene.change(4)], Random(steps))
    starts = [frame for frame in frames if isinstance(frame, StreamStartEnvelope)]
    if not starts:
        return
    values = [frame for frame in frames + scene.world.frames() if isinstance(frame, StreamDataEnvelope)]
    last = values[-1].sequence_number if values else 0
    some_order([scene.frame(resume(starts[0].stream_id, last, "game"), "c2"), scene.change(5)], Random(steps))
    check_stream(values + scene.received("c2"), ends_with=5)


def test_a_busy_stream_with_drops_is_complete() -> None:
    """Subscribe, changes, death, resume and more changes in an order drawn by chance."""
    for seed in range(300):
        chance = Random(seed)
        scene, stream_id = subscribed(versions=2)
        scene.world.connect("c1")
        scene.world.connections.note_stream("c1", "game", stream_id, 0)
        some_order([scene.change(3, 4), scene.change(), scene.death("c1")], chance)
        some_order([scene.change(5, 6), scene.frame(resume(stream_id, 1, "game"), "c2")], chance)
        some_order([scene.change(7)], chance)
        got = [(frame.sequence_number, said(frame)) for frame in scene.received("c2")]
        assert got == [(number, number + 1) for number in range(2, 7)]


def test_a_resume_that_seems_to_come_late_is_answered() -> None:
    """Two gateways' clocks may differ: a reader who did ask last is told to ask again, and not left waiting."""
    scene, stream_id = subscribed(versions=3)
    event = message(resume(stream_id, 1, "game"), "c2")
    event["requestContext"]["requestTimeEpoch"] = CONNECTED_AT - 20
    row = scene.world.subscriptions.attached["game", stream_id]
    scene.world.subscriptions.attached["game", stream_id] = replace(row, asked_at=CONNECTED_AT)
    answer = decode(scene.world.gateway.handle(event)["body"])
    assert isinstance(answer, StreamErrorEnvelope)
    assert answer.retryable
    assert scene.world.subscriptions.attached["game", stream_id].connection_id == "c1"
