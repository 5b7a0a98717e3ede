"""Subscriptions: the same in memory and in DynamoDB."""

from dataclasses import replace
from uuid import UUID

import pytest

from trebuche.envelopes import FilterType, StreamFilter
from trebuche.ports import SubscriptionStorage
from trebuche.stored import Phase, Subscription

NOW = 1_767_225_600
ROW = Subscription(
    actor_id="todos/a",
    stream_id=UUID(int=1),
    connection_id="c1=",
    connected_at=NOW * 1000,
    target="observeState",
    opener=UUID(int=2),
    base=-1,
    born=3,
    ttl=NOW + 60,
    filter=StreamFilter(FilterType.PREDEFINED, "threshold", {"value": "2"}),
    principal="ada",
)
MOVED = replace(ROW, connection_id="c2=", opener=UUID(int=3))
NEXT = UUID(int=4)


@pytest.fixture
def opened(subscriptions: SubscriptionStorage) -> SubscriptionStorage:
    """A storage with one opening row."""
    assert subscriptions.open(ROW, None, now=NOW)
    return subscriptions


def test_a_row_comes_back_as_it_was(opened: SubscriptionStorage) -> None:
    """Every attribute survives, and the actor's other streams do not show."""
    assert opened.load("todos/a", ROW.stream_id, now=NOW) == ROW
    assert opened.load("todos/a", UUID(int=9), now=NOW) is None
    assert opened.subscribers("todos/a", now=NOW) == (ROW,)
    assert opened.subscribers("todos", now=NOW) == ()


def test_absent_attributes_stay_absent(subscriptions: SubscriptionStorage) -> None:
    """A subscriber without filter and principal has none afterwards either."""
    plain = replace(ROW, filter=None, principal=None)
    assert subscriptions.open(plain, None, now=NOW)
    assert subscriptions.load("todos/a", ROW.stream_id, now=NOW) == plain


def test_expired_rows_are_not_read(opened: SubscriptionStorage) -> None:
    """Time is over when it is over, not when DynamoDB gets round to it."""
    assert opened.load("todos/a", ROW.stream_id, now=ROW.ttl) is None
    assert opened.subscribers("todos/a", now=ROW.ttl) == ()


def test_a_stream_is_opened_once(opened: SubscriptionStorage) -> None:
    """Whoever found no row does not overwrite one."""
    assert not opened.open(MOVED, None, now=NOW)
    assert opened.load("todos/a", ROW.stream_id, now=NOW) == ROW


def test_an_expired_row_is_no_obstacle(opened: SubscriptionStorage) -> None:
    """It counts as absent as soon as its time is over, also where something is to be written in its place."""
    later = replace(MOVED, ttl=ROW.ttl + 60)
    assert not opened.open(later, None, now=ROW.ttl - 1)
    assert opened.open(later, None, now=ROW.ttl)
    assert opened.load("todos/a", ROW.stream_id, now=ROW.ttl) == later


def test_an_attached_row_moves_to_another_connection(opened: SubscriptionStorage) -> None:
    """A resume takes the row over, once."""
    assert opened.open(MOVED, ROW, now=NOW)
    assert opened.load("todos/a", ROW.stream_id, now=NOW) == MOVED
    assert not opened.open(replace(ROW, opener=UUID(int=4)), ROW, now=NOW)


def test_a_row_turns_live_when_nothing_is_pending(opened: SubscriptionStorage) -> None:
    """The version up to which the catch-up delivered is kept."""
    live = replace(ROW, phase=Phase.LIVE, sent=7)
    assert opened.flip_live(ROW, 7) == live
    assert opened.load("todos/a", ROW.stream_id, now=NOW) == live


def test_a_row_turns_live_in_the_shape_that_was_shown(opened: SubscriptionStorage) -> None:
    """Other code may have finished the catch-up than had opened the row."""
    live = opened.flip_live(replace(ROW, shape="new"), 5)
    assert live is not None
    assert (live.phase, live.shape) == (Phase.LIVE, "new")
    assert opened.load("todos/a", ROW.stream_id, now=NOW) == live


