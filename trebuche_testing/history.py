"""What happened in a schedule, as far as its clients, its tables and whoever disturbed it can tell."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from trebuche.documents import dumps
from trebuche_testing.engine import Scheduler

Event: TypeAlias = dict[str, Any]
"""``{"event": <kind>, "at": <step>, …}``. Kinds and their members:

    call     call, client, actor, method, arguments      a client makes a call
    send     call                                        its frame goes out, the first time or again
    return   call, outcome (ok, refused, failed), result its answer, the first one
    commit   actor, version, call, state                 a turn was written
    delete   actor, version                              somebody deleted the state
    observe  stream, client, actor, target, swift, filtered  a client wants a stream
    resume   stream, last                                a client asks to go on after a number
    start    stream, connection, recovered, upTo, asked  it was told that a stream begins or goes on
    frame    stream, connection, number, skipped, value  a value as it came, repeated ones too
    value    stream, number, value, reset                a value that the client's reader got
    end      stream, reason                              it was told that a stream is over
    trouble  stream, code                                it was told to try again
    stray    stream, number                              somebody began to send a value when it was over
    held-up                                              changes were given back though no service had failed
    fault    fault, …                                    a disturbance
    quiet    states, initial, streams, waiting, backlog  the end: what is stored, which streams are open, what is left
"""

Note: TypeAlias = Callable[[Scheduler, Event], None]


class History:
    """Collects events.

    Args:
        engine: Tells the time.
    """

    def __init__(self, engine: Scheduler) -> None:
        self.events: list[Event] = []
        self.note: Note | None = None
        """Gets each event as it happens."""
        self._engine = engine

    def add(self, kind: str, /, **members: Any) -> None:
        """Add an event."""
        members["event"] = kind
        members["at"] = self._engine.steps
        self.events.append(members)
        if self.note is not None:
            self.note(self._engine, members)


def by_kind(events: Iterable[Event]) -> Mapping[str, list[Event]]:
    """Events by what happened; empty lists for what did not."""
    kinds: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        kinds[event["event"]].append(event)
    return kinds


def lines(seed: int, events: list[Event]) -> str:
    """Events as JSON lines, under the seed of their schedule."""
    return "".join(f"{dumps({'seed': seed, **_plain(event)})}\n" for event in events)


def _plain(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _text(value) for key, value in event.items()}


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return {key: _text(member) for key, member in value.items()} if isinstance(value, dict) else value
