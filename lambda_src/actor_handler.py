"""Entry point of each actor type's function."""

from typing import Any

from trebuche.adapters import environment
from trebuche.gateway import CloudGateway
from trebuche.socket_events import Reply

_gateway = CloudGateway(environment.ports())
_gateway.expose(environment.actor_class(), stateful=environment.stateful())


def handle(event: dict[str, Any], _context: object) -> Reply:
    """Answer a frame for an actor of this type."""
    return _gateway.handle(event)
