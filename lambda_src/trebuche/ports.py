"""What the runtime needs from outside, as protocols; ``adapters`` holds what fulfils them.

Errors: ``ServiceError`` when a service cannot do what was asked, ``DeliveryError`` and below from the sender.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from trebuche.auth.access import Access
from trebuche.auth.limits import Limits
from trebuche.contract import DEFAULT_RETENTION_HOURS
from trebuche.errors import ConfigError
from trebuche.metrics import Source
from trebuche.stored import CallRecord, Connection, JournalEntry, Reminder, StoredState, Subscription, Turn


class StateStore(Protocol):
    """States with their journal. All reads are strong."""

    def load(self, actor_id: str) -> StoredState | None:
        """The state; None when there is none."""

    def load_call(self, actor_id: str, call_id: UUID, *, now: int) -> CallRecord | None:
        """The outcome of a call, unless it expired before ``now`` (seconds)."""

    def commit(self, turn: Turn) -> bool:
        """Write a whole turn, or nothing and return False when one of its conditions does not hold."""

    def highest_version(self, actor_id: str, *, now: int) -> int:
        """The highest version in the journal, or up to 1,000 more when that has expired by ``now`` (seconds).

        Never less than any that was used, 0 for a new actor. Expired versions are removed in any order.
        """

    def journal(self, actor_id: str, first: int, last: int, *, now: int) -> tuple[JournalEntry, ...]:
        """The unexpired versions from ``first`` to ``last`` that are there, in order."""


class SubscriptionStorage(Protocol):
    """Who watches which actor. All reads are strong and leave out what expired before ``now`` (seconds)."""

    def load(self, actor_id: str, stream_id: UUID, *, now: int) -> Subscription | None:
        """An attached subscription."""

    def find_detached(self, stream_id: UUID, *, principal: str | None = None, now: int) -> Subscription | None:
        """A detached subscription of a principal; others may have one under the same id."""

    def open(self, row: Subscription, replaces: Subscription | None, *, now: int) -> bool:
        """Write a row in the place of another, or of none or an expired one; False when it looks different by now."""

    def flip_live(self, row: Subscription, version: int) -> Subscription | None:
        """Turn ``opening`` into ``live`` with ``sent = version`` if ``pending <= version`` and the opener is the same.

        The shape is that of the row given, whose catch-up has shown it.
        The row as it is afterwards.
        """

    def raise_pending(self, row: Subscription, version: int) -> Subscription | None:
        """Raise ``pending`` of an opening row of the same opener (never lower it); the row as it is afterwards."""

    def mark_ended(self, row: Subscription) -> Subscription | None:
        """Turn ``opening`` into ``ended`` if the opener is the same; the row as it is afterwards."""

    def go_opening(self, row: Subscription, sent: int, opener: UUID) -> bool:
        """Turn ``live`` or ``opening`` into ``opening`` of another opener, nothing pending, if it is the same row."""

    def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
        """Every attached subscription of an actor."""

    def audience(self, actor_id: str) -> str:
        """The mark of an actor's audience; the same one as long as nobody wrote another."""

    def mark_audience(self, actor_id: str, *, ttl: int) -> None:
        """Give an actor's audience a mark that it never had; ``ttl`` (seconds) is when it may be forgotten."""

    def detach(self, row: Subscription, *, ttl: int) -> bool:
        """Keep a row for a resume, out of the actor's partition, if connection and opener are still the same."""

    def remove(self, actor_id: str, stream_id: UUID, connection_id: str, *, opener: UUID | None = None) -> bool:
        """Delete a row if it is attached to this connection (and, where one is given, by this opener)."""


class ConnectionStorage(Protocol):
    """Open connections."""

    def register(self, connection: Connection) -> None:
        """Remember a connection."""

    def unregister(self, connection_id: str) -> Connection | None:
        """Forget a connection; what was known about it."""

    def load(self, connection_id: str) -> Connection | None:
        """What is known about a connection, read strongly."""

    def note_stream(
        self, connection_id: str, actor_id: str, stream_id: UUID, last_sequence: int, *, most: int = 0
    ) -> bool:
        """Note a stream on a known connection; False (and no change) for an unknown one.

        Raises:
            StreamLimitError: It has ``most`` others (0: there is no limit).
            TooManyStreamsError: Its item is full.
        """

    def forget_stream(self, connection_id: str, actor_id: str, stream_id: UUID) -> None:
        """Take a stream off the list of a known connection."""

    def get_connections(self, actor_id: str) -> tuple[Connection, ...]:
        """Connections whose latest stream is of this actor; by an index, so possibly a moment old."""


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What API Gateway knows of a connection; times are milliseconds."""

    connected_at: int
    last_active_at: int
    source_ip: str
    user_agent: str


class ConnectionSender(Protocol):
    """Frames to clients."""

    def send(self, connection_id: str, text: str) -> None:
        """Post a frame.

        Raises:
            ConnectionGoneError: Closed, or not yet open.
            ThrottledError: Too many posts.
            DeliveryError: Anything else.
        """

    async def post(self, connection_id: str, text: str) -> None:
        """Post a frame, while others are being posted; raises what ``send`` raises."""

    def is_alive(self, connection_id: str) -> bool:
        """Whether the connection is open now; never a reason to send or not to send."""

    def disconnect(self, connection_id: str) -> None:
        """Close a connection; one that is gone already is fine."""

    def get_connection_info(self, connection_id: str) -> ConnectionInfo:
        """When it connected, from where.

        Raises:
            ConnectionGoneError: Closed, or not yet open.
        """


class CatchUpQueue(Protocol):
    """Messages to the workers that bring late subscribers up to date: at least once each, in any order."""

    def send(self, reminder: Reminder, *, delay_seconds: int) -> None:
        """Send a message that comes after a delay.

        Raises:
            ConfigError: No queue is known for the actor's type.
            ServiceError: It could not be sent.
        """


class FunctionInvoker(Protocol):
    """Other functions of the same deployment."""

    def invoke(self, function: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a function by ARN and wait for its answer.

        Raises:
            FunctionGoneError: There is no such function.
            ServiceError: It failed, or could not be called.
        """


