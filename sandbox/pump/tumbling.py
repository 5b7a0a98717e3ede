"""Tumbling windows: what a function aggregates over a time of the stream (Lambda developer guide).

A window belongs to a time of the clock's, not to when its first record came, and a record to the window in which it was
written. Each lane of a shard has windows, and a state, of its own.
"""

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sandbox.aws import Json

STATE_BYTES: Final = 1024 * 1024
"""The longest state; with a longer one the window ends early."""


@dataclass(slots=True)
class Window:
    """A window that has begun, and what the function has returned of it so far; seconds since the epoch."""

    start: float
    end: float
    state: Json = field(default_factory=dict)

    @property
    def overflows(self) -> bool:
        """Whether its state has become too long."""
        return len(json.dumps(self.state).encode()) > STATE_BYTES

    def event(self, records: list[Json], *, shard_id: str, stream: str, final: bool) -> Json:
        """The event of an invocation; ``final`` for the window's last one."""
        return {
            "Records": records,
            "window": {"start": _iso(self.start), "end": _iso(self.end)},
            "state": self.state,
            "shardId": shard_id,
            "eventSourceARN": stream,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": final and self.overflows,
        }

    def keep(self, payload: bytes) -> None:
        """Keep the state that a function has returned; one that returned none begins with nothing again."""
        try:
            answer = json.loads(payload or b"null")
        except ValueError:
            answer = None
        state = answer.get("state") if isinstance(answer, dict) else None
        self.state = state if isinstance(state, dict) else {}


def window_of(record: Json, seconds: int) -> Window:
    """The window in which a record was written, with no state yet."""
    start = math.floor(record["dynamodb"]["ApproximateCreationDateTime"] / seconds) * seconds
    return Window(start, start + seconds)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
