"""Our sender: the stream processor as it is deployed, but for its tables."""

import time

from bench.fan_out.server import Server
from bench.fan_out.workload import NOW_MS, Workload
from trebuche.adapters import clients
from trebuche.adapters.api_gateway import APIGatewayConnectionSender
from trebuche.adapters.memory import (
    InMemoryCatchUpQueue,
    InMemoryConnectionStorage,
    InMemoryInvoker,
    InMemoryRegistry,
    InMemoryStateStore,
    InMemorySubscriptionStorage,
    KeptLog,
)
from trebuche.adapters.system import SystemClock, SystemEntropy
from trebuche.ports import Ports
from trebuche.stream_adapter import DynamoDBStreamAdapter


class FixedClock(SystemClock):
    """Frames carry the time: a clock that stands still makes them known beforehand; pauses are real."""

    def now_ms(self) -> int:
        """Always the same."""
        return NOW_MS


def send(server: Server, work: Workload) -> float:
    """Post everything from the stream's records on; seconds of processor time."""
    processor = DynamoDBStreamAdapter(_ports(server, work))
    started = time.process_time()
    for event in work.events():
        assert processor.handle(event) == {"batchItemFailures": []}
    return time.process_time() - started


def _ports(server: Server, work: Workload) -> Ports:
    subscriptions = InMemorySubscriptionStorage()
    subscriptions.attached = {(row.actor_id, row.stream_id): row for row in work.rows}
    return Ports(
        states=InMemoryStateStore(),
        subscriptions=subscriptions,
        connections=InMemoryConnectionStorage(),
        sender=APIGatewayConnectionSender(clients.management, server.endpoint),
        catch_ups=InMemoryCatchUpQueue(),
        functions=InMemoryInvoker(),
        registry=InMemoryRegistry({}),
        clock=FixedClock(),
        entropy=SystemEntropy(),
        logs=KeptLog(),
    )
