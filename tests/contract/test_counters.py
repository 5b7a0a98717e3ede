"""Marks by which frames are counted: the same in memory and in DynamoDB."""

import pytest

from trebuche.adapters.dynamodb_connections import DynamoDBConnectionStorage
from trebuche.adapters.dynamodb_counters import DynamoDBCounters
from trebuche.adapters.memory_counters import InMemoryCounters
from trebuche.ports import Counters, Mark

NOW = 1_767_225_600_000_000
LENGTH = 500_000


@pytest.fixture(params=["memory", "dynamodb", "lean"])
def counters(request: pytest.FixtureRequest) -> Counters:
    """Nobody has been counted."""
    if request.param == "memory":
        return InMemoryCounters()
    return DynamoDBCounters(request.getfixturevalue(request.param), "connections")


def move(counters: Counters, now: int = NOW, *, ahead: int = 2 * LENGTH, seen: int = 0, key: str = "c#1") -> Mark:
    """Count a frame of a caller who may be so far ahead."""
    return counters.move(key, now_us=now, length_us=LENGTH, latest_us=now + ahead, seen_us=seen)


@pytest.mark.parametrize("seen", [0, NOW + LENGTH])
def test_marks_go_ahead_of_time_until_they_are_too_far(counters: Counters, seen: int) -> None:
    """Whatever was last seen of them."""
    marks = [move(counters, seen=seen) for _ in range(4)]

    assert marks[:3] == [Mark(NOW + number * LENGTH, moved=True) for number in (1, 2, 3)]
    assert marks[3] == Mark(NOW + 3 * LENGTH, moved=False)


@pytest.mark.parametrize("seen", [0, NOW + 10 * LENGTH])
def test_time_catches_up_with_marks(counters: Counters, seen: int) -> None:
    """A caller who was silent begins anew, with what it may have at once and no more."""
    move(counters)

    assert move(counters, NOW + 10 * LENGTH, seen=seen) == Mark(NOW + 11 * LENGTH, moved=True)


def test_callers_have_marks_of_their_own(counters: Counters) -> None:
    """One that is too far ahead keeps nobody back."""
    move(counters, ahead=0)

    assert not move(counters, ahead=0).moved
    assert move(counters, ahead=0, key="c#2").moved


def test_a_frame_that_was_not_let_in_is_given_back(counters: Counters) -> None:
    """As if it had never come."""
    mark = move(counters, ahead=0)

    assert counters.give_back("c#1", LENGTH) == mark.at_us - LENGTH
    assert move(counters, ahead=0).moved


def test_marks_are_no_connections(request: pytest.FixtureRequest) -> None:
    """They are in the same table, and whoever looks through that sees none of them."""
    client = request.getfixturevalue("dynamodb")
    move(DynamoDBCounters(client, "connections"))

    assert list(DynamoDBConnectionStorage(client, "connections").every()) == []
    [item] = client().scan(TableName="connections")["Items"]
    assert int(item["ttl"]["N"]) == NOW // 1_000_000 + 3_600
