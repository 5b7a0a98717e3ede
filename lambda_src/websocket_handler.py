"""Entry point of the websocket function."""

from typing import Any, Protocol

from trebuche.adapters import environment
from trebuche.batches import BatchReply
from trebuche.socket_events import Reply
from trebuche.websocket import WebSocketLambdaHandler

_handler = WebSocketLambdaHandler(environment.ports())


class Context(Protocol):
    """What of Lambda's context counts here."""

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda stops the function."""


def handle(event: dict[str, Any], context: Context) -> Reply | BatchReply:
    """Answer a connect, a disconnect or a message; or look at connections whose time may be over."""
    if "Records" in event:
        return _handler.see_off(event, time_left_ms=context.get_remaining_time_in_millis())
    return _handler.handle(event)
