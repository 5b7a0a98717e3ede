"""What routines want done: one value per effect, carried out by whoever drives the routine.

A routine is a generator that yields effects and receives their results, so that it can be stopped, repeated or
interleaved with others between any two of them. An effect is atomic; errors are thrown into the routine.
"""

from collections.abc import Generator, Mapping
from dataclasses import field
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from trebuche.immutable import immutable
from trebuche.stored import CallRecord, Connection, JournalEntry, Reminder, StoredState, Subscription, Turn

T = TypeVar("T")


class Effect(Generic[T]):
    """Something to be done that yields a ``T``."""

    __slots__ = ()


Routine: TypeAlias = Generator[Effect[Any], Any, T]


def perform(effect: Effect[T]) -> Routine[T]:
    """Yield one effect and return its result, typed.

    ``state = yield from perform(LoadState(actor_id))``
    """
    result: T = yield effect
    return result


@immutable
class LoadState(Effect[StoredState | None]):
    """Read an actor's state strongly; None when there is none."""

    actor_id: str


@immutable
class LoadCall(Effect[CallRecord | None]):
    """Read strongly whether a call took effect; expired records (``now`` in seconds) count as absent."""

    actor_id: str
    call_id: UUID
    now: int


@immutable
class CommitTurn(Effect[bool]):
    """Write a turn; False when another write came first, and then nothing was written."""

    turn: Turn


@immutable
class HighestVersion(Effect[int]):
    """The highest version that an actor has used, or may have when its journal has expired; 0 when it is new.

    Attributes:
        now: Seconds; an entry that expires by then may have been the last one that is left, and not the last.
    """

    actor_id: str
    now: int


@immutable
class ReadJournal(Effect[tuple[JournalEntry, ...]]):
    """Read strongly the unexpired versions ``first`` to ``last``, both included, in order; some may be missing."""

    actor_id: str
    first: int
    last: int
    now: int


@immutable
class LoadSubscription(Effect[Subscription | None]):
    """Read strongly a subscription that is attached to a connection."""

    actor_id: str
    stream_id: UUID
    now: int


@immutable
class FindDetached(Effect[Subscription | None]):
    """Read strongly a principal's detached subscription."""

    stream_id: UUID
    principal: str | None
    now: int


@immutable
class OpenSubscription(Effect[bool]):
    """Write a row in phase ``opening``, in the place of the one that was found (or of none; ``now`` in seconds).

    False when that one has changed in the meantime, and then nothing was written.
    """

    row: Subscription
    replaces: Subscription | None
    now: int


@immutable
class FlipLive(Effect[Subscription | None]):
    """Let changes above ``version`` be posted, if the row is still ours, opening, and ``pending <= version``.

    The row as it is afterwards: ``live`` on success, else what stood in the way; None when it is gone.
    """

    row: Subscription
    version: int


@immutable
class RaisePending(Effect[Subscription | None]):
    """Tell the catch-up that owns an opening row of a version, if it is still the one that was found.

    The row as it is afterwards; not ``opening``, another opener or None mean that the catch-up was not told.
    """

    row: Subscription
    version: int


@immutable
class MarkEnded(Effect[Subscription | None]):
    """Tell the catch-up that owns an opening row, if it is still the one that was found, that the actor was deleted.

    The row as it is afterwards.
    """

    row: Subscription


@immutable
class GoOpening(Effect[bool]):
    """Hand a live or opening row to another catch-up, for everything above ``sent``; nothing is pending then.

    False when the row is no longer the one that was found, or its actor was deleted; nothing was written then.
    """

    row: Subscription
    sent: int
    opener: UUID


@immutable
class Defer(Effect[None]):
    """Send a worker of the actor's type a message that it gets after some time, at least once.

    Raises:
        ConfigError: The function knows no queue of this type.
        ServiceError: The message could not be sent.
    """

    reminder: Reminder
    seconds: int


@immutable
class QuerySubscribers(Effect[tuple[Subscription, ...]]):
    """Read strongly every attached subscription of an actor."""

    actor_id: str
    now: int


@immutable
class MarkAudience(Effect[None]):
    """Tell whoever keeps an actor's subscribers that they are others now; until ``ttl`` (seconds) it is remembered."""

    actor_id: str
    ttl: int


@immutable
class Detach(Effect[bool]):
    """Move a row out of the actor's partition, if it is still the one that was found, to wait for a resume."""

    row: Subscription
    ttl: int


