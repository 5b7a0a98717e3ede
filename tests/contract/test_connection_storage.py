"""Connections: the same in memory and in DynamoDB."""

from dataclasses import replace
from uuid import UUID

import pytest

from trebuche.errors import StreamLimitError, TooManyStreamsError
from trebuche.ports import ConnectionStorage
from trebuche.stored import Connection

ADA = Connection(connection_id="c1=", connected_at=1_767_225_600_123, ttl=1_767_312_000, principal="ada")
STREAM = UUID(int=1)
OTHER = UUID(int=2)


@pytest.fixture
def registered(connections: ConnectionStorage) -> ConnectionStorage:
    """A storage with one connection."""
    connections.register(ADA)
    return connections


def test_a_connection_comes_back_as_it_was(registered: ConnectionStorage) -> None:
    """Times are exact, nothing is invented."""
    assert registered.load("c1=") == ADA
    assert registered.load("c2=") is None


def test_unregistering_tells_what_was_known(registered: ConnectionStorage) -> None:
    """So that its streams can be detached; the second time there is nothing."""
    registered.note_stream("c1=", "todos", STREAM, 0)
    assert registered.unregister("c1=") == replace(ADA, actor_id="todos", stream_id=STREAM, streams={STREAM: "todos"})
    assert registered.unregister("c1=") is None


def test_all_streams_are_noted_and_the_latest_stands_out(registered: ConnectionStorage) -> None:
    """Two subscriptions on one connection do not overwrite one another."""
    assert registered.note_stream("c1=", "todos/a b", STREAM, 0)
    assert registered.note_stream("c1=", "game", OTHER, 41)
    expected = {STREAM: "todos/a b", OTHER: "game"}
    found = registered.load("c1=")
    assert found == replace(ADA, actor_id="game", stream_id=OTHER, last_sequence=41, streams=expected)


def test_an_unknown_connection_is_not_made_by_a_note(connections: ConnectionStorage) -> None:
    """A row without lifetime would stay for ever."""
    assert not connections.note_stream("c9=", "todos", STREAM, 0)
    connections.forget_stream("c9=", "todos", STREAM)
    assert connections.load("c9=") is None


def test_a_forgotten_stream_leaves_the_others(registered: ConnectionStorage) -> None:
    """Only the one that was named goes; twice is as good as once."""
    registered.note_stream("c1=", "todos", STREAM, 0)
    registered.note_stream("c1=", "game", OTHER, 0)
    for _ in range(2):
        registered.forget_stream("c1=", "todos", STREAM)
    found = registered.load("c1=")
    assert found is not None
    assert found.streams == {OTHER: "game"}


def test_the_last_stream_can_be_forgotten(registered: ConnectionStorage) -> None:
    """DynamoDB keeps no empty sets; a connection without streams is one all the same."""
    registered.note_stream("c1=", "todos", STREAM, 0)
    registered.forget_stream("c1=", "todos", STREAM)
    found = registered.load("c1=")
    assert found is not None
    assert found.streams == {}


def test_connections_are_found_by_their_latest_actor(registered: ConnectionStorage) -> None:
    """As the page's index has it."""
    registered.note_stream("c1=", "todos", STREAM, 0)
    assert [found.connection_id for found in registered.get_connections("todos")] == ["c1="]
    registered.note_stream("c1=", "game", OTHER, 0)
    assert registered.get_connections("todos") == ()


def test_more_streams_than_an_item_holds_are_refused(registered: ConnectionStorage) -> None:
    """By name, with the limit; the streams that are noted stay, and there is room again when one of them is gone."""
    longest = "\N{SEEDLING}" * 256

    def note_all() -> None:
        for number in range(400):
            registered.note_stream("c1=", longest, UUID(int=number), 0)

    with pytest.raises(TooManyStreamsError, match="over the limit of 409600 bytes; end some"):
        note_all()
    found = registered.load("c1=")
    assert found is not None
    assert 300 < len(found.streams) < 400
    registered.forget_stream("c1=", longest, UUID(int=0))
    assert registered.note_stream("c1=", longest, UUID(int=399), 0)


def test_a_connection_has_no_more_streams_than_it_may(registered: ConnectionStorage) -> None:
    """One that is noted already may come again; when one has gone there is room; an unknown connection is none."""
    for number in (1, 2):
        assert registered.note_stream("c1=", "todos", UUID(int=number), 0, most=2)
    with pytest.raises(StreamLimitError, match=r"as it may have \(2\)"):
        registered.note_stream("c1=", "todos", UUID(int=3), 0, most=2)
    assert registered.note_stream("c1=", "todos", UUID(int=2), 7, most=2)
    registered.forget_stream("c1=", "todos", UUID(int=1))
    assert registered.note_stream("c1=", "todos", UUID(int=3), 0, most=2)
    assert not registered.note_stream("c9=", "todos", UUID(int=3), 0, most=2)
