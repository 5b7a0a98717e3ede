"""Recorded frames: one JSON document a line, ``{"from": "client" or "server", "frame"}``, without their content."""

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from cli.errors import CommandError
from cli.rehearse import Call
from cli.smoke import Step

FRAMES_FOLDER: Final = Path(".trebuche", "frames")
MASK: Final = "…"
CLIENT: Final = "client"
SERVER: Final = "server"
_FORM: Final = frozenset(
    {
        "callID", "streamID", "actorID", "targetIdentifier", "protocolVersion", "sequenceNumber", "lastSequence",
        "timestamp", "code", "retryable", "reason", "recovered", "upTo", "delivery", "skipped",
    }
)  # fmt: skip
"""Members of payloads that say who, what and when; anything else may be content."""


def frames_file(root: Path, stack: str) -> Path:
    """Where the frames of a stage are recorded."""
    return root / FRAMES_FOLDER / f"{stack}.jsonl"


def read_calls(path: Path) -> list[Call]:
    """The calls and observations that clients sent; none when nothing was recorded.

    Raises:
        CommandError: The file is not what ``trebuche record`` writes.
    """
    if not path.exists():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        numbered = enumerate(lines, start=1)
        return [call for number, line in numbered for call in _calls(line, f"{path.name}:{number}")]
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is not what `trebuche record` writes; delete it, or record anew.") from error


def calls_of(steps: Iterable[Step]) -> list[Call]:
    """The same for the steps of a smoke test."""
    return [
        Call(one.actor, one.target, tuple(json.dumps(value) for value in one.arguments), one.place or "smoke test")
        for one in steps
    ]


def _calls(line: dict[str, Any], place: str) -> Iterator[Call]:
    frame = line["frame"]
    if line["from"] == CLIENT and frame.get("type") == "invocation":
        payload = frame["payload"]
        arguments = tuple(base64.b64decode(one).decode() for one in payload.get("arguments", ()))
        yield Call(payload["actorID"]["id"], payload["targetIdentifier"], arguments, place)


def redacted(frame: Any) -> Any:
    """A frame without content: in arguments texts become ``…`` and numbers 0; answers and states are left out.

    What the gate needs is kept: who was called, and which members of which kind the arguments had. What is not known
    to be form (a filter's parameters, a frame of another kind) is content.
    """
    if not isinstance(frame, dict):
        return MASK
    kept = {key: frame[key] for key in ("action", "type") if isinstance(frame.get(key), str)}
    if not isinstance(payload := frame.get("payload"), dict):
        return kept
    masked = {key: value if key in _FORM else MASK for key, value in payload.items()}
    if isinstance(arguments := payload.get("arguments"), list):
        masked["arguments"] = [_masked_argument(one) for one in arguments]
    return {**kept, "payload": masked}


def _masked_argument(value: Any) -> Any:
    try:
        document = json.loads(base64.b64decode(value, validate=True))
    except (ValueError, TypeError):
        return MASK
    return base64.b64encode(json.dumps(_masked(document)).encode()).decode()


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(content) for key, content in value.items()}
    if isinstance(value, list):
        return [_masked(one) for one in value]
    if isinstance(value, str):
        return MASK
    return value if isinstance(value, bool) or value is None else 0