def test_a_pending_version_keeps_a_row_from_turning_live(opened: SubscriptionStorage) -> None:
    """The catch-up learns of what it has not delivered yet."""
    assert opened.raise_pending(ROW, 8) == replace(ROW, pending=8)
    assert opened.flip_live(ROW, 7) == replace(ROW, pending=8)
    assert opened.flip_live(ROW, 8) == replace(ROW, phase=Phase.LIVE, pending=8, sent=8)


def test_pending_never_falls(opened: SubscriptionStorage) -> None:
    """A record that comes again changes nothing."""
    assert opened.raise_pending(ROW, 8) == replace(ROW, pending=8)
    assert opened.raise_pending(ROW, 5) == replace(ROW, pending=8)


def test_a_live_row_is_not_told_but_shown(opened: SubscriptionStorage) -> None:
    """Whoever wanted to leave a note finds out that it has to post."""
    live = opened.flip_live(ROW, 7)
    assert opened.raise_pending(ROW, 8) == live
    assert opened.mark_ended(ROW) == live


def test_only_the_last_opener_turns_a_row_live(opened: SubscriptionStorage) -> None:
    """A catch-up that was superseded finds somebody else's row."""
    assert opened.open(MOVED, ROW, now=NOW)
    assert opened.flip_live(ROW, 7) == MOVED


def test_the_end_of_an_opening_row_is_noted(opened: SubscriptionStorage) -> None:
    """Its catch-up does not turn it live any more."""
    ended = replace(ROW, phase=Phase.ENDED)
    assert opened.mark_ended(ROW) == ended
    assert opened.flip_live(ROW, 7) == ended


def test_a_superseded_opener_is_told_nothing(opened: SubscriptionStorage) -> None:
    """What was meant for the row that was found is not said to the one that has taken its place."""
    assert opened.open(MOVED, ROW, now=NOW)
    assert opened.raise_pending(ROW, 8) == MOVED
    assert opened.mark_ended(ROW) == MOVED


@pytest.mark.parametrize("live", [True, False])
def test_a_row_is_handed_to_another_catch_up(opened: SubscriptionStorage, live: bool) -> None:
    """Live or opening, with nothing pending and what its reader has; once."""
    opened.raise_pending(ROW, 8)
    if live:
        opened.flip_live(ROW, 8)
    assert opened.go_opening(ROW, 7, NEXT)
    assert opened.load("todos/a", ROW.stream_id, now=NOW) == replace(ROW, opener=NEXT, sent=7, pending=0)
    assert not opened.go_opening(ROW, 7, UUID(int=5))


def test_only_the_row_that_was_found_is_handed_over(opened: SubscriptionStorage) -> None:
    """Neither one that has moved on, nor one whose actor is gone."""
    assert opened.open(MOVED, ROW, now=NOW)
    assert not opened.go_opening(ROW, 7, NEXT)
    opened.mark_ended(MOVED)
    assert not opened.go_opening(MOVED, 7, NEXT)
    assert opened.load("todos/a", ROW.stream_id, now=NOW) == replace(MOVED, phase=Phase.ENDED)


def test_a_row_that_is_gone_is_not_made_again(subscriptions: SubscriptionStorage) -> None:
    """Updates of an unsubscribed stream leave nothing behind."""
    assert subscriptions.raise_pending(ROW, 8) is None
    assert subscriptions.flip_live(ROW, 8) is None
    assert not subscriptions.go_opening(ROW, 8, NEXT)
    assert subscriptions.mark_ended(ROW) is None
    assert subscriptions.subscribers("todos/a", now=NOW) == ()


def test_a_detached_row_waits_outside_the_actor(opened: SubscriptionStorage) -> None:
    """Fan-out does not read it; a resume finds it with its own lifetime."""
    assert opened.detach(ROW, ttl=NOW + 900)
    assert opened.subscribers("todos/a", now=NOW) == ()
    assert opened.load("todos/a", ROW.stream_id, now=NOW) is None
    detached = replace(ROW, phase=Phase.DETACHED, ttl=NOW + 900)
    assert opened.find_detached(ROW.stream_id, principal="ada", now=NOW + 899) == detached
    assert opened.find_detached(ROW.stream_id, principal="ada", now=NOW + 900) is None


