"""Counts billed units, by unit, resource and cause."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.clock import Clock
from sandbox.meter.units import (
    CONNECTION_MINUTES,
    MESSAGE_PIECE_BYTES,
    MESSAGES,
    TRANSFER_OUT,
    pieces,
    started_minutes,
)

CONNECTED = "connected"


class Place(NamedTuple):
    """Whose resource it is; ``resource`` is its name, of an API ``id/stage``, of an index ``table/index/name``."""

    account: str
    region: str
    resource: str


@dataclass(frozen=True, slots=True)
class Reading:
    """So much of one unit, by one resource for one cause."""

    unit: str
    account: str
    region: str
    resource: str
    cause: str
    amount: float


class Meter:
    """The counters of a whole sandbox.

    Args:
        clock: Measures how long connections last.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: defaultdict[tuple[str, Place, str], float] = defaultdict(float)
        self._open: dict[str, tuple[Place, float]] = {}
        self.since = clock.now()

    def count(self, unit: str, place: Place, cause: str, amount: float = 1.0) -> None:
        """Add so much of a unit."""
        self._counts[unit, place, cause] += amount

    def message(self, place: Place, cause: str, size: int, *, outbound: bool) -> None:
        """Add one message of so many bytes on a socket of an API."""
        self.count(MESSAGES, place, cause, pieces(size, MESSAGE_PIECE_BYTES))
        if outbound:
            self.count(TRANSFER_OUT, place, cause, size)

    def opened(self, connection_id: str, place: Place) -> None:
        """A connection is billed from now on."""
        self._open[connection_id] = place, self._clock.now()

    def closed(self, connection_id: str) -> None:
        """A connection has ended."""
        place, began = self._open.pop(connection_id)
        self.count(CONNECTION_MINUTES, place, CONNECTED, started_minutes(self._clock.now() - began))

    def read(self) -> Iterator[Reading]:
        """Everything since the last reset, in order; connections that are open count until now."""
        counts = self._counts.copy()
        for place, began in self._open.values():
            counts[CONNECTION_MINUTES, place, CONNECTED] += started_minutes(self._clock.now() - began)
        for (unit, place, cause), amount in sorted(counts.items()):
            yield Reading(unit, *place, cause, amount)

    def reset(self) -> None:
        """Begin at zero; a connection that is open begins a new minute."""
        self._counts.clear()
        self.since = self._clock.now()
        self._open = {connection: (place, self.since) for connection, (place, _) in self._open.items()}
