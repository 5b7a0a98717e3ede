"""The websocket function: connections, and frames on their way to the actors' functions."""

from collections.abc import Mapping
from typing import Any

from trebuche.forward import route
from trebuche.ports import Ports
from trebuche.serving import serve
from trebuche.socket_events import Reply, read_socket_event


class WebSocketLambdaHandler:
    """Answers the events of a WebSocket API.

    Args:
        ports: Where connections and subscriptions are kept, how functions are found and called.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def handle(self, event: Mapping[str, Any]) -> Reply:
        """Answer a connect, a disconnect or a message; always with a status code, whatever the event."""
        read = read_socket_event(event)
        return serve(self._ports, read, route(read, event))
