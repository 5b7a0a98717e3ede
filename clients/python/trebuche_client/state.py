"""Whether a client is connected, for those who want to show it."""

from dataclasses import dataclass
from enum import StrEnum


class ConnectionState(StrEnum):
    """Where a client stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class StateChange:
    """A client's connection has changed.

    Args:
        state: What it is now.
        reason: Why, where there is more to say than the state does.
    """

    state: ConnectionState
    reason: str | None = None
