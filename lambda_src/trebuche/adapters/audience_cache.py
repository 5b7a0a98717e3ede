"""Subscribers of hot actors, kept from change to change.

A thousand rows are some 75 read units, and reading them takes longer than posting to them.

What is kept counts only while the actor's audience has the mark that it had before the rows were read. Whoever adds a
row, or takes one out of the fan-out, writes the row, then a new mark, and only then goes on; so a reader that still
found the old mark did so before a new subscriber read the state that it begins with.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from trebuche.ports import SubscriptionStorage
from trebuche.stored import Phase, Subscription

LEAST_ROWS: Final = 8
"""Fewer are read about as fast as the mark is."""
MOST_ROWS: Final = 20_000
"""Of all actors together: some ten megabytes."""
MOST_OWNED: Final = 8
"""Rows that catch-ups own, each of which is read by itself; with more of them all are read together."""
LONGEST_SECONDS: Final = 30
"""After that rows are read anew, for writers that died between a row and its mark."""


@dataclass(frozen=True, slots=True)
class _Audience:
    mark: str | None
    """None: read without one, so only how many there are counts."""
    read_at: int
    rows: tuple[Subscription, ...]


class CachedAudiences:
    """A storage whose ``subscribers`` may be kept ones; for one fan-out at a time.

    Args:
        storage: Where they are.
        least_rows: How many an actor must have for them to be kept.
    """

    def __init__(self, storage: SubscriptionStorage, *, least_rows: int = LEAST_ROWS) -> None:
        self._storage = storage
        self._least_rows = least_rows
        self._kept: OrderedDict[str, _Audience] = OrderedDict()

    def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
        """Every attached subscription of an actor."""
        kept = self._kept.pop(actor_id, None)
        # Before the rows: whoever writes one after that writes a mark that differs. For a few rows it is not worth it.
        mark = self._storage.audience(actor_id) if kept else None
        if kept is None or kept.mark is None or kept.mark != mark or now - kept.read_at >= LONGEST_SECONDS:
            kept = _Audience(mark, now, self._storage.subscribers(actor_id, now=now))
        else:
            kept = replace(kept, rows=tuple(self._seen_to(kept.rows, now)))
        # A client that does not read, which one of a thousand mostly is, must not have all of them read each time.
        if len(kept.rows) >= self._least_rows and sum(map(_is_owned, kept.rows)) <= MOST_OWNED:
            self._keep(actor_id, kept)
        return tuple(row for row in kept.rows if row.ttl > now)

    def audience(self, actor_id: str) -> str:
        """The mark of an actor's audience."""
        return self._storage.audience(actor_id)

    def mark_audience(self, actor_id: str, *, ttl: int) -> None:
        """Give it a new mark."""
        self._kept.pop(actor_id, None)
        self._storage.mark_audience(actor_id, ttl=ttl)

    def load(self, actor_id: str, stream_id: UUID, *, now: int) -> Subscription | None:
        """An attached subscription."""
        return self._storage.load(actor_id, stream_id, now=now)

    def find_detached(self, stream_id: UUID, *, principal: str | None = None, now: int) -> Subscription | None:
        """A detached subscription of somebody's."""
        return self._storage.find_detached(stream_id, principal=principal, now=now)

    def open(self, row: Subscription, replaces: Subscription | None, *, now: int) -> bool:
        """Write a row in the place of another, or of none or an expired one."""
        self._kept.pop(row.actor_id, None)
        return self._storage.open(row, replaces, now=now)

    def flip_live(self, row: Subscription, version: int) -> Subscription | None:
        """Turn ``opening`` into ``live``."""
        return self._storage.flip_live(row, version)

    def raise_pending(self, row: Subscription, version: int) -> Subscription | None:
        """Raise ``pending`` of an opening row."""
        return self._storage.raise_pending(row, version)

    def mark_ended(self, row: Subscription) -> Subscription | None:
        """Turn ``opening`` into ``ended``."""
        return self._storage.mark_ended(row)

    def go_opening(self, row: Subscription, sent: int, opener: UUID) -> bool:
        """Turn ``live`` or ``opening`` into ``opening`` of another opener."""
        self._kept.pop(row.actor_id, None)
        return self._storage.go_opening(row, sent, opener)

    def detach(self, row: Subscription, *, ttl: int) -> bool:
        """Keep a row for a resume; also one that looks different by now, which is why its post failed."""
        self._kept.pop(row.actor_id, None)
        return self._storage.detach(row, ttl=ttl)

    def remove(self, actor_id: str, stream_id: UUID, connection_id: str, *, opener: UUID | None = None) -> bool:
        """Delete a row if it is attached to this connection."""
        self._kept.pop(actor_id, None)
        return self._storage.remove(actor_id, stream_id, connection_id, opener=opener)

    def _seen_to(self, rows: Iterable[Subscription], now: int) -> Iterator[Subscription]:
        """Rows as they are: those that catch-ups own look different at any moment, and write no mark for it."""
        for row in rows:
            found = self._storage.load(row.actor_id, row.stream_id, now=now) if _is_owned(row) else row
            if found is not None:
                yield found

    def _keep(self, actor_id: str, audience: _Audience) -> None:
        self._kept[actor_id] = audience
        while len(self._kept) > 1 and sum(len(kept.rows) for kept in self._kept.values()) > MOST_ROWS:
            self._kept.popitem(last=False)


def _is_owned(row: Subscription) -> bool:
    return row.phase is not Phase.LIVE
