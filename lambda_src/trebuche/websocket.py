"""The websocket function: connections, and frames on their way to the actors' functions."""

from collections.abc import Mapping
from typing import Any

from trebuche.auth.admission import Admission
from trebuche.batches import BatchReply, batch_reply, received_ms
from trebuche.departures import see_off
from trebuche.forward import route
from trebuche.ports import Ports
from trebuche.runtime import PATIENCE_MS, Runtime
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
        admission = Admission.of(self._ports)
        return serve(self._ports, read, route(read, event, admission=admission, idle_seconds=self._ports.idle_seconds))

    def see_off(self, event: Mapping[str, Any], *, time_left_ms: int = PATIENCE_MS) -> BatchReply:
        """Close those connections that have to go, out of a batch of messages about some; which have to come again.

        Args:
            event: A batch as Lambda reads it from SQS.
            time_left_ms: How long the function may still run.
        """
        records = event["Records"]
        messages = {str(record["messageId"]): str(record["body"]) for record in records}
        runtime = Runtime(self._ports, event_time_ms=received_ms(records), time_left_ms=time_left_ms)
        failed = runtime.run(see_off(messages, self._ports.idle_seconds))
        runtime.report("see-off", {"messages": len(messages), "failed": len(failed)})
        return batch_reply(failed)
