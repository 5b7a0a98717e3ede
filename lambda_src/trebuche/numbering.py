"""Which numbers the values of a resumed stream have."""

from dataclasses import replace
from typing import Final

from trebuche.catch_up import Current
from trebuche.scalars import UINT64_MAX
from trebuche.stored import Phase, Subscription

NUMBERS_LEFT_OUT: Final = 100
"""When a stream is numbered anew: more than versions are written between two steps of a resume."""


def continued(
    row: Subscription, known: Subscription | None, seen: Current, last_sequence: int
) -> tuple[Subscription, bool]:
    """The row with its base and filter, and whether the numbers go on where they were.

    They do not when the client claims more than there is; when it has none of the numbers since the base was chosen
    anew (the resume that did so was lost, and with it what it left out); when there are no such numbers any more; and
    not when the actor was deleted since: its default state has no version of its own.
    """
    fresh = _numbered_anew(row, known, seen.version, last_sequence)
    if known is None or (known.actor_id, known.target) != (row.actor_id, row.target):
        return fresh, False
    deleted = known.phase is Phase.ENDED or (not seen.exists and seen.version > 0)
    told = known.since <= last_sequence <= seen.version - known.base <= UINT64_MAX
    if deleted or not told:
        return replace(fresh, filter=known.filter), False
    return replace(row, base=known.base, since=known.since, filter=known.filter), True


def _numbered_anew(row: Subscription, known: Subscription | None, version: int, last_sequence: int) -> Subscription:
    """The row with a base that gives every version a number above what the client says that it has.

    What may still be on its way to the client under the base before must not look like numbers of this one, as long as
    there are numbers left for that.
    """
    base = highest = version - last_sequence - 1
    if known is not None:
        base = min(base, known.base - NUMBERS_LEFT_OUT)
    if version - base > UINT64_MAX:
        base = highest
    return replace(row, base=base, since=version - base)