class ActorRegistry(Protocol):
    """Which function runs the actors of which exposed name."""

    def resolve(self, name: str) -> str:
        """ARN of the function; what was found may be remembered for a while.

        Raises:
            ActorNotRegisteredError: There is no such entry, or one without an address.
            ServiceError: The registry could not be asked.
        """

    def forget(self, name: str) -> None:
        """Look a name up anew next time, because its function is gone."""


class DepartureQueue(Protocol):
    """Messages that look at connections later: at least once each."""

    def watch(self, connection_id: str, *, delay_seconds: int) -> None:
        """Have a connection looked at after a delay.

        Raises:
            ConfigError: There is no such queue.
            ServiceError: The message could not be sent.
        """


class NobodyWatches:
    """Departures of a deployment in which no connection has to go by itself."""

    def watch(self, connection_id: str, *, delay_seconds: int) -> None:
        """Nobody is asked to."""
        raise ConfigError(f"nobody can look at {connection_id} in {delay_seconds} s")


class Revocations(Protocol):
    """Whose right to be here was taken back."""

    def is_revoked(self, *names: str) -> bool:
        """Whether one of these principals or credentials is revoked, read strongly."""


class NothingRevoked:
    """Revocations of a deployment without ``auth``."""

    def is_revoked(self, *_names: str) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Mark:
    """How far ahead of time a caller is (microseconds since 1970), and whether its frame has moved it there."""

    at_us: int
    moved: bool


class Counters(Protocol):
    """Marks of callers, by which their frames are counted: the same for all environments."""

    def move(self, key: str, *, now_us: int, length_us: int, latest_us: int, seen_us: int = 0) -> Mark:
        """Move a caller's mark on by ``length_us``, from now where it is not ahead, unless it is above ``latest_us``.

        Args:
            key: Whose mark.
            now_us: Time, in microseconds since 1970.
            length_us: How far it is moved.
            latest_us: Where it may be before.
            seen_us: Where it was last seen; a guess saves a second write.

        Raises:
            ServiceError: It could not be moved.
        """

    def give_back(self, key: str, length_us: int) -> int:
        """Move a mark back for a frame that was not let in; where it is now."""


class FrameLimiter(Protocol):
    """Counts callers' frames."""

    def admit(self, connection_id: str, principal: str | None, now_ms: int) -> None:
        """Count a frame.

        Raises:
            LimitedError: It is one too many; the error says when to come back.
            ServiceError: Nobody can tell.
        """


class NobodyLimited:
    """The limiter of a deployment without limits on frames."""

    def admit(self, connection_id: str, principal: str | None, now_ms: int) -> None:
        """Everybody, always."""


class Clock(Protocol):
    """Time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""

    def pause(self, seconds: float) -> None:
        """Wait."""

    async def rest(self, seconds: float) -> None:
        """Wait, while others go on."""


class Entropy(Protocol):
    """Chance."""

    def uuid(self) -> UUID:
        """A new UUID."""

    def fraction(self) -> float:
        """A number from 0 up to 1."""


class LogSink(Protocol):
    """Where log lines go."""

    def write(self, line: str) -> None:
        """Write one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside, gathered; without ``source`` no metrics are written."""

    states: StateStore
    subscriptions: SubscriptionStorage
    connections: ConnectionStorage
    sender: ConnectionSender
    catch_ups: CatchUpQueue
    functions: FunctionInvoker
    registry: ActorRegistry
    clock: Clock
    entropy: Entropy
    logs: LogSink
    retention_seconds: int = DEFAULT_RETENTION_HOURS * 3600
    """Of the journal, of call records and of detached subscriptions."""
    source: Source | None = None
    access: Access = field(default_factory=Access)
    """What is asked of callers."""
    revocations: Revocations = field(default_factory=NothingRevoked)
    limits: Limits = field(default_factory=Limits)
    """How much callers may ask for."""
    limiter: FrameLimiter = field(default_factory=NobodyLimited)
    departures: DepartureQueue = field(default_factory=NobodyWatches)
    idle_seconds: int = 0
    """How long connections may be silent; 0: as long as API Gateway lets them."""
