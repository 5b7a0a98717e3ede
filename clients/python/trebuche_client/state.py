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
    """A client's connection has changed, or one more attempt to connect has failed.

    Args:
        state: What it is now.
        reason: Why, where there is more to say than the state does.
        failures: How many attempts in a row have failed since there was a connection.
    """

    state: ConnectionState
    reason: str | None = None
    failures: int = 0
