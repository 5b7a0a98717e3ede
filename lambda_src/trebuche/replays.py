"""What the journal has for a reader that lacks some versions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from trebuche.actor_types import ActorType
from trebuche.effects import Now, ReadJournal, Routine, perform
from trebuche.errors import NewerStateError, StateError
from trebuche.stored import JournalEntry, Subscription

REPLAY_LIMIT: Final = 100
"""Frames of a replay; a client that missed more is better off with one snapshot."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What the journal has of the versions that a reader lacks.

    Attributes:
        actor_id: The actor.
        entries: The version that it has last (to compare with, may be missing) and all after it, as they were written.
            None when they are too many or incomplete, or when the actor was deleted and came back between.
        came_back: Whether the actor was deleted, and came back, between.
        deleted: Whether it was deleted after the stream was asked for. Its reader may have values of before, noted or
            not, and has to be told: that deletion's own record passes over whoever has values of after it.
    """

    actor_id: str
    entries: tuple[JournalEntry, ...] | None = None
    came_back: bool = False
    deleted: bool = False

    def replay(self, actor_type: ActorType) -> tuple[JournalEntry, ...] | None:
        """The entries as today's code would have written them; None also when one is no longer readable.

        Raises:
            NewerStateError: All of them are there, and newer code can read them.
        """
        if self.entries is None:
            return None
        try:
            return tuple(
                replace(entry, state=actor_type.today(self.actor_id, entry.state, entry.schema))
                for entry in self.entries
            )
        except NewerStateError:
            raise
        except StateError:
            return None


def read_missed(row: Subscription, after: int, last: int) -> Routine[Missed]:
    """What a subscription's reader lacks that has everything up to ``after``, up to ``last``."""
    if last - after > REPLAY_LIMIT:
        return Missed(row.actor_id)
    now_ms = yield from perform(Now())
    entries = yield from perform(ReadJournal(row.actor_id, after, last, now_ms // 1000))
    if any(_came_back(entry, after) for entry in entries):
        return Missed(row.actor_id, came_back=True, deleted=_last_before(entries, after) >= row.born)
    missed = [entry.version for entry in entries if entry.version > after]
    # A hole must not pass for a replay: something has expired, or was written past the runtime.
    return Missed(row.actor_id, entries if missed == list(range(after + 1, last + 1)) else None)


def _came_back(entry: JournalEntry, after: int) -> bool:
    """Whether the actor was deleted between a version and this one, the first that was written then."""
    return entry.first and entry.version > max(after, 1)


def _last_before(entries: Sequence[JournalEntry], after: int) -> int:
    """The version that was deleted last, or one before it where the journal does not have that any more."""
    *_, back = (entry.version for entry in entries if _came_back(entry, after))
    return max([after, *(entry.version for entry in entries if entry.version < back)])