@immutable
class RemoveSubscription(Effect[bool]):
    """Delete a row, if it is still attached to this connection.

    Attributes:
        opener: Only the row that it opened; None: whoever did.
    """

    actor_id: str
    stream_id: UUID
    connection_id: str
    opener: UUID | None = None


@immutable
class RegisterConnection(Effect[None]):
    """Remember a connection."""

    connection: Connection


@immutable
class UnregisterConnection(Effect[Connection | None]):
    """Forget a connection; what was known about it."""

    connection_id: str


@immutable
class LoadConnection(Effect[Connection | None]):
    """Read a connection strongly."""

    connection_id: str


@immutable
class NoteStream(Effect[bool]):
    """Note a stream on its connection; False when the connection is unknown (never creates it).

    Attributes:
        most: How many streams the connection may have; 0: as many as its item can name.

    Raises:
        StreamLimitError: It has as many others.
        TooManyStreamsError: There is no room for another one.
    """

    connection_id: str
    actor_id: str
    stream_id: UUID
    last_sequence: int
    most: int = 0


@immutable
class ForgetStream(Effect[None]):
    """Take a stream off its connection's list."""

    connection_id: str
    actor_id: str
    stream_id: UUID


@immutable
class Post(Effect[None]):
    """Send a frame.

    Raises:
        ConnectionGoneError: The connection is closed or not yet open.
        ThrottledError: Too many posts, or this connection reads too slowly.
        DeliveryError: Anything else, such as missing permission.
    """

    connection_id: str
    text: str = field(repr=False)


@immutable
class Disconnect(Effect[None]):
    """Close a connection; one that is gone already is fine.

    Raises:
        DeliveryError: It could not be closed.
    """

    connection_id: str


@immutable
class LastActive(Effect[int]):
    """When something last happened on a connection, in milliseconds.

    Raises:
        ConnectionGoneError: It is closed.
    """

    connection_id: str


@immutable
class Watch(Effect[None]):
    """Have a connection looked at after some time, at least once.

    Raises:
        ConfigError: The function knows no queue for that.
        ServiceError: The message could not be sent.
    """

    connection_id: str
    seconds: int


@immutable
class IsRevoked(Effect[bool]):
    """Read strongly whether one of these principals or credentials was taken its right."""

    names: tuple[str, ...]


@immutable
class CountFrame(Effect[None]):
    """Count a frame of a caller.

    Raises:
        LimitedError: It is one too many.
    """

    connection_id: str
    principal: str | None
    now_ms: int


@immutable
class ResolveActor(Effect[str]):
    """ARN of the function that runs the actors exposed under a name.

    Raises:
        ActorNotRegisteredError: There is no such entry, or one without an address.
        ServiceError: The registry could not be asked.
    """

    name: str


@immutable
class ForgetActor(Effect[None]):
    """Look a name up anew next time, because its function is gone."""

    name: str


@immutable
class Invoke(Effect[Mapping[str, Any]]):
    """Call a function and wait for what it returns.

    Raises:
        ServiceError: It failed, or could not be called.
    """

    function: str
    event: Mapping[str, Any] = field(repr=False, hash=False)


@immutable
class Now(Effect[int]):
    """Milliseconds since 1970: the later of the event's time and the clock's."""


@immutable
class TimeLeft(Effect[float]):
    """Seconds until an answer would come too late."""


@immutable
class Retention(Effect[int]):
    """Seconds for which the journal, call records and detached subscriptions are kept."""


@immutable
class RandomUuid(Effect[UUID]):
    """A new UUID."""


@immutable
class RandomFraction(Effect[float]):
    """A number from 0 up to 1, for jitter."""


@immutable
class Pause(Effect[None]):
    """Wait."""

    seconds: float


@immutable
class Log(Effect[None]):
    """Write one line to the log; never a payload."""

    level: str
    event: str
    fields: Mapping[str, object] = field(default_factory=dict, hash=False)
    error: BaseException | None = None


@immutable
class Measure(Effect[None]):
    """Add a measurement to the invocation's metrics.

    Attributes:
        metric: One of ``contract.METRIC_…``.
        value: Number of times, or milliseconds.
        actor_type: Exposed name of the actors it is about; empty for a metric of the function.
    """

    metric: str
    value: int
    actor_type: str = ""


@immutable
class Concurrently(Effect[tuple[Any, ...]], Generic[T]):
    """Drive routines side by side; their results in the order given. They must not raise."""

    routines: tuple[Routine[T], ...] = field(hash=False)
