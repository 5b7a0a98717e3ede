"""Only the latest value per window, for subscribers that want no more: which changes stand for which.

A subscriber says so with a filter, an actor type for all of its own; the subscription's row keeps it, so that the
stream processor needs to know neither.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from trebuche.changes import Change
from trebuche.envelope_types import StreamFilter
from trebuche.filters import latest_window_ms
from trebuche.stored import Subscription

LATEST: Final = "latest"
EVERY: Final = "every"
LONGEST_HELD_MS: Final = 1_000
"""For which an invocation waits: the shard's other actors wait with it."""


def delivery_of(stream_filter: StreamFilter | None, window_ms: int) -> str:
    """What a row says under ``delivery``: ``every``, or ``latest:<milliseconds>``.

    Args:
        stream_filter: The subscriber's, which counts first.
        window_ms: Of the actor type; 0 when it wants every value delivered.
    """
    window = latest_window_ms(stream_filter) or window_ms
    return f"{LATEST}:{window}" if window else EVERY


def window_ms(row: Subscription) -> int:
    """Milliseconds per value of a subscription; 0 when it gets every one."""
    kind, _, window = row.delivery.partition(":")
    return int(window) if kind == LATEST else 0


def merged(changes: Sequence[Change]) -> Iterator[Change]:
    """Changes of one actor with those left out that a later one of them stands for; an end always stands alone.

    One that stands for others has the sequence number from which all of them come again.
    """
    run: list[Change] = []
    for change in changes:
        if change.state is None:
            yield from _stand_in(run)
            run = []
            yield change
        else:
            run.append(change)
    yield from _stand_in(run)


def hold_ms(rows: Sequence[Subscription]) -> int:
    """How long the next changes should be let come together before they are read: the shortest window.

    Nobody waits who wants every value: one such subscriber, and there is no wait.
    """
    return min((min(window_ms(row), LONGEST_HELD_MS) for row in rows), default=0)


def _stand_in(run: Sequence[Change]) -> Iterator[Change]:
    if run:
        yield replace(run[-1], sequence_number=run[0].sequence_number, earlier=tuple(run[:-1]))
