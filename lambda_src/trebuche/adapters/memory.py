"""All ports in memory, for tests of actors and of the runtime. One lock makes each operation atomic."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

from trebuche.contract import ITEM_LIMIT_BYTES
from trebuche.errors import (
    ActorNotRegisteredError,
    ConnectionGoneError,
    FunctionGoneError,
    StreamLimitError,
    TooManyStreamsError,
)
from trebuche.ports import ConnectionInfo
from trebuche.stored import (
    CallRecord,
    Connection,
    JournalEntry,
    Phase,
    Reminder,
    StoredState,
    Subscription,
    Turn,
    needs_reservation,
    reserved_versions,
)


class InMemoryStateStore:
    """States, journals and call records in dictionaries."""

    def __init__(self) -> None:
        self.states: dict[str, StoredState] = {}
        self._journal: dict[str, dict[int, tuple[JournalEntry, int]]] = {}
        self._calls: dict[tuple[str, UUID], tuple[CallRecord, int]] = {}
        self._reserved: dict[str, int] = {}
        self._lock = threading.Lock()

    def load(self, actor_id: str) -> StoredState | None:
        """The state; None when there is none."""
        return self.states.get(actor_id)

    def load_call(self, actor_id: str, call_id: UUID, *, now: int) -> CallRecord | None:
        """The outcome of a call, unless it expired."""
        record, ttl = self._calls.get((actor_id, call_id), (None, 0))
        return record if ttl > now else None

    def commit(self, turn: Turn) -> bool:
        """Write a whole turn, or nothing."""
        actor_id = turn.next.actor_id
        with self._lock:
            stored = self.states.get(actor_id)
            journal = self._journal.setdefault(actor_id, {})
            if (stored.version if stored else None) != turn.previous:
                return False
            # The number may have been used by an actor that was deleted since.
            if turn.previous is None and turn.next.version in journal:
                return False
            if self.load_call(actor_id, turn.call_id, now=turn.now) is not None:
                return False
            self.states[actor_id] = turn.next
            journal[turn.next.version] = _entry(turn), turn.ttl
            if needs_reservation(turn):
                self._reserved[actor_id] = reserved_versions(turn.next.version)
            self._calls[actor_id, turn.call_id] = turn.call, turn.ttl
            return True

    def highest_version(self, actor_id: str, *, now: int) -> int:
        """The highest version in the journal; where it has expired or none is left, the highest that can be used."""
        journal = self._journal.get(actor_id, {})
        found = max(journal, default=0)
        if found and journal[found][1] > now:
            return found
        return max(found, self._reserved.get(actor_id, 0))

    def expire(self, *, now: int, chance: Random | None = None) -> None:
        """Remove what has expired, as DynamoDB does in its own time: all of it, or about half, in no order."""
        with self._lock:
            for journal in self._journal.values():
                for version in [version for version, (_, ttl) in journal.items() if ttl <= now]:
                    if chance is None or chance.random() < 0.5:
                        del journal[version]

    def journal(self, actor_id: str, first: int, last: int, *, now: int) -> tuple[JournalEntry, ...]:
        """The unexpired versions from ``first`` to ``last`` that are there."""
        entries = sorted(self._journal.get(actor_id, {}).items())
        return tuple(entry for version, (entry, ttl) in entries if first <= version <= last and ttl > now)

    def delete(self, actor_id: str) -> None:
        """Delete an actor's state, as a person or a program might."""
        with self._lock:
            self.states.pop(actor_id, None)


