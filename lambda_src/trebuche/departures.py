"""Connections that have to go although nothing happens on them: their right has ended, or they were silent too long.

Each has a message in a queue that comes when it is time to look, and puts itself off as long as there is nothing to do.
So nobody goes through all connections each minute, and a right that ends ends within seconds.
"""

from collections.abc import Mapping
from typing import Final

from trebuche import logs
from trebuche.answers import failed_stream
from trebuche.auth.access import has_ended
from trebuche.delivery import bury, deliver
from trebuche.documents import dumps, loads
from trebuche.effects import Concurrently, Disconnect, LastActive, LoadConnection, Log, Now, Routine, Watch, perform
from trebuche.envelopes import encode
from trebuche.errors import ConnectionGoneError, DeliveryError, ExpiredError, MalformedError
from trebuche.stored import Connection

LONGEST_SECONDS: Final = 900
"""SQS puts off no longer."""


def watch_over(connection: Connection, idle_seconds: int, now: int) -> Routine[None]:
    """Have somebody look at a fresh connection when its right ends, or when it may have been silent for too long.

    Args:
        connection: The connection.
        idle_seconds: How long connections may be silent; 0: as long as API Gateway lets them.
        now: Seconds since 1970.
    """
    left = [connection.until - now] if connection.until else []
    yield from _look_again(connection.connection_id, left + ([idle_seconds] if idle_seconds else []))


def see_off(messages: Mapping[str, str], idle_seconds: int) -> Routine[tuple[str, ...]]:
    """Do what messages ask for; ids of those that have to come again.

    Args:
        messages: Message id to body.
        idle_seconds: How long connections may be silent; 0: as long as API Gateway lets them.
    """
    done = yield from perform(Concurrently(tuple(_guarded(body, idle_seconds) for body in messages.values())))
    return tuple(message_id for message_id, well in zip(messages, done, strict=True) if not well)


def write_watch(connection_id: str) -> str:
    """A message's body."""
    return dumps({"connectionId": connection_id})


def _guarded(body: str, idle_seconds: int) -> Routine[bool]:
    """Whether a message is done with; it is, too, when nobody could ever do what it asks for."""
    try:
        document = loads(body)
        connection_id = document.get("connectionId") if isinstance(document, dict) else None
        if not isinstance(connection_id, str):
            raise MalformedError("names no connection")
    except MalformedError as error:
        yield from perform(Log(logs.ERROR, "unreadable-watch", {"code": error.code}, error))
        return True
    try:
        yield from _look_at(connection_id, idle_seconds)
    except Exception as error:
        yield from perform(Log(logs.ERROR, "watch-failed", {"connectionId": connection_id}, error))
        return False
    return True


def _look_at(connection_id: str, idle_seconds: int) -> Routine[None]:
    connection = yield from perform(LoadConnection(connection_id))
    if connection is None:
        return
    now_ms = yield from perform(Now())
    now = now_ms // 1000
    if has_ended(connection.until, now):
        yield from _end(connection)
        return
    left = [connection.until - now] if connection.until else []
    if idle_seconds:
        try:
            active_ms = yield from perform(LastActive(connection_id))
        except ConnectionGoneError:
            yield from bury(connection_id)
            return
        left.append(idle_seconds - (now_ms - active_ms) // 1000)
        if left[-1] <= 0:
            yield from perform(Log(logs.INFO, "connection-idle", {"connectionId": connection_id}))
            yield from perform(Disconnect(connection_id))
            return
    yield from _look_again(connection_id, left)


def _end(connection: Connection) -> Routine[None]:
    """Tell each stream why it ends, then close; the ``$disconnect`` detaches them, for a resume."""
    for stream_id in connection.streams:
        frame = encode(failed_stream(stream_id, stream_id, ExpiredError()))
        try:
            yield from deliver(connection.connection_id, connection.connected_at, frame)
        except DeliveryError:
            break  # the close is what counts
    yield from perform(Log(logs.INFO, "connection-expired", {"connectionId": connection.connection_id}))
    yield from perform(Disconnect(connection.connection_id))


def _look_again(connection_id: str, left: list[int]) -> Routine[None]:
    """After the shortest of some times, or as late as a message can come."""
    if left:
        yield from perform(Watch(connection_id, max(1, min(LONGEST_SECONDS, *left))))
