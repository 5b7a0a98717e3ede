"""What a record of the state table's stream says, as Lambda delivers it."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trebuche.contract import ACTOR_ID, SHAPE, STATE, UPDATED_AT, VERSION
from trebuche.scalars import UINT64_MAX

UNREADABLE: Final = b""
# Who removes an item when its TTL is over (DynamoDB guide, "DynamoDB Streams and Time to Live").
_SERVICE: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an actor's state.

    Attributes:
        sequence_number: Of the record: decimal text of 21 to 40 digits.
        version: Of the state; of the last one when it was deleted.
        state: JSON document; None when it was deleted, empty when the item holds none that can be read.
        previous: What it was before; None when there was none that can be read.
        updated_at: When the state was written, in milliseconds; None when it was deleted or does not say.
        shape: What the code knew that wrote the state; empty when it was deleted or does not say.
        earlier: Those before it that it stands for, where only the latest counts.
    """

    sequence_number: str
    actor_id: str
    version: int
    state: bytes | None
    previous: bytes | None
    updated_at: int | None = None
    shape: str = ""
    earlier: tuple["Change", ...] = ()

    @property
    def first(self) -> "Change":
        """The first of those that it stands for; most stand for themselves only."""
        return self.earlier[0] if self.earlier else self


def read_change(record: Mapping[str, Any]) -> Change | None:
    """The change in a record; None when it is none for subscribers.

    None are: an expiry by DynamoDB (a deletion by a person or a program is one), a write that keeps the version, and
    the deletion of an item without state or version. The writing of such an item is one, under the next version: its
    subscribers have to be told.
    """
    data = _mapping(record.get("dynamodb"))
    new, old = _image(data.get("NewImage")), _image(data.get("OldImage"))
    if new is None and isinstance(data.get("NewImage"), Mapping):
        new = (old[0] + 1 if old else 1), UNREADABLE
    actor_id = _mapping(_mapping(data.get("Keys")).get(ACTOR_ID)).get("S")
    sequence_number = data.get("SequenceNumber")
    deleted = record.get("eventName") == "REMOVE"
    current = old if deleted else new
    if not actor_id or not sequence_number or current is None or _expired(record):
        return None
    # DynamoDB records no write that changes nothing; this one changed something besides the state.
    if not deleted and old is not None and old[0] == current[0]:
        return None
    return Change(
        sequence_number=sequence_number,
        actor_id=actor_id,
        version=current[0],
        state=None if deleted else current[1],
        previous=old[1] if old and not deleted else None,
        updated_at=None if deleted else _updated_at(data["NewImage"]),
        shape="" if deleted else str(_mapping(data["NewImage"].get(SHAPE)).get("S") or ""),
    )


def event_time_ms(records: list[Mapping[str, Any]]) -> int:
    """When the newest of the records was made; 0 when they do not say."""
    # In seconds, unlike every other time here.
    times = (_mapping(record.get("dynamodb")).get("ApproximateCreationDateTime") or 0 for record in records)
    return int(max(times, default=0) * 1000)


def _expired(record: Mapping[str, Any]) -> bool:
    return _SERVICE.items() <= _mapping(record.get("userIdentity")).items()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _image(image: Mapping[str, Any] | None) -> tuple[int, bytes] | None:
    """Version and state of an item; numbers come as text, bytes as base64."""
    if image is None:
        return None
    try:
        version, state = int(image[VERSION]["N"]), base64.b64decode(image[STATE]["B"], validate=True)
    except (KeyError, TypeError, ValueError):
        return None
    return (version, state) if 0 < version <= UINT64_MAX else None


def _updated_at(image: Mapping[str, Any]) -> int | None:
    try:
        return int(image[UPDATED_AT]["N"])
    except (KeyError, TypeError, ValueError):
        return None
