"""Reminders of late subscribers as texts, and which rows they are still about.

``{"actorId": "todos/a", "streamId": "…", "opener": "…", "start": 1767225600000}``
"""

from typing import Final
from uuid import UUID, uuid5

from trebuche.documents import Json, dumps, loads
from trebuche.errors import MalformedError
from trebuche.scalars import read_text, read_uint64, read_uuid, write_uuid
from trebuche.stored import Reminder

LONGEST_LINE: Final = 100
"""How many workers may have died over one reminder; it comes about twenty times before its queue forgets it."""
_TAKEN_OVER: Final = "trebuche-worker"
_PUT_OFF: Final = "trebuche-put-off"


def write_reminder(reminder: Reminder) -> str:
    """A message's body."""
    return dumps(
        {
            "actorId": reminder.actor_id,
            "streamId": write_uuid(reminder.stream_id),
            "opener": write_uuid(reminder.opener),
            "start": reminder.start,
        }
    )


def read_reminder(body: str) -> Reminder:
    """What a message's body says.

    Raises:
        MalformedError: It is no reminder.
    """
    document = loads(body)
    if not isinstance(document, dict):
        raise MalformedError("expected a reminder, got no object")
    return Reminder(
        actor_id=read_text(_member(document, "actorId")),
        stream_id=read_uuid(_member(document, "streamId")),
        opener=read_uuid(_member(document, "opener")),
        start=read_uint64(_member(document, "start")),
    )


def successor(opener: UUID) -> UUID:
    """The opener of whoever takes a row over in the name of a reminder."""
    # Computed, not drawn: so the reminder still fits a row that a worker took over and died on (D9).
    return uuid5(opener, _TAKEN_OVER)


def deferred(opener: UUID) -> UUID:
    """The opener of a row that was put off by a catch-up with this one.

    Only the reminder that was sent with it knows the row by that, and those that come again for a worker that died. All
    earlier ones are about nothing then: else each would put the row off once more, and their number would grow.
    """
    return uuid5(opener, _PUT_OFF)


def is_about(reminder: Reminder, opener: UUID) -> bool:
    """Whether a row with this opener is the one that was meant, or what dead workers have left of it."""
    named, put_off = reminder.opener, deferred(reminder.opener)
    for _ in range(LONGEST_LINE):
        if opener in (named, put_off):
            return True
        named, put_off = successor(named), successor(put_off)
    return False


def _member(document: dict[str, Json], key: str) -> Json:
    if key not in document:
        raise MalformedError("is missing", key)
    return document[key]
