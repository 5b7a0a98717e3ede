"""Entry point of each actor type's function."""

from typing import Any, Protocol

from trebuche.actor_types import ActorType
from trebuche.adapters import environment
from trebuche.batches import BatchReply
from trebuche.contract import REHEARSAL
from trebuche.gateway import CloudGateway
from trebuche.rehearsal import rehearse
from trebuche.socket_events import Reply

# Outside the handler: made in the environment's initialisation, and used by every invocation after it.
_class, _stateful = environment.actor_class(), environment.stateful()
_gateway = CloudGateway(environment.ports())
_gateway.expose(_class, stateful=_stateful, window_ms=environment.window_ms())


class Context(Protocol):
    """What of Lambda's context counts here."""

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda stops the function."""


def handle(event: dict[str, Any], context: Context) -> Reply | BatchReply | dict[str, Any]:
    """Answer a frame, bring late subscribers up to date, or say what this version makes of states and calls."""
    time_left_ms = context.get_remaining_time_in_millis()
    # A client chooses no more than `body`, so that no frame can pass for a batch of SQS's or for a rehearsal.
    if "Records" in event:
        return _gateway.catch_up(event, time_left_ms=time_left_ms)
    if REHEARSAL in event:
        return rehearse(ActorType(_class, stateful=_stateful), event[REHEARSAL])
    return _gateway.handle(event, time_left_ms=time_left_ms)
