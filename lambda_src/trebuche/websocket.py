"""The websocket function: connections, and frames on their way to the actors' functions."""

from collections.abc import Mapping
from typing import Any

from trebuche.forward import Routes, route
from trebuche.ports import Ports
from trebuche.serving import serve
from trebuche.socket_events import Reply, read_socket_event


class WebSocketLambdaHandler:
    """Answers the events of a WebSocket API.

    Args:
        ports: Where connections and subscriptions are kept, and how functions are called.
        routes: Exposed name to the ARN of the function that runs actors of this name.
    """

    def __init__(self, ports: Ports, routes: Routes) -> None:
        self._ports = ports
        self._routes = routes

    def handle(self, event: Mapping[str, Any]) -> Reply:
        """Answer a connect, a disconnect or a message; always with a status code, whatever the event."""
        read = read_socket_event(event)
        return serve(self._ports, read, route(self._routes, read, event))
