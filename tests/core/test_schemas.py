"""States that outlive the code that wrote them, and methods that only look."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.support.world import World, call, observe, resume
from trebuche import Actor, distributed, query
from trebuche.actor_types import ActorType
from trebuche.documents import loads
from trebuche.envelopes import StreamErrorEnvelope, StreamStartEnvelope, encode
from trebuche.errors import NewerStateError, StateError
from trebuche.reminders import write_reminder
from trebuche.stored import Phase


@dataclass
class Lines:
    """The first shape."""

    lines: list[str] = field(default_factory=list)


class Notebook(Actor[Lines], exposed_as="notes"):
    """As it was first written."""

    @distributed
    def append(self, line: str) -> int:
        """Add a line; how many there are."""
        self.state.lines.append(line)
        return len(self.state.lines)

    @query
    def count(self) -> int:
        """How many lines there are."""
        return len(self.state.lines)

    @query
    def scribble(self) -> None:
        """A defect: a query that writes."""
        self.state.lines.append("never")


@dataclass
class Titled:
    """The first shape and a new member."""

    lines: list[str] = field(default_factory=list)
    title: str = "untitled"


class TitledNotebook(Actor[Titled], exposed_as="notes"):
    """With a member more, and no need for a new schema."""

    @distributed
    def append(self, line: str) -> int:
        """Add a line; how many there are."""
        self.state.lines.append(line)
        return len(self.state.lines)

    @query
    def heading(self) -> str:
        """The title."""
        return self.state.title


@dataclass
class Entry:
    """A line and its length."""

    text: str
    size: int


@dataclass
class Entries:
    """The second shape."""

    entries: list[Entry] = field(default_factory=list)


class EntryBook(Actor[Entries], exposed_as="notes"):
    """With another shape."""

    schema = 2

    @classmethod
    def migrate(cls, old: dict[str, Any], schema: int) -> dict[str, Any]:
        """Lines become entries."""
        assert schema == 1
        return {"entries": [{"text": line, "size": len(line)} for line in old["lines"]]}

    @distributed
    def append(self, line: str) -> int:
        """Add an entry; how many there are."""
        self.state.entries.append(Entry(line, len(line)))
        return len(self.state.entries)

    @query
    def sizes(self) -> list[int]:
        """The lengths."""
        return [entry.size for entry in self.state.entries]


class ShortBook(EntryBook, Actor[Entries], exposed_as="notes"):
    """A ``migrate`` that does not ask for the schema."""

    @staticmethod
    def migrate(old: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        """Everything is forgotten."""
        return {"entries": old["lines"][:0]}


class BrokenBook(EntryBook, Actor[Entries], exposed_as="notes"):
    """A ``migrate`` with a defect."""

    @classmethod
    def migrate(cls, old: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        """Fails."""
        return {"entries": old["linez"]}


class CarelessBook(Actor[Entries], exposed_as="notes"):
    """Another shape under the old schema."""

    @query
    def sizes(self) -> list[int]:
        """The lengths."""
        return []


@pytest.fixture
def world() -> World:
    """A notebook with two lines, written by the first code."""
    world = World(Notebook)
    world.connect()
    assert [world.result("notes", "append", line) for line in ("one", "three")] == [1, 2]
    return world


def deploy(world: World, actor: type[Actor[Any]]) -> World:
    """Other code on the same tables."""
    after = World(actor)
    after.states, after.subscriptions, after.connections = world.states, world.subscriptions, world.connections
    after.use(sender=world.sender)
    return after


def test_new_member_gets_its_default(world: World) -> None:
    """A state without the member reads as if it had the default, for callers and for observers."""
    after = deploy(world, TitledNotebook)

    assert after.result("notes", "heading") == "untitled"
    after.watch("notes")
    assert after.values() == [(1, {"lines": ["one", "three"], "title": "untitled"})]


def test_replay_speaks_todays_shape(world: World) -> None:
    """What older code left in the journal is replayed with the members that observers expect now."""
    stream = world.watch("notes")
    world.frames()
    world.result("notes", "append", "six")
    world.disconnect()
    after = deploy(world, TitledNotebook)
    after.connect("c2")

    after.send(resume(stream, 1, "notes"), "c2")

    assert after.values("c2") == [(2, {"lines": ["one", "three", "six"], "title": "untitled"})]


def test_unknown_member_survives_older_code(world: World) -> None:
    """Code that does not know a member keeps it, side by side with code that does."""
    deploy(world, TitledNotebook).result("notes", "append", "new")

    assert deploy(world, Notebook).result("notes", "append", "old") == 4
    assert loads(world.states.states["notes"].state) == {"lines": ["one", "three", "new", "old"], "title": "untitled"}


def test_older_state_is_migrated(world: World) -> None:
    """A turn of newer code sees the migrated state and stores it under the new schema."""
    after = deploy(world, EntryBook)

    assert after.result("notes", "sizes") == [3, 5]
    assert world.states.states["notes"].schema == 1
    assert after.result("notes", "append", "x") == 3
    assert world.states.states["notes"].schema == 2


def test_observer_gets_migrated_versions(world: World) -> None:
    """Snapshot and replay of a stream across the migration are all of the new shape."""
    stream = world.watch("notes")
    world.frames()
    world.result("notes", "append", "six")
    world.disconnect()
    after = deploy(world, EntryBook)
    after.result("notes", "append", "x")
    after.connect("c2")

    after.send(resume(stream, 1, "notes"), "c2")

    sizes = [(number, [entry["size"] for entry in value["entries"]]) for number, value in after.values("c2")]
    assert sizes == [(2, [3, 5, 3]), (3, [3, 5, 3, 1])]


def tell(world: World, by: World) -> None:
    """Let the stream processor deliver what is new, and workers of some code do what it leaves to them."""
    world.pump()
    sent = [reminder for reminder, _ in by.catch_ups.sent] + [reminder for reminder, _ in world.catch_ups.sent]
    records = [{"messageId": str(number), "body": write_reminder(one)} for number, one in enumerate(sent)]
    assert by.gateway.catch_up({"Records": records}) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("newer", "shown"),
    [
        (TitledNotebook, {"lines": ["one", "three", "six"], "title": "untitled"}),
        (EntryBook, {"entries": [{"text": text, "size": len(text)} for text in ("one", "three", "six")]}),
    ],
)
def test_older_codes_changes_are_shown_as_newer_code_has_them(world: World, newer: Any, shown: Any) -> None:
    """While both run, whoever observes with the newer one gets its members and schema with every change."""
    after = deploy(world, newer)
    after.watch("notes")
    after.frames()
    world.records()
    world.result("notes", "append", "six")
    tell(world, after)
    assert after.values() == [(2, shown)]
    assert [row.phase for row in world.subscriptions.attached.values()] == [Phase.LIVE]


def test_a_property_that_older_code_does_not_know_has_its_default(world: World) -> None:
    """Not null, which its type may not even allow."""
    after = deploy(world, TitledNotebook)
    after.watch("notes", "observeTitle")
    after.frames()
    world.records()
    world.result("notes", "append", "six")
    tell(world, after)
    assert after.values() == [(2, "untitled")]


def test_a_deployment_costs_a_subscriber_one_handover(world: World) -> None:
    """After it the changes of the new code go straight to whoever began with the old one."""
    world.watch("notes")
    world.frames()
    world.records()
    after = deploy(world, TitledNotebook)
    after.result("notes", "append", "six")
    tell(world, after)
    assert [number for number, _ in after.values()] == [2]
    after.result("notes", "append", "nine")
    world.pump()
    assert [number for number, _ in after.values()] == [3]


def test_migrate_may_leave_out_the_schema(world: World) -> None:
    """A ``migrate(old)`` without a second parameter works."""
    assert deploy(world, ShortBook).result("notes", "sizes") == []


def test_older_code_leaves_a_newer_state_alone(world: World) -> None:
    """Code that does not know the schema refuses, says that trying again may help, and writes nothing."""
    deploy(world, EntryBook).result("notes", "append", "x")
    stored = world.states.states["notes"]

    answer = deploy(world, Notebook).ask(call("notes", "append", "y"))

    assert (answer.code, answer.retryable) == ("state-newer", True)
    assert "'notes' was stored under schema 2, and this code knows 1" in (answer.error_message or "")
    assert world.states.states["notes"] is stored


def test_unreadable_state_names_actor_schema_and_member(world: World) -> None:
    """A state of another shape is an error with its place, and stays as it was."""
    stored = world.states.states["notes"] = replace(world.states.states["notes"], state=b'{"entries":[{"text":1}]}')

    answer = deploy(world, CarelessBook).ask(call("notes", "sizes"))

    assert answer.error_message == (
        "the stored state of 'notes' (schema 1) cannot be read: entries[0].text: expected text, got number"
    )
    assert world.states.states["notes"] is stored


def test_failing_migration_says_what_failed(world: World) -> None:
    """The error names actor, schemas and cause, and nothing is overwritten."""
    stored = world.states.states["notes"]

    answer = deploy(world, BrokenBook).ask(call("notes", "append", "x"))

    assert answer.error_message == (
        "the stored state of 'notes' could not be migrated from schema 1 to 2: KeyError: 'linez'"
    )
    assert world.states.states["notes"] is stored


def test_observing_an_unreadable_state_ends_with_its_error(world: World) -> None:
    """A subscriber hears which state cannot be read, and no row is left that would go on."""
    after = deploy(world, BrokenBook)
    answer = after.send(observe("notes"))

    assert "could not be migrated" in answer["body"]
    assert [type(frame) for frame in after.frames()] == [StreamStartEnvelope]
    assert world.subscriptions.attached == {}


def test_failed_resume_can_be_repeated(world: World) -> None:
    """A resume that fails for the state's sake leaves the stream detached, with its base, for the next one."""
    stream = world.watch("notes")
    world.frames()
    world.disconnect()
    broken = deploy(world, BrokenBook)
    broken.connect("c2")
    assert "could not be migrated" in broken.send(resume(stream, 1, "notes"), "c2")["body"]
    assert world.subscriptions.attached == {}

    mended = deploy(world, EntryBook)
    mended.result("notes", "append", "x")
    mended.connect("c3")
    mended.send(resume(stream, 1, "notes"), "c3")

    assert [number for number, _ in mended.values("c3")] == [2]


