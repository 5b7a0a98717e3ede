"""Subscribing and resuming as a pure model, small enough for every order of every step.

What there is: an actor's version, the records of its changes, one subscription row, an index of it that lags behind, a
catch-up per connection, the stream processor, and a reader whose first connection may break. ``Rules`` switch the
decisions of the design off one by one; ``unsafe`` finds the shortest way to a reader that lost or confused something.
It comes before the code: what is not safe here cannot be made safe there.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

CHANGES: Final = 3
FIRST_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Rules:
    """Decisions of the design; all of them on is what the runtime does.

    Attributes:
        strong: Subscribers are read from the base table, not from an index.
        row_first: The row is written before the state is read.
        opening_waits: The stream processor does not post to an opening row, it raises ``pending``.
        flip_checks: A row turns live only with nothing pending above what was delivered.
        resume_attaches: A resume moves the row to its connection.
        detach_compares: A dying connection detaches only rows that are still its own.
        opener_counts: Only the catch-up that wrote the row last may turn it live.
    """

    strong: bool = True
    row_first: bool = True
    opening_waits: bool = True
    flip_checks: bool = True
    resume_attaches: bool = True
    detach_compares: bool = True
    opener_counts: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """The subscription; ``connection`` also names the catch-up that wrote it last."""

    connection: int
    live: bool = False
    pending: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A subscribe (connection 1) or a resume (connection 2) and how far it is; ``after`` is what its reader has."""

    step: str = "idle"
    after: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one moment."""

    version: int = FIRST_VERSION
    processed: int = FIRST_VERSION
    row: Row | None = None
    index: Row | None = None
    indexed: bool = True
    """Whether the index shows the row as it is."""
    found: Row | None = None
    """The row as the stream processor read it."""
    processing: bool = False
    first: CatchUp = field(default_factory=lambda: CatchUp("begin"))
    second: CatchUp = field(default_factory=CatchUp)
    connection: int = 1
    """The one that the reader has."""
    disconnect: bool = False
    """Whether the end of the first connection is still to be noticed."""
    last: int = 0
    """The version that the reader has; 0 for none."""
    wrong: str = ""


def unsafe(rules: Rules) -> list[str] | None:
    """The shortest way to something wrong, step by step; None when no order of steps leads there."""
    start = State()
    reached: dict[State, tuple[State, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        following = list(_steps(state, rules))
        if state.wrong or (not following and state.last != state.version):
            return [*_way(reached, state), state.wrong or f"rests at {state.last} of {state.version}"]
        for label, after in following:
            if after not in reached:
                reached[after] = (state, label)
                waiting.append(after)
    return None


def states(rules: Rules) -> int:
    """How many different moments there are."""
    reached = {State()}
    waiting = deque(reached)
    while waiting:
        for _, after in _steps(waiting.popleft(), rules):
            if after not in reached:
                reached.add(after)
                waiting.append(after)
    return len(reached)


def _way(reached: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    labels: list[str] = []
    while (came := reached[state]) is not None:
        state, label = came
        labels.append(label)
    return labels[::-1]


def _steps(state: State, rules: Rules) -> Iterator[tuple[str, State]]:
    if state.version < FIRST_VERSION + CHANGES:
        yield "write", replace(state, version=state.version + 1)
    if not rules.strong and not state.indexed:
        yield "index", replace(state, index=state.row, indexed=True)
    if state.connection == 1 and state.last:
        # Only a reader that knows its stream can resume it; any other one subscribes again.
        resume = CatchUp("begin", after=state.last)
        yield "cut", replace(state, connection=2, disconnect=True, second=resume)
    if state.disconnect:
        yield "disconnect", _disconnected(state, rules)
    yield from _process(state, rules)
    if state.first.step not in ("idle", "done"):
        yield f"subscribe: {state.first.step}", _catch_up(state, rules, 1)
    if state.second.step not in ("idle", "done"):
        yield f"resume: {state.second.step}", _catch_up(state, rules, 2)


def _disconnected(state: State, rules: Rules) -> State:
    row = state.row
    own = row is not None and (row.connection == 1 or not rules.detach_compares)
    return replace(state, disconnect=False, row=None if own else row, indexed=state.indexed and not own)


def _process(state: State, rules: Rules) -> Iterator[tuple[str, State]]:
    """The next record: read the row, then raise what is pending or post."""
    version = state.processed + 1
    if not state.processing:
        if state.processed < state.version:
            yield "read row", replace(state, processing=True, found=state.row if rules.strong else state.index)
        return
    done = replace(state, processing=False, found=None, processed=version)
    found = state.found
    if found is not None and not found.live and rules.opening_waits:
        if state.row is not None and not state.row.live:
            yield "raise", _with_row(done, replace(state.row, pending=max(state.row.pending, version)))
            return
        found = state.row
    if found is not None and version > found.sent:
        done = _received(done, found.connection, version, snapshot=False)
    yield "post", done


def _catch_up(state: State, rules: Rules, connection: int) -> State:
    own = state.first if connection == 1 else state.second
    match own.step:
        case "begin":
            if rules.row_first:
                return _at(_opened(state, rules, own, connection), connection, replace(own, step="read"))
            return _at(state, connection, replace(own, step="open", position=state.version))
        case "open":
            return _at(_opened(state, rules, own, connection), connection, replace(own, step="deliver"))
        case "read":
            return _at(state, connection, replace(own, step="deliver", position=state.version))
        case "deliver":
            state = _delivered(state, connection, own.after, own.position)
            return _at(state, connection, replace(own, step="flip"))
        case _:
            return _flipped(state, rules, own, connection)


def _opened(state: State, rules: Rules, own: CatchUp, connection: int) -> State:
    return state if own.after and not rules.resume_attaches else _with_row(state, Row(connection))


def _flipped(state: State, rules: Rules, own: CatchUp, connection: int) -> State:
    row = state.row
    ended = _at(state, connection, replace(own, step="done"))
    if row is None or row.live or (row.connection != connection and rules.opener_counts):
        return ended
    if row.pending > own.position and rules.flip_checks:
        state = _delivered(state, connection, own.position, row.pending)
        return _at(state, connection, replace(own, position=row.pending))
    return _with_row(ended, replace(row, live=True, sent=own.position))


def _delivered(state: State, connection: int, after: int, position: int) -> State:
    """A snapshot for a reader that has nothing, else every version above what it has."""
    if not after:
        return _received(state, connection, position, snapshot=True)
    for version in range(after + 1, position + 1):
        state = _received(state, connection, version, snapshot=False)
    return state


def _received(state: State, connection: int, version: int, *, snapshot: bool) -> State:
    if connection != state.connection or version <= state.last:
        return state
    if not snapshot and version != state.last + 1:
        return replace(state, wrong=f"got {version} after {state.last or 'nothing'}")
    return replace(state, last=version)


def _with_row(state: State, row: Row) -> State:
    return replace(state, row=row, indexed=False)


def _at(state: State, connection: int, own: CatchUp) -> State:
    return replace(state, first=own) if connection == 1 else replace(state, second=own)
