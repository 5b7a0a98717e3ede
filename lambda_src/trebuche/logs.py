"""Log lines: one JSON object each, never a payload.

Keys: ``level``, ``event``, and where they apply ``ref``, ``callID``, ``actorId``, ``target``, ``connectionId``,
``streamId``, ``code``, ``statusCode``, ``durationMs``, ``exception`` (the traceback as text).
"""

import json
import traceback
from collections.abc import Mapping
from typing import Final
from uuid import UUID

INFO: Final = "INFO"
WARNING: Final = "WARNING"
ERROR: Final = "ERROR"


def line(level: str, event: str, fields: Mapping[str, object], error: BaseException | None = None) -> str:
    """One log line; fields that are None are left out, UUIDs are written in upper case as on the wire."""
    record: dict[str, object] = {"level": level, "event": event}
    record.update((key, _plain(value)) for key, value in fields.items() if value is not None)
    if error is not None:
        record["exception"] = "".join(traceback.format_exception(error)).rstrip()
    return json.dumps(record, ensure_ascii=True)


def _plain(value: object) -> object:
    if isinstance(value, bool | int | float | str):
        return value
    return str(value).upper() if isinstance(value, UUID) else str(value)
