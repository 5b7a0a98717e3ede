"""Entry point of the stream processor."""

from dataclasses import replace
from typing import Any, Protocol

from trebuche.adapters import environment
from trebuche.adapters.audience_cache import CachedAudiences
from trebuche.batches import BatchReply
from trebuche.stream_adapter import DynamoDBStreamAdapter

_ports = environment.ports()
_adapter = DynamoDBStreamAdapter(replace(_ports, subscriptions=CachedAudiences(_ports.subscriptions)))


class Context(Protocol):
    """What of Lambda's context counts here."""

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda stops the function."""


def handle(event: dict[str, Any], context: Context) -> BatchReply:
    """Bring a batch of changes to their subscribers."""
    return _adapter.handle(event, time_left_ms=context.get_remaining_time_in_millis())
