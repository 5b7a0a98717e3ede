"""Entry point of the websocket function."""

from typing import Any

from trebuche.adapters import environment
from trebuche.socket_events import Reply
from trebuche.websocket import WebSocketLambdaHandler

_handler = WebSocketLambdaHandler(environment.ports())


def handle(event: dict[str, Any], _context: object) -> Reply:
    """Answer a connect, a disconnect or a message."""
    return _handler.handle(event)
