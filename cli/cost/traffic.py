"""What is asked about: how many are connected, what changes how often, and what it runs on. Pure."""

from dataclasses import dataclass

from cli.cost.prices import MONTH_HOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Traffic while it lasts.

    Args:
        connections: Open at the same time; each watches one actor.
        updates_per_minute: Calls that change a state, of all actors together.
        subscribers: Who watch the actor that changes.
        size: Bytes of a state, and of what a call brings.
        hours: How long it lasts in a month.
        window_ms: Conflation: only the latest value of each so many milliseconds is delivered; 0 delivers every one.
    """

    connections: int = 10_000
    updates_per_minute: float = 100.0
    subscribers: int = 100
    size: int = 1024
    hours: float = MONTH_HOURS
    window_ms: int = 0

    @property
    def updates(self) -> float:
        """Of all the hours."""
        return self.updates_per_minute * 60 * self.hours

    @property
    def actors(self) -> float:
        """How many actors are watched."""
        return max(1.0, self.connections / max(1, self.subscribers))

    @property
    def deliveries(self) -> float:
        """Messages to subscribers: one for each update and subscriber, unless a window holds more than one update."""
        if not self.window_ms:
            return self.updates * self.subscribers
        windows = self.actors * self.hours * 3_600_000 / self.window_ms
        return min(self.updates, windows) * self.subscribers

    @property
    def per_second(self) -> float:
        """Updates per second."""
        return self.updates_per_minute / 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """What the functions run on; memory in MB."""

    actor_mb: int = 512
    websocket_mb: int = 512
    processor_mb: int = 512
    stateful_actors: int = 1
    """Each has a queue that Lambda asks all the time."""
    rates: int = 0
    """How many rates of ``limits`` each frame counts for."""
    authorizer_mb: int = 0
    """0 where nobody is asked for credentials."""
    look_seconds: int = 0
    """How often somebody looks whether a connection has to go; 0: never."""
    alarms: int = 0
    metrics: int = 0
    dashboards: int = 1

    @property
    def queues(self) -> int:
        """Which Lambda asks: one of each stateful actor type, and that of connections that may have to go."""
        return self.stateful_actors + (self.look_seconds > 0)
