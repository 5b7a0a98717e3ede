"""Entry point of the stream processor."""

from typing import Any

from trebuche.adapters import environment
from trebuche.stream_adapter import BatchReply, DynamoDBStreamAdapter

_adapter = DynamoDBStreamAdapter(environment.ports())


def handle(event: dict[str, Any], _context: object) -> BatchReply:
    """Bring a batch of changes to their subscribers."""
    return _adapter.handle(event)
