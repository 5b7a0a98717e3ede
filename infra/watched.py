"""What alarms and the dashboard look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.catch_ups import CatchUpQueue
from infra.function import LambdaFunction
from infra.streams import FailureQueue
from infra.websocket_api import WebSocketApi


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedDelivery:
    """What there is only with the WebSocket enabled."""

    api: WebSocketApi
    stream_processor: LambdaFunction
    failures: FailureQueue
    catch_ups: Mapping[str, CatchUpQueue]
    """By role of the function that works them off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One stack's resources, as their metrics name them."""

    stage: str
    functions: Mapping[str, LambdaFunction]
    """By role."""
    tables: Mapping[str, str]
    """Names by what is kept there."""
    actors: Sequence[str]
    """Exposed names."""
    delivery: WatchedDelivery | None
