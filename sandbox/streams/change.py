"""One change of a table as AWS shows it, made from the emulator's own record. Pure."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from sandbox.aws import Json
from sandbox.streams.sizes import size_of

SERVICE: Final[Json] = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
_MILLISECOND_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """When and as which of all changes the emulator recorded one: both stand in its sequence numbers."""

    milliseconds: int
    number: int

    @classmethod
    def of(cls, sequence: str) -> "Origin":
        """Read an emulator's sequence number: 20 digits of real time, then a counter."""
        return cls(int(sequence[:_MILLISECOND_DIGITS]), int(sequence[_MILLISECOND_DIGITS:]))

    @property
    def sequence(self) -> str:
        """As AWS's: no leading zeros and of varying length, so that only numbers compare, never texts."""
        return f"{self.number}{self.milliseconds:020d}"


@dataclass(frozen=True, slots=True)
class Change:
    """One record of a stream.

    Args:
        record: In GetRecords' form.
        created: Seconds since the epoch on the sandbox's clock.
        partition: 32-bit hash of the partition key: decides shard and lane.
    """

    record: Json
    created: float
    partition: int

    @property
    def sequence(self) -> str:
        """The sequence number."""
        return str(self.record["dynamodb"]["SequenceNumber"])

    def event(self, stream_arn: str) -> Json:
        """The record in the form in which Lambda hands it to a function."""
        record = {**self.record, "eventSourceARN": stream_arn}
        if identity := record.pop("userIdentity", None):
            record["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
        return record


def read_change(raw: Json, *, partition_key: str, created: float, by_service: bool) -> Change:
    """A change from the emulator's record.

    Args:
        raw: What the emulator's GetRecords gave.
        partition_key: Name of the table's hash key.
        created: When, on the sandbox's clock.
        by_service: Whether time to live deleted the item.
    """
    change = raw["dynamodb"]
    images = (change.get(part, {}) for part in ("Keys", "NewImage", "OldImage"))
    shown = {
        **change,
        "ApproximateCreationDateTime": float(int(created)),  # AWS rounds to the second
        "SequenceNumber": Origin.of(change["SequenceNumber"]).sequence,
        "SizeBytes": sum(map(size_of, images)),
    }
    # AWS's ids are hexadecimal digits without hyphens.
    record = {**raw, "eventID": raw["eventID"].replace("-", ""), "dynamodb": shown}
    if by_service:
        record["userIdentity"] = SERVICE
    return Change(record, created, _partition_of(change["Keys"].get(partition_key)))


def _partition_of(key: object) -> int:
    """Spreads even keys that differ in one character only."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:4])
