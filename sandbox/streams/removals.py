"""Which items time to live has deleted, so that their records can say so."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sandbox.aws import Json

UNREAD_ITEMS: Final = 100_000


class TableId(NamedTuple):
    """A table; the emulator keeps every account's and every region's apart."""

    account: str
    region: str
    name: str


@dataclass(slots=True)
class Ledger:
    """Deletions of one table by the service itself.

    ``lock`` is held while such a deletion is under way: nobody reads the stream before its outcome is known.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    _watcher: Callable[[Json], None] | None = None

    def watch(self, watcher: Callable[[Json], None]) -> None:
        """Tell one ``watcher``, the last one, the key of each item that the service deletes."""
        self._watcher = watcher

    def note(self, keys: Json, first_ms: int, last_ms: int) -> None:
        """The item with these keys was deleted within these milliseconds of real time."""
        if len(self.spans) > UNREAD_ITEMS:  # nobody reads the stream, if there is one
            del self.spans[next(iter(self.spans))]
        self.spans.setdefault(_text(keys), []).append((first_ms, last_ms))
        if self._watcher is not None:
            self._watcher(keys)

    def take(self, keys: Json, at_ms: int) -> bool:
        """Whether a removal at that millisecond was the service's; each is told once."""
        spans = self.spans.get(_text(keys), [])
        match = next((span for span in spans if span[0] <= at_ms <= span[1]), None)
        if match is not None:
            spans.remove(match)
            if not spans:
                del self.spans[_text(keys)]
        return match is not None


class Removals:
    """The ledgers of all tables."""

    def __init__(self) -> None:
        self._ledgers: dict[TableId, Ledger] = {}

    def of(self, table: TableId) -> Ledger:
        """The ledger of a table."""
        return self._ledgers.setdefault(table, Ledger())


def _text(keys: Json) -> str:
    return json.dumps(keys, sort_keys=True)
