"""Subscribers that are kept from change to change, and when they are not."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from trebuche.adapters.audience_cache import LONGEST_SECONDS, MOST_OWNED, CachedAudiences
from trebuche.adapters.memory import InMemorySubscriptionStorage
from trebuche.stored import Phase, Subscription

NOW = 1_767_225_600
ACTOR = "todos/a"
ROWS = [
    Subscription(
        actor_id=ACTOR,
        stream_id=UUID(int=number),
        connection_id=f"c{number}",
        connected_at=0,
        target="observeState",
        opener=UUID(int=number),
        base=0,
        ttl=NOW + 60,
        phase=Phase.LIVE,
    )
    for number in range(10)
]


class Counting(InMemorySubscriptionStorage):
    """Counts how often all rows of an actor are read."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = 0

    def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
        """Count."""
        self.queries += 1
        return super().subscribers(actor_id, now=now)


@pytest.fixture
def storage() -> Counting:
    """One with ten live subscribers."""
    storage = Counting()
    storage.attached = {(row.actor_id, row.stream_id): row for row in ROWS}
    return storage


@pytest.fixture
def cached(storage: Counting) -> CachedAudiences:
    """A cache of them that has them."""
    cached = CachedAudiences(storage)
    for _ in range(2):
        assert len(cached.subscribers(ACTOR, now=NOW)) == 10
    storage.queries = 0
    return cached


def test_an_unchanged_audience_is_not_read_again(cached: CachedAudiences, storage: Counting) -> None:
    """However often its actor changes."""
    for _ in range(20):
        assert cached.subscribers(ACTOR, now=NOW) == tuple(ROWS)
    assert storage.queries == 0


def test_a_new_mark_has_it_read(cached: CachedAudiences, storage: Counting) -> None:
    """Somebody else, in another function, has added a row."""
    added = replace(ROWS[0], stream_id=UUID(int=99))
    storage.attached[ACTOR, added.stream_id] = added
    storage.mark_audience(ACTOR, ttl=NOW + 60)
    assert added in cached.subscribers(ACTOR, now=NOW)
    assert added in cached.subscribers(ACTOR, now=NOW)
    assert storage.queries == 1


def test_what_this_function_writes_has_it_read(cached: CachedAudiences, storage: Counting) -> None:
    """Also where it finds that somebody else has written before."""
    writes: tuple[Callable[[], object], ...] = (
        lambda: cached.go_opening(ROWS[1], 0, UUID(int=50)),
        lambda: cached.detach(ROWS[2], ttl=NOW + 60),
        lambda: cached.detach(ROWS[2], ttl=NOW + 60),
        lambda: cached.remove(ACTOR, ROWS[3].stream_id, "c3"),
        lambda: cached.open(ROWS[3], None, now=NOW),
        lambda: cached.mark_audience(ACTOR, ttl=NOW + 60),
    )
    for number, write in enumerate(writes, 1):
        write()
        assert cached.subscribers(ACTOR, now=NOW) == InMemorySubscriptionStorage.subscribers(storage, ACTOR, now=NOW)
        assert storage.queries == number


def test_rows_that_catch_ups_own_are_read_every_time(cached: CachedAudiences, storage: Counting) -> None:
    """By themselves: what a catch-up does to its row writes no mark. The others are still kept."""
    cached.go_opening(ROWS[1], 0, UUID(int=50))
    cached.go_opening(ROWS[2], 0, UUID(int=51))
    for _ in range(3):
        rows = cached.subscribers(ACTOR, now=NOW)
    assert storage.queries == 2
    assert [row.phase for row in rows].count(Phase.OPENING) == 2
    storage.flip_live(rows[1], 7)
    storage.detach(rows[2], ttl=NOW + 60)
    for _ in range(2):
        assert cached.subscribers(ACTOR, now=NOW) == InMemorySubscriptionStorage.subscribers(storage, ACTOR, now=NOW)
    assert storage.queries == 2


def test_many_rows_that_catch_ups_own_are_read_with_all_others(storage: Counting) -> None:
    """One read instead of one for each."""
    cached = CachedAudiences(storage)
    for row in ROWS[: MOST_OWNED + 1]:
        storage.go_opening(row, 0, row.opener)
    for number in range(1, 4):
        cached.subscribers(ACTOR, now=NOW)
        assert storage.queries == number


def test_a_small_audience_costs_no_mark(storage: Counting) -> None:
    """One read per change, as without a cache."""
    small = CachedAudiences(storage, least_rows=11)
    for number in range(1, 4):
        small.subscribers(ACTOR, now=NOW)
        assert storage.queries == number


def test_nothing_is_kept_for_long(cached: CachedAudiences, storage: Counting) -> None:
    """For a writer that died before its mark; and an expired row is left out at once."""
    assert cached.subscribers(ACTOR, now=NOW + LONGEST_SECONDS - 1) == tuple(ROWS)
    assert storage.queries == 0
    cached.subscribers(ACTOR, now=NOW + LONGEST_SECONDS)
    assert storage.queries == 1
    assert cached.subscribers(ACTOR, now=NOW + 60) == ()


def test_rows_are_kept_as_of_their_mark(storage: Counting) -> None:
    """A mark that is written while rows are being read counts for the next change."""

    class Racing(Counting):
        """Somebody subscribes right after the rows were read."""

        def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
            """Read, and then let the other one write."""
            rows = super().subscribers(actor_id, now=now)
            late = replace(ROWS[0], stream_id=UUID(int=100 + self.queries))
            self.attached[ACTOR, late.stream_id] = late
            self.mark_audience(ACTOR, ttl=NOW + 60)
            return rows

    racing = Racing()
    racing.attached = dict(storage.attached)
    cached = CachedAudiences(racing)
    assert [len(cached.subscribers(ACTOR, now=NOW)) for _ in range(4)] == [10, 11, 12, 13]