class InMemorySubscriptionStorage:
    """Subscriptions in two dictionaries: attached and detached."""

    def __init__(self) -> None:
        self.attached: dict[tuple[str, UUID], Subscription] = {}
        self.detached: dict[tuple[UUID, str | None], Subscription] = {}
        self.marks: Counter[str] = Counter()
        self._lock = threading.Lock()

    def load(self, actor_id: str, stream_id: UUID, *, now: int) -> Subscription | None:
        """An attached subscription."""
        return _unexpired(self.attached.get((actor_id, stream_id)), now)

    def find_detached(self, stream_id: UUID, *, principal: str | None = None, now: int) -> Subscription | None:
        """A principal's detached subscription."""
        return _unexpired(self.detached.get((stream_id, principal)), now)

    def open(self, row: Subscription, replaces: Subscription | None, *, now: int) -> bool:
        """Write a row in the place of another, or of none or an expired one."""
        key = row.actor_id, row.stream_id
        with self._lock:
            if replaces is not None and replaces.phase is Phase.DETACHED:
                place = row.stream_id, replaces.principal
                waiting = self.detached.get(place)
                if not _same(waiting, replaces) or _unexpired(self.attached.get(key), now):
                    return False
                del self.detached[place]
            elif not _same(_unexpired(self.attached.get(key), now), replaces):
                return False
            self.attached[key] = row
            return True

    def flip_live(self, row: Subscription, version: int) -> Subscription | None:
        """Turn ``opening`` into ``live`` if nothing is pending above ``version``."""

        def flip(found: Subscription) -> Subscription:
            ours = found.opener == row.opener and found.phase is Phase.OPENING
            live = replace(found, phase=Phase.LIVE, sent=version, shape=row.shape)
            return live if ours and found.pending <= version else found

        return self._change(row, flip)

    def raise_pending(self, row: Subscription, version: int) -> Subscription | None:
        """Raise ``pending`` of an opening row."""

        def raised(found: Subscription) -> Subscription:
            ours = found.opener == row.opener and found.phase is Phase.OPENING
            return replace(found, pending=max(found.pending, version)) if ours else found

        return self._change(row, raised)

    def mark_ended(self, row: Subscription) -> Subscription | None:
        """Turn ``opening`` into ``ended``."""

        def ended(found: Subscription) -> Subscription:
            ours = found.opener == row.opener and found.phase is Phase.OPENING
            return replace(found, phase=Phase.ENDED) if ours else found

        return self._change(row, ended)

    def go_opening(self, row: Subscription, sent: int, opener: UUID) -> bool:
        """Turn ``live`` or ``opening`` into ``opening`` of another opener."""
        key = row.actor_id, row.stream_id
        with self._lock:
            found = self.attached.get(key)
            if found is None or not _same(found, row) or found.phase is Phase.ENDED:
                return False
            self.attached[key] = replace(found, phase=Phase.OPENING, opener=opener, sent=sent, pending=0)
            return True

    def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
        """Every attached subscription of an actor."""
        with self._lock:
            rows = [row for row in self.attached.values() if row.actor_id == actor_id and row.ttl > now]
        return tuple(sorted(rows, key=lambda row: str(row.stream_id)))

    def audience(self, actor_id: str) -> str:
        """The mark of an actor's audience."""
        return str(self.marks[actor_id])

    def mark_audience(self, actor_id: str, *, ttl: int) -> None:  # noqa: ARG002  (nothing expires here)
        """Give it a new one."""
        with self._lock:
            self.marks[actor_id] += 1

    def detach(self, row: Subscription, *, ttl: int) -> bool:
        """Keep a row for a resume, out of the actor's partition."""
        with self._lock:
            if not _same(self.attached.get((row.actor_id, row.stream_id)), row):
                return False
            del self.attached[row.actor_id, row.stream_id]
            self.detached[row.stream_id, row.principal] = replace(row, phase=Phase.DETACHED, ttl=ttl)
            return True

    def remove(self, actor_id: str, stream_id: UUID, connection_id: str, *, opener: UUID | None = None) -> bool:
        """Delete a row if it is attached to this connection."""
        with self._lock:
            found = self.attached.get((actor_id, stream_id))
            if found is None or found.connection_id != connection_id or opener not in (None, found.opener):
                return False
            del self.attached[actor_id, stream_id]
            return True

    def _change(self, row: Subscription, change: Callable[[Subscription], Subscription]) -> Subscription | None:
        key = row.actor_id, row.stream_id
        with self._lock:
            if key in self.attached:
                self.attached[key] = change(self.attached[key])
            return self.attached.get(key)


class InMemoryConnectionStorage:
    """Connections in a dictionary."""

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        self._lock = threading.Lock()

    def register(self, connection: Connection) -> None:
        """Remember a connection."""
        self.connections[connection.connection_id] = connection

    def unregister(self, connection_id: str) -> Connection | None:
        """Forget a connection."""
        return self.connections.pop(connection_id, None)

    def load(self, connection_id: str) -> Connection | None:
        """What is known about a connection."""
        return self.connections.get(connection_id)

    def note_stream(
        self, connection_id: str, actor_id: str, stream_id: UUID, last_sequence: int, *, most: int = 0
    ) -> bool:
        """Note a stream on a known connection."""
        with self._lock:
            found = self.connections.get(connection_id)
            if found is None:
                return False
            streams = {**found.streams, stream_id: actor_id}
            if most and len(streams) > max(most, len(found.streams)):
                raise StreamLimitError(most)
            # What counts of the real item's limit: the other attributes are small.
            if sum(len(f"{stream} {actor}".encode()) for stream, actor in streams.items()) > ITEM_LIMIT_BYTES:
                raise TooManyStreamsError
            latest = replace(found, actor_id=actor_id, stream_id=stream_id, last_sequence=last_sequence)
            self.connections[connection_id] = replace(latest, streams=streams)
            return True

    def forget_stream(self, connection_id: str, actor_id: str, stream_id: UUID) -> None:
        """Take a stream off the list of a known connection."""
        with self._lock:
            found = self.connections.get(connection_id)
            if found is not None and found.streams.get(stream_id) == actor_id:
                streams = {key: value for key, value in found.streams.items() if key != stream_id}
                self.connections[connection_id] = replace(found, streams=streams)

    def get_connections(self, actor_id: str) -> tuple[Connection, ...]:
        """Connections whose latest stream is of this actor."""
        return tuple(found for found in self.connections.values() if found.actor_id == actor_id)


