"""Open connections and how to reach them: the page's ``ConnectionManager``."""

from trebuche.contract import CONNECTION_TTL_SECONDS
from trebuche.ports import ConnectionSender, ConnectionStorage
from trebuche.stored import Connection


class ConnectionManager:
    """Registers connections and sends to them.

    Subscriptions are not its business: they are found by strong reads, and it looks actors up by an index.

    Args:
        storage: Where connections are remembered.
        sender: How they are reached.
    """

    def __init__(self, storage: ConnectionStorage, sender: ConnectionSender) -> None:
        self._storage = storage
        self._sender = sender

    def register(self, connection_id: str, *, connected_at: int, principal: str | None = None) -> None:
        """Remember a connection for a day; ``connected_at`` in milliseconds."""
        ttl = connected_at // 1000 + CONNECTION_TTL_SECONDS
        connection = Connection(connection_id=connection_id, connected_at=connected_at, ttl=ttl, principal=principal)
        self._storage.register(connection)

    def unregister(self, connection_id: str) -> Connection | None:
        """Forget a connection; what was known about it."""
        return self._storage.unregister(connection_id)

    def get_connections(self, actor_id: str) -> tuple[Connection, ...]:
        """Connections whose latest stream is of this actor, possibly a moment old."""
        return self._storage.get_connections(actor_id)

    def send(self, connection_id: str, text: str) -> None:
        """Post a frame.

        Raises:
            ConnectionGoneError: Closed, or not yet open.
            ThrottledError: Too many posts.
            DeliveryError: Anything else.
        """
        self._sender.send(connection_id, text)
