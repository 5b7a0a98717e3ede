"""Entry point of each actor type's function."""

from typing import Any, Protocol

from trebuche.adapters import environment
from trebuche.batches import BatchReply
from trebuche.gateway import CloudGateway
from trebuche.socket_events import Reply

_gateway = CloudGateway(environment.ports())
_gateway.expose(environment.actor_class(), stateful=environment.stateful())


class Context(Protocol):
    """What of Lambda's context counts here."""

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda stops the function."""


def handle(event: dict[str, Any], context: Context) -> Reply | BatchReply:
    """Answer a frame for an actor of this type, or bring late subscribers of one up to date."""
    time_left_ms = context.get_remaining_time_in_millis()
    if "Records" in event:
        return _gateway.catch_up(event, time_left_ms=time_left_ms)
    return _gateway.handle(event, time_left_ms=time_left_ms)