class InMemoryConnectionSender:
    """Keeps what was sent; connections are open until they are marked dead."""

    def __init__(self) -> None:
        self.sent: dict[str, list[str]] = {}
        self._dead: set[str] = set()

    def send(self, connection_id: str, text: str) -> None:
        """Keep a frame."""
        self._check(connection_id)
        self.sent.setdefault(connection_id, []).append(text)

    async def post(self, connection_id: str, text: str) -> None:
        """Keep a frame."""
        self.send(connection_id, text)

    def is_alive(self, connection_id: str) -> bool:
        """Whether the connection was not marked dead."""
        return connection_id not in self._dead

    def disconnect(self, connection_id: str) -> None:
        """Mark a connection dead."""
        self._dead.add(connection_id)

    def get_connection_info(self, connection_id: str) -> ConnectionInfo:
        """An answer that says nothing."""
        self._check(connection_id)
        return ConnectionInfo(connected_at=0, last_active_at=0, source_ip="192.0.2.1", user_agent="")

    def _check(self, connection_id: str) -> None:
        if connection_id in self._dead:
            raise ConnectionGoneError(f"connection {connection_id} is closed")


class InMemoryCatchUpQueue:
    """Keeps messages with their delays, in the order in which they were sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[Reminder, int]] = []

    def send(self, reminder: Reminder, *, delay_seconds: int) -> None:
        """Keep a message."""
        self.sent.append((reminder, delay_seconds))


class InMemoryDepartureQueue:
    """Keeps which connections are to be looked at, with their delays."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []

    def watch(self, connection_id: str, *, delay_seconds: int) -> None:
        """Keep a message."""
        self.sent.append((connection_id, delay_seconds))


class InMemoryInvoker:
    """Functions that are Python callables."""

    def __init__(self, functions: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] | None = None) -> None:
        self._functions = dict(functions or {})

    def invoke(self, function: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a function."""
        if function not in self._functions:
            raise FunctionGoneError(f"no function {function}")
        return self._functions[function](event)


class InMemoryRegistry:
    """Exposed names and functions in a dictionary.

    Args:
        functions: What is registered at first.
    """

    def __init__(self, functions: Mapping[str, str] | None = None) -> None:
        self.functions = dict(functions or {})

    def resolve(self, name: str) -> str:
        """The function that is registered under a name."""
        if name not in self.functions:
            raise ActorNotRegisteredError(f"'{name}' is not registered; there are: {', '.join(sorted(self.functions))}")
        return self.functions[name]

    def forget(self, name: str) -> None:
        """Nothing is remembered here that could be old."""


class ManualClock:
    """A clock that tests turn; a pause turns it too."""

    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """What the clock was turned to."""
        return self._now_ms

    def pause(self, seconds: float) -> None:
        """Turn the clock on at once."""
        self._now_ms += round(seconds * 1000)

    async def rest(self, seconds: float) -> None:
        """Turn the clock on at once."""
        self.pause(seconds)


class SeededEntropy:
    """The same chance on every run."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)

    def uuid(self) -> UUID:
        """The next UUID."""
        return UUID(int=self._random.getrandbits(128), version=4)

    def fraction(self) -> float:
        """The next number from 0 up to 1."""
        return self._random.random()


class KeptLog:
    """Keeps log lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        """Keep one line."""
        self.lines.append(line)


def _entry(turn: Turn) -> JournalEntry:
    return JournalEntry(turn.next.version, turn.next.state, turn.next.schema, first=turn.previous is None)


def _unexpired(row: Subscription | None, now: int) -> Subscription | None:
    return row if row is not None and row.ttl > now else None


def _same(found: Subscription | None, expected: Subscription | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return (found.opener, found.connection_id) == (expected.opener, expected.connection_id)
