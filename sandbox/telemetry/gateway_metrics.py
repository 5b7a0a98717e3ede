"""AWS/ApiGateway for WebSocket APIs (developer guide, "Monitoring WebSocket API execution with CloudWatch metrics")."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sandbox.clock import Clock
from sandbox.telemetry.series import Metric, in_order
from sandbox.telemetry.store import MetricStore

NAMESPACE: Final = "AWS/ApiGateway"
_CLIENT_ERROR: Final = 400


@dataclass(frozen=True, slots=True)
class MeteredStage:
    """Whose traffic is counted; ``route`` is the key of one that has metrics of its own."""

    account: str
    region: str
    api_id: str
    stage: str
    route: str | None = None


class GatewayMetrics:
    """Counts what happens on sockets, per API, per stage, and per route where a stage wants that.

    Args:
        store: Takes the values.
        clock: Says when.
    """

    def __init__(self, store: MetricStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def connected(self, stage: MeteredStage) -> None:
        """A handshake went to the ``$connect`` route."""
        self._count(stage, "ConnectCount")

    def message(self, stage: MeteredStage) -> None:
        """A message came to the API, from a client or for one: an error that the API tells by itself is none."""
        self._count(stage, "MessageCount")

    def refused(self, stage: MeteredStage) -> None:
        """API Gateway refused before any integration: no route, throttled, not authorized."""
        self._count(stage, "ClientError")

    def integrated(self, stage: MeteredStage, *, status: int, answered: bool, latency_ms: float | None) -> None:
        """An integration was called.

        Args:
            stage: Where.
            status: Its answer's.
            answered: Whether there was a usable answer; without one the API speaks in its place.
            latency_ms: How long it took; None: no time is told of what the API answers by itself.
        """
        # What sets the two errors apart is not documented: a bad status counts for the first, no answer for both.
        failed = not answered or status >= _CLIENT_ERROR
        self._count(stage, "IntegrationError", 1.0 if failed else 0.0)
        self._count(stage, "ExecutionError", 0.0 if answered else 1.0)
        if latency_ms is None:
            return
        for metric in _metrics(stage, "IntegrationLatency"):
            self._store.add(metric, self._clock.now(), round(latency_ms), "Milliseconds")

    def _count(self, stage: MeteredStage, name: str, value: float = 1.0) -> None:
        for metric in _metrics(stage, name):
            self._store.count(metric, self._clock.now(), value)


@lru_cache(maxsize=1024)
def _metrics(stage: MeteredStage, name: str) -> tuple[Metric, ...]:
    api, whole = {"ApiId": stage.api_id}, {"ApiId": stage.api_id, "Stage": stage.stage}
    kinds = [api, whole] if stage.route is None else [api, whole, {**whole, "Route": stage.route}]
    return tuple(Metric(stage.account, stage.region, NAMESPACE, name, in_order(dimensions)) for dimensions in kinds)
