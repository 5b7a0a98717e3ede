"""Hosts actors: in an actor's function, in a test, or in any process that has ports."""

from collections.abc import Mapping
from typing import Any

from trebuche.actor_types import ActorType
from trebuche.actors import Actor
from trebuche.auth.admission import Admission
from trebuche.batches import BatchReply, batch_reply, received_ms
from trebuche.dispatch import dispatch, process
from trebuche.envelopes import InvocationEnvelope, ResponseEnvelope
from trebuche.ports import Ports
from trebuche.runtime import PATIENCE_MS, Runtime
from trebuche.serving import serve
from trebuche.socket_events import Reply, read_socket_event
from trebuche.worker import work_off


class CloudGateway:
    """Exposes actors by name and carries out what clients ask of them.

    Args:
        ports: Where state is kept and frames are sent.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._directory: dict[str, ActorType] = {}

    def expose(
        self, actor_class: type[Actor[Any]], as_name: str | None = None, *, stateful: bool = True, window_ms: int = 0
    ) -> None:
        """Let clients call actors of a class.

        Args:
            actor_class: The class.
            as_name: The name they use; by default the one the class declares.
            stateful: Whether state is kept between calls.
            window_ms: Milliseconds per value for its subscribers, who get the latest; 0 when they get every one.

        Raises:
            TypeError: The class cannot be exposed; the text says why.
            ValueError: The name is taken.
        """
        actor_type = ActorType(actor_class, exposed_as=as_name, stateful=stateful, window_ms=window_ms)
        if actor_type.exposed_as in self._directory:
            raise ValueError(f"'{actor_type.exposed_as}' is exposed already")
        self._directory[actor_type.exposed_as] = actor_type

    def process(self, invocation: InvocationEnvelope) -> ResponseEnvelope:
        """Carry out a call; every failure is a response."""
        return Runtime(self._ports).run(process(self._directory, invocation))

    def handle(self, event: Mapping[str, Any], *, time_left_ms: int = PATIENCE_MS) -> Reply:
        """Answer one event of API Gateway's, whether it came directly or through the websocket function.

        Args:
            event: The event.
            time_left_ms: How long the function may still run.
        """
        read = read_socket_event(event)
        routine = dispatch(self._directory, read.caller, read.body, Admission.of(self._ports))
        return serve(self._ports, read, routine, time_left_ms=time_left_ms)

    def catch_up(self, event: Mapping[str, Any], *, time_left_ms: int = PATIENCE_MS) -> BatchReply:
        """Bring those subscribers up to date that a batch of messages is about; which of them have to come again.

        Args:
            event: A batch as Lambda reads it from SQS.
            time_left_ms: How long the function may still run.
        """
        records = event["Records"]
        messages = {str(record["messageId"]): str(record["body"]) for record in records}
        runtime = Runtime(self._ports, event_time_ms=received_ms(records), time_left_ms=time_left_ms)
        failed = runtime.run(work_off(self._directory, messages))
        runtime.report("catch-up", {"messages": len(messages), "failed": len(failed)})
        return batch_reply(failed)
