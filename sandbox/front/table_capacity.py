"""What each table and each of its indexes may read and write (DynamoDB developer guide, "Burst and adaptive capacity").

A second's capacity is gained each second, and five minutes of it are kept. A request goes on while anything is left,
for nobody knows before what a query will read; what it takes beyond that has to be gained again.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sandbox.aws import Answer, Json
from sandbox.clock import Clock
from sandbox.faults.dynamodb import ItemsRequest
from sandbox.faults.throttling import ON_DEMAND, PROVISIONED, throttled
from sandbox.front.api_model import Limit
from sandbox.front.signature import Owner
from sandbox.telemetry.item_units import Consumed

KEPT_SECONDS: Final = 300.0
Kind = Literal["read", "write"]
Part = tuple[str | None, Kind]
"""An index by its name, or the table itself, and what is done to it."""
_CHANGES: Final = re.compile(r"DynamoDB_20120810\.(?:Create|Update|Delete|Restore)Table\w*")
_DELETES: Final = ".Delete"
_UNITS: Final[Mapping[bool, Mapping[Kind, str]]] = {
    True: {"read": "ReadCapacityUnits", "write": "WriteCapacityUnits"},
    False: {"read": "MaxReadRequestUnits", "write": "MaxWriteRequestUnits"},
}
"""How the units of provisioned capacity are called, and those of the most on demand."""
_NONE: Final = -1


class Bucket:
    """Units that are left, at first as many as are kept; a debt is a negative number of them.

    Args:
        limit: Units that are gained each second, and those that are kept.
        clock: Measures seconds.
    """

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self._limit, self._clock = limit, clock
        self._units, self._at = limit.burst, clock.now()

    def left(self) -> float:
        """What is left now."""
        now = self._clock.now()
        self._units = min(self._limit.burst, self._units + (now - self._at) * self._limit.rate)
        self._at = now
        return self._units

    def take(self, units: float) -> None:
        """Take what a request has consumed."""
        self._units = self.left() - units


@dataclass(frozen=True, slots=True)
class Capacity:
    """The buckets of a table; a part without one has no limit.

    Args:
        provisioned: Whether it is provisioned, or on demand with a most of its own.
        local: Names of the local secondary indexes, which live on the table's own capacity.
        buckets: By part.
    """

    provisioned: bool
    local: frozenset[str]
    buckets: Mapping[Part, Bucket]

    def bucket(self, index: str | None, kind: Kind) -> Bucket | None:
        """What a read or write of the table, or of an index, is taken from."""
        return self.buckets.get((None if index in self.local else index, kind))

    def is_empty(self, request: ItemsRequest) -> bool:
        """Whether nothing is left of what a request needs; a write may touch each of the indexes."""
        if request.writes:
            return any(bucket.left() <= 0 for (_, kind), bucket in self.buckets.items() if kind == "write")
        bucket = self.bucket(request.document.get("IndexName"), "read")
        return bucket is not None and bucket.left() <= 0


class TableCapacity:
    """The tables that have a limit: those with provisioned capacity, and those with a most of their own on demand.

    Args:
        clock: Fills the buckets.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tables: dict[tuple[Owner, str], Capacity] = {}

    @property
    def any(self) -> bool:
        """Whether there is a table with a limit."""
        return bool(self._tables)

    def observe(self, target: str, owner: Owner, answer: Answer) -> None:
        """Learn what a table may do, when it has been made or changed."""
        if not _CHANGES.fullmatch(target) or answer.status != 200:
            return
        table: Json = json.loads(answer.body).get("TableDescription") or {}
        place = (owner, str(table.get("TableName")))
        known = self._tables.pop(place, None)
        if _DELETES in target:
            return
        buckets = {part: Bucket(limit, self._clock) for part, limit in _limits(table)}
        local = frozenset(index["IndexName"] for index in table.get("LocalSecondaryIndexes") or ())
        if buckets:
            self._tables[place] = Capacity(_is_provisioned(table), local, _as_full_as(buckets, known))

    def refuse(self, request: ItemsRequest, owner: Owner) -> Answer | None:
        """What a request is answered for whose table, or index, nothing is left; None when it may go on."""
        struck = {table: capacity for table, capacity in self._limited(request, owner) if capacity.is_empty(request)}
        if not struck:
            return None
        provisioned = any(capacity.provisioned for capacity in struck.values())
        return throttled(request, struck, PROVISIONED if provisioned else ON_DEMAND)

    def take(self, consumed: Iterable[Consumed], owner: Owner) -> None:
        """Take what a request has consumed, also if a condition has refused it."""
        for one in consumed:
            capacity = self._tables.get((owner, one.table))
            if capacity and (bucket := capacity.bucket(one.index, one.kind)):
                bucket.take(one.units)

    def _limited(self, request: ItemsRequest, owner: Owner) -> Iterator[tuple[str, Capacity]]:
        for table in sorted(set(request.tables)):
            if capacity := self._tables.get((owner, table)):
                yield table, capacity


def _limits(table: Json) -> Iterator[tuple[Part, Limit]]:
    """Each part that has a limit."""
    provisioned = _is_provisioned(table)
    settings = "ProvisionedThroughput" if provisioned else "OnDemandThroughput"
    # Nothing is said of a burst on demand: a second's worth may come at once.
    kept = KEPT_SECONDS if provisioned else 1.0
    for one in (table, *(table.get("GlobalSecondaryIndexes") or ())):
        for kind, name in _UNITS[provisioned].items():
            if (rate := (one.get(settings) or {}).get(name, _NONE)) > 0:
                yield (one.get("IndexName"), kind), Limit(rate, rate * kept)


def _is_provisioned(table: Json) -> bool:
    return str((table.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED")) == "PROVISIONED"


def _as_full_as(buckets: dict[Part, Bucket], known: Capacity | None) -> dict[Part, Bucket]:
    """A changed table's buckets: what had been taken stays taken."""
    for part, bucket in buckets.items():
        before = known.buckets.get(part) if known else None
        if before is not None:
            bucket.take(max(0.0, bucket.left() - before.left()))
    return buckets
