"""AWS/Lambda of event source mappings that ask for it (Lambda developer guide, "Event source mapping metrics")."""

from typing import Final, Literal, Protocol

from sandbox.aws import Json
from sandbox.clock import Clock
from sandbox.telemetry.lambda_metrics import NAMESPACE
from sandbox.telemetry.series import Metric, in_order
from sandbox.telemetry.store import MetricStore

Count = Literal[
    "PolledEventCount",
    "FilteredOutEventCount",
    "InvokedEventCount",
    "FailedInvokeEventCount",
    "DroppedEventCount",
    "OnFailureDestinationDeliveredEventCount",
    "DeletedEventCount",
]
_ASKED: Final = "EventCount"


class Measured(Protocol):
    """A mapping; ``document`` has its settings under AWS's names."""

    identifier: str
    document: Json

    @property
    def account(self) -> str:
        """Twelve digits."""

    @property
    def region(self) -> str:
        """Where it is."""


class MappingMetrics:
    """Counts the events of mappings.

    Args:
        store: Takes the values.
        clock: Says when.
    """

    def __init__(self, store: MetricStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def count(self, mapping: Measured, name: Count, events: int) -> None:
        """Add so many events, if the mapping's ``MetricsConfig`` asks for them; none is nothing to tell."""
        if events and _ASKED in ((mapping.document.get("MetricsConfig") or {}).get("Metrics") or ()):
            dimensions = in_order({"EventSourceMappingUUID": mapping.identifier})
            metric = Metric(mapping.account, mapping.region, NAMESPACE, name, dimensions)
            self._store.count(metric, self._clock.now(), float(events))
