"""Log lines: one JSON object each, never a payload, and no secret.

Keys: ``level``, ``event``, and where they apply ``correlationId`` (the trace's id, else the callID or streamId; the
same in every function that handles a frame), ``ref``, ``callID``, ``actorId``, ``target``, ``connectionId``,
``streamId``, ``code``, ``statusCode``, ``durationMs``, ``exception`` (the traceback as text), and the members of a
metrics document.
"""

import json
import traceback
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from trebuche.redaction import REDACTED, is_secret, redacted_text

INFO: Final = "INFO"
WARNING: Final = "WARNING"
ERROR: Final = "ERROR"

LONGEST_FIELD: Final = 1_024
"""Characters; clients choose the length of ids and targets."""


def line(level: str, event: str, fields: Mapping[str, object], error: BaseException | None = None) -> str:
    """One log line; fields that are None are left out, UUIDs are written in upper case as on the wire."""
    return json.dumps(_record(level, event, fields, error), ensure_ascii=True)


def closing_lines(event: str, fields: Mapping[str, object], metrics: Iterable[Mapping[str, object]]) -> list[str]:
    """The line that says how an invocation went, with its first metrics document; a line each for further ones."""
    first, *others = list(metrics) or [{}]
    records = [_record(INFO, event, fields) | dict(first)]
    records += [_record(INFO, "metrics", {}) | dict(document) for document in others]
    return [json.dumps(record, ensure_ascii=True) for record in records]


def _record(
    level: str, event: str, fields: Mapping[str, object], error: BaseException | None = None
) -> dict[str, object]:
    record: dict[str, object] = {"level": level, "event": event}
    record.update((key, _field(key, value)) for key, value in fields.items() if value is not None)
    if error is not None:
        record["exception"] = redacted_text("".join(traceback.format_exception(error)).rstrip())
    return record


def _field(key: str, value: object) -> object:
    if is_secret(key):
        return REDACTED
    if isinstance(value, bool | int | float):
        return value
    text = redacted_text(str(value).upper() if isinstance(value, UUID) else str(value))
    return text if len(text) <= LONGEST_FIELD else f"{text[:LONGEST_FIELD]}…"