def test_query_answers_and_writes_nothing(world: World) -> None:
    """A query sees the state; neither a version nor a call record comes of it."""
    stored = world.states.states["notes"]
    question = call("notes", "count")

    assert world.ask(question).result == b"2"
    assert world.states.states["notes"] is stored
    assert world.states.load_call("notes", question.call_id, now=0) is None


def test_query_answers_about_a_state_that_is_spelled_otherwise(world: World) -> None:
    """By hand, say: it is the method that must not change it."""
    stored = world.states.states["notes"]
    world.states.states["notes"] = replace(stored, state=b" " + stored.state)
    assert world.result("notes", "count") == 2


def test_query_that_writes_is_a_defect(world: World) -> None:
    """The caller gets a reference, the log the reason, and the change is dropped."""
    stored = world.states.states["notes"]

    answer = world.ask(call("notes", "scribble"))

    assert (answer.error_message or "").startswith("Internal error (ref ")
    assert any("scribble is a @query and changed the state" in line for line in world.log.lines)
    assert world.states.states["notes"] is stored


def test_reading_raises_what_callers_can_tell_apart() -> None:
    """Newer is not the same as unreadable."""
    actor_type = ActorType(Notebook)

    with pytest.raises(NewerStateError):
        actor_type.read_state("notes", b"{}", 2)
    with pytest.raises(StateError, match=r"'notes/a' \(schema 1\) cannot be read: lines: expected an array"):
        actor_type.read_state("notes/a", b'{"lines":1}', 1)


def test_stream_error_is_an_envelope(world: World) -> None:
    """What a failed resume answers is a ``streamError`` of that stream."""
    stream = world.watch("notes")
    world.disconnect()
    broken = deploy(world, BrokenBook)
    broken.connect("c2")

    body = broken.send(resume(stream, 1, "notes"), "c2")["body"]

    assert body == encode(
        StreamErrorEnvelope(
            stream,
            "the stored state of 'notes' could not be migrated from schema 1 to 2: KeyError: 'linez'",
            "state",
            retryable=False,
        )
    )