def test_detached_rows_of_two_principals_do_not_touch(opened: SubscriptionStorage) -> None:
    """Ids of streams may be made up: under one id each principal finds its own, and nobody finds another's."""
    other = replace(ROW, actor_id="todos/b", connection_id="c9=", opener=UUID(int=9), principal="bob")
    nobodys = replace(other, actor_id="todos/c", principal=None)
    for row in (other, nobodys):
        assert opened.open(row, None, now=NOW)
    for row in (ROW, other, nobodys):
        assert opened.detach(row, ttl=NOW + 900)
    for row in (ROW, other, nobodys):
        found = opened.find_detached(row.stream_id, principal=row.principal, now=NOW)
        assert found == replace(row, phase=Phase.DETACHED, ttl=NOW + 900)
    assert opened.find_detached(ROW.stream_id, principal="eve", now=NOW) is None


def test_a_row_that_moved_on_is_not_detached(opened: SubscriptionStorage) -> None:
    """The death of the old connection does not touch the new one."""
    assert opened.open(MOVED, ROW, now=NOW)
    assert not opened.detach(ROW, ttl=NOW + 900)
    assert opened.find_detached(ROW.stream_id, principal="ada", now=NOW) is None


def test_a_detached_row_is_attached_once(opened: SubscriptionStorage) -> None:
    """Of two resumes that found it one gets it."""
    assert opened.detach(ROW, ttl=NOW + 900)
    waiting = opened.find_detached(ROW.stream_id, principal="ada", now=NOW)
    assert opened.open(MOVED, waiting, now=NOW)
    assert not opened.open(replace(MOVED, connection_id="c3="), waiting, now=NOW)
    assert opened.subscribers("todos/a", now=NOW) == (MOVED,)
    assert opened.find_detached(ROW.stream_id, principal="ada", now=NOW) is None


def test_only_its_own_connection_removes_a_row(opened: SubscriptionStorage) -> None:
    """An unsubscribe that comes late does not end a stream that has moved."""
    assert not opened.remove("todos/a", ROW.stream_id, "c2=")
    assert opened.remove("todos/a", ROW.stream_id, "c1=")
    assert not opened.remove("todos/a", ROW.stream_id, "c1=")


def test_only_the_row_that_its_opener_opened_is_removed(opened: SubscriptionStorage) -> None:
    """An end that comes late does not end a stream that was opened anew on its connection."""
    assert not opened.remove("todos/a", ROW.stream_id, "c1=", opener=UUID(int=0))
    assert opened.remove("todos/a", ROW.stream_id, "c1=", opener=ROW.opener)


def test_all_pages_of_a_large_audience_are_read(subscriptions: SubscriptionStorage) -> None:
    """A query's page ends at 1 MB, the audience does not."""
    wide = replace(ROW, principal="p" * 300_000)
    for number in range(5):
        assert subscriptions.open(replace(wide, stream_id=UUID(int=10 + number)), None, now=NOW)
    found = subscriptions.subscribers("todos/a", now=NOW)
    assert [row.stream_id.int for row in found] == [10, 11, 12, 13, 14]


def test_an_audience_gets_marks_that_it_never_had(opened: SubscriptionStorage) -> None:
    """It keeps its mark until somebody writes another, and no other actor's changes with it."""
    seen = [opened.audience("todos/a")]
    for _ in range(3):
        opened.mark_audience("todos/a", ttl=NOW + 60)
        seen.append(opened.audience("todos/a"))
        assert opened.audience("todos/a") == seen[-1]
    assert len(set(seen)) == 4
    assert opened.audience("todos/b") == seen[0]
    assert opened.subscribers("todos/a", now=NOW) == (ROW,)
