"""States, journals and call records: the same in memory and in DynamoDB."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from trebuche.adapters.dynamodb_states import DynamoDBStateStore, version_entry
from trebuche.errors import StateError
from trebuche.ports import StateStore
from trebuche.stored import CallRecord, JournalEntry, StoredState, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_dynamodb import DynamoDBClient

NOW = 1_767_225_600
FIRST = UUID(int=1)
SECOND = UUID(int=2)


def turn(version: int, *, previous: int | None, call_id: UUID, ttl: int = NOW + 60) -> Turn:
    """A turn that writes a version."""
    state = StoredState("todos", b'{"n":%d}' % version, version, 1, NOW * 1000)
    call = CallRecord("digest", b'"done"', version)
    return Turn(previous=previous, next=state, call_id=call_id, call=call, now=NOW, ttl=ttl)


@pytest.fixture
def written(states: StateStore) -> StateStore:
    """A store with one version of one actor."""
    assert states.commit(turn(1, previous=None, call_id=FIRST))
    return states


def test_nothing_is_there_at_first(states: StateStore) -> None:
    """An actor that was never called has no state, no version and no calls."""
    assert states.load("todos") is None
    assert states.highest_version("todos", now=NOW) == 0
    assert states.journal("todos", 1, 9, now=NOW) == ()
    assert states.load_call("todos", FIRST, now=NOW) is None


def test_a_turn_writes_state_journal_and_call(written: StateStore) -> None:
    """All three are there afterwards."""
    assert written.load("todos") == StoredState("todos", b'{"n":1}', 1, 1, NOW * 1000)
    assert written.journal("todos", 1, 1, now=NOW) == (JournalEntry(1, b'{"n":1}', first=True),)
    assert written.load_call("todos", FIRST, now=NOW) == CallRecord("digest", b'"done"', 1)


def test_an_empty_result_is_kept(states: StateStore) -> None:
    """A method without result leaves a record all the same."""
    void = replace(turn(1, previous=None, call_id=FIRST), call=CallRecord("digest", b"", 1))
    assert states.commit(void)
    assert states.load_call("todos", FIRST, now=NOW) == CallRecord("digest", b"", 1)


def test_a_turn_on_an_old_version_writes_nothing(written: StateStore) -> None:
    """Two turns read version 1; only the first commits."""
    assert written.commit(turn(2, previous=1, call_id=SECOND))
    late = turn(2, previous=1, call_id=UUID(int=3))
    assert not written.commit(replace(late, next=replace(late.next, state=b"late")))
    assert written.load("todos") == turn(2, previous=1, call_id=SECOND).next
    assert written.load_call("todos", UUID(int=3), now=NOW) is None


def test_an_absent_state_must_still_be_absent(written: StateStore) -> None:
    """A turn that found no state does not overwrite one."""
    assert not written.commit(turn(9, previous=None, call_id=SECOND))
    assert written.highest_version("todos", now=NOW) == 1


def test_a_call_that_took_effect_takes_none_again(written: StateStore) -> None:
    """The same callID commits once, whatever the version."""
    assert not written.commit(turn(2, previous=1, call_id=FIRST))
    assert written.load("todos") == turn(1, previous=None, call_id=FIRST).next


def test_an_expired_call_id_may_be_used_again(states: StateStore) -> None:
    """A record that DynamoDB has not removed yet counts as absent once its time is over."""
    assert states.commit(turn(1, previous=None, call_id=FIRST, ttl=NOW))
    assert states.load_call("todos", FIRST, now=NOW) is None
    assert states.commit(turn(2, previous=1, call_id=FIRST))


def test_versions_come_in_order_from_the_middle(written: StateStore) -> None:
    """A range of the journal holds its versions by number, not by text."""
    for version in range(2, 13):
        assert written.commit(turn(version, previous=version - 1, call_id=UUID(int=100 + version)))
    assert [entry.version for entry in written.journal("todos", 8, 11, now=NOW)] == [8, 9, 10, 11]
    assert written.highest_version("todos", now=NOW) == 12


def test_a_journal_range_may_start_below_one(written: StateStore) -> None:
    """A subscriber of an actor without state starts before the first version."""
    assert [entry.version for entry in written.journal("todos", -1, 1, now=NOW)] == [1]
    assert written.journal("todos", -1, 0, now=NOW) == ()


def test_expired_versions_are_not_read(states: StateStore) -> None:
    """The window of the journal closes on time, not when DynamoDB gets round to it; the number stays used."""
    assert states.commit(turn(1, previous=None, call_id=FIRST, ttl=NOW))
    assert states.journal("todos", 1, 1, now=NOW) == ()
    assert 1 <= states.highest_version("todos", now=NOW) <= 1_000


def test_versions_stay_used_when_their_journal_is_gone(dynamodb: "Callable[[], DynamoDBClient]") -> None:
    """DynamoDB removes what has expired; the number after it is above all that were used, and at most 1,000 are not."""
    store = DynamoDBStateStore(dynamodb, "states", "journal")
    for version in (1, 1_000):
        previous = version - 1 or None
        if previous:
            dynamodb().put_item(TableName="states", Item={"actorId": {"S": "todos"}, "version": {"N": str(previous)}})
        assert store.commit(turn(version, previous=previous, call_id=UUID(int=version)))
        key = {"actorId": {"S": "todos"}, "entry": {"S": version_entry(version)}}
        assert "Attributes" in dynamodb().delete_item(TableName="journal", Key=key, ReturnValues="ALL_OLD")
        assert version < store.highest_version("todos", now=NOW) <= version + 1_000


def test_versions_stay_used_in_whatever_order_their_journal_goes(dynamodb: "Callable[[], DynamoDBClient]") -> None:
    """What has expired is removed in no order: that an older version is left does not make it the highest."""
    store = DynamoDBStateStore(dynamodb, "states", "journal")
    for version in range(1, 6):
        assert store.commit(turn(version, previous=version - 1 or None, call_id=UUID(int=version)))
    assert store.highest_version("todos", now=NOW) == 5
    key = {"actorId": {"S": "todos"}, "entry": {"S": version_entry(5)}}
    assert "Attributes" in dynamodb().delete_item(TableName="journal", Key=key, ReturnValues="ALL_OLD")
    assert 5 <= store.highest_version("todos", now=NOW + 60) <= 1_005


def test_actors_do_not_see_one_another(written: StateStore) -> None:
    """Ids that begin alike are different actors."""
    assert written.load("todo") is None
    assert written.load("todos/a") is None
    assert written.load_call("todos/a", FIRST, now=NOW) is None
    assert written.highest_version("todos/a", now=NOW) == 0


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"state": {"B": b"{}"}},
        {"version": {"N": "1"}},
        {"state": {"S": "{}"}, "version": {"N": "1"}},
        {"state": {"B": b"{}"}, "version": {"N": "1.5"}},
        {"state": {"B": b"{}"}, "version": {"S": "1"}},
    ],
)
def test_item_that_is_no_state_is_refused_by_name(
    dynamodb: "Callable[[], DynamoDBClient]", attributes: dict[str, Any]
) -> None:
    """Written past the runtime: the error says which actor's, and what such an item needs."""
    dynamodb().put_item(TableName="states", Item={"actorId": {"S": "todos"}, **attributes})
    with pytest.raises(StateError, match=r"'todos' cannot be read: its item needs state .binary. and version .number."):
        DynamoDBStateStore(dynamodb, "states", "journal").load("todos")
