"""Fan-out: each change of an actor to each of its subscribers, in order.

A dead or slow subscriber is never a reason to process a change again: the dead one is detached, the slow one is handed
over to a worker, and so is whoever would come too late in an invocation with too many of them. Only a service that
fails is such a reason.
"""

from collections.abc import Iterable, Mapping, Sequence

from trebuche import logs
from trebuche.answers import code_of
from trebuche.auth.access import has_ended
from trebuche.catch_up import end, give_up, send_away
from trebuche.changes import UNREADABLE, Change
from trebuche.conflation import hold_ms, merged, window_ms
from trebuche.contract import METRIC_DELIVERY_LAG
from trebuche.delivery import HELD_UP, bury, deliver, detach
from trebuche.effects import (
    Concurrently,
    Log,
    Measure,
    Now,
    Pause,
    QuerySubscribers,
    Routine,
    perform,
)
from trebuche.errors import ConnectionGoneError, ExpiredError, StateError
from trebuche.filters import compares, passes
from trebuche.frames import data_frame, observed, observed_before
from trebuche.handover import (
    ABANDONED_SECONDS,
    SLOW_SECONDS,
    claim,
    found_again,
    out_of_time,
    outlives,
    set_aside,
    tell,
)
from trebuche.stored import Phase, Subscription
from trebuche.targets import observed_property


def fan_out(changes: Iterable[Change]) -> Routine[str | None]:
    """Deliver changes; the sequence number from which they have to be delivered again, None when all is done.

    Changes of one actor go out in the order given. A change that comes again is posted again, under the same number.
    """
    by_actor: dict[str, list[Change]] = {}
    for change in changes:
        by_actor.setdefault(change.actor_id, []).append(change)
    started_ms = yield from perform(Now())
    failed, hold = [], 0
    for actor_id, own in by_actor.items():
        number, wanted_ms = yield from _to_actor(actor_id, own)
        failed.append(number)
        hold = max(hold, wanted_ms)
    if hold and not any(failed):
        yield from _hold(started_ms + hold)
    return first_failed(failed)


def first_failed(sequence_numbers: Iterable[str | None]) -> str | None:
    """The lowest: Lambda repeats everything from there. They are numbers of up to 40 digits, not texts to sort."""
    return min((number for number in sequence_numbers if number is not None), key=int, default=None)


def _hold(until_ms: int) -> Routine[None]:
    """Let changes come together for those that want the latest only: the shard gives out none while this runs.

    Everything is delivered by then, so a function that dies here has lost nothing.
    """
    now_ms = yield from perform(Now())
    if until_ms > now_ms and not (yield from out_of_time()):
        yield from perform(Pause((until_ms - now_ms) / 1000))


def _to_actor(actor_id: str, changes: Sequence[Change]) -> Routine[tuple[str | None, int]]:
    """The sequence number from which to deliver again, and for how long changes should come together now (ms)."""
    now_ms = yield from perform(Now())
    try:
        rows = yield from perform(QuerySubscribers(actor_id, now_ms // 1000))
    except Exception as error:  # a row that newer code wrote, too: it must not hold up the other actors of the batch
        yield from perform(
            Log(logs.ERROR, "subscribers-unreadable", {"actorId": actor_id, "code": code_of(error)}, error)
        )
        return changes[0].sequence_number, 0
    by_connection: dict[str, list[Subscription]] = {}
    for row in rows:
        by_connection.setdefault(row.connection_id, []).append(row)
    latest = {_place(one): last for last in merged(changes) for one in (*last.earlier, last)}
    # One post in flight per connection: API Gateway does not keep concurrent posts in order.
    routines = tuple(_to_connection(own, changes, latest) for own in by_connection.values())
    failed = yield from perform(Concurrently(routines))
    return first_failed(failed), hold_ms(rows)


def _to_connection(
    rows: Sequence[Subscription], changes: Sequence[Change], latest: Mapping[tuple[int, bool], Change]
) -> Routine[str | None]:
    """Bring changes to one connection; ``latest`` says, by place, which one stands for each where only that counts."""
    for change in changes:
        left = []
        last = latest[_place(change)]
        for row in rows:
            own = last if window_ms(row) else change
            if _place(own) != _place(change):
                left.append(row)
                continue
            try:
                kept = yield from _tell(row, own)
            except Exception as error:
                fields = _fields(row) | {"code": code_of(error)}
                yield from perform(Log(logs.ERROR, "change-undelivered", fields, error))
                # Nothing after it: a later change must not overtake the one that comes again. And all that is left out
                # comes again with it, for streams beside this one that have not got the last yet.
                return (last if any(map(window_ms, rows)) else change).sequence_number
            left += [kept] if kept else []
        rows = left
    return None


def _place(change: Change) -> tuple[int, bool]:
    """Of a change among those of its actor: a deletion has the version of what was deleted."""
    return change.version, change.state is None


def _tell(row: Subscription, change: Change, seconds: int = ABANDONED_SECONDS) -> Routine[Subscription | None]:
    """Bring one change to one subscriber; the row as it is for the next change, None when it is out.

    Args:
        row: As it was found.
        change: The change.
        seconds: When a worker is reminded of the row, if it is opening and was told of nothing yet.
    """
    if outlives(row, change):
        return row
    if row.phase is Phase.OPENING:
        found = yield from tell(row, change, seconds)
        if found is None or found.phase is not Phase.LIVE:
            return found
        if outlives(found, change):
            return found
        row = found
    if row.phase is not Phase.LIVE:
        return None
    # An unreadable state goes on whatever its number: its subscriber has to be told.
    if change.state and change.version <= row.sent:
        return row
    if row.until and has_ended(row.until, (yield from perform(Now())) // 1000):
        yield from send_away(row, hurried=True)
        return None
    if _of_other_code(row, change) or (yield from out_of_time()):
        return (yield from _hand_over(row, change, 0))
    if change.state is None:
        # A resume may have moved it since, and outlive this. Posted before, the end would be told of that one.
        claimed = yield from claim(row, max(row.sent, change.version))
        if claimed is None:
            found = yield from found_again(row)
            return (yield from _tell(found, change, seconds)) if found is not None else None
        row = claimed
    return (yield from _bring(row, change))


def _bring(row: Subscription, change: Change) -> Routine[Subscription | None]:
    """Post what a row of ours is to get; a reader that takes nothing is left to a worker, one that is gone detached."""
    try:
        return (yield from _post(row, change))
    except ExpiredError:
        yield from send_away(row, hurried=True)
        return None
    except ConnectionGoneError:
        # By the row at hand, since the connection's list may be gone; then all others that the list names.
        yield from detach(row)
        yield from bury(row.connection_id)
        yield from perform(Log(logs.INFO, "connection-gone", _fields(row)))
        return None
    except HELD_UP as error:
        yield from perform(Log(logs.WARNING, "subscriber-slow", _fields(row) | {"code": error.code}))
        return (yield from _hand_over(row, change, SLOW_SECONDS))


def _of_other_code(row: Subscription, change: Change) -> bool:
    """Whether only the actor's own code can say what the subscriber is shown: older code wrote, or newer code reads.

    A worker then shows it, and the row is of that worker's shape: so a deployment costs each subscriber one handover.
    """
    return bool(change.state and row.shape and change.shape) and row.shape != change.shape


def _hand_over(row: Subscription, change: Change, seconds: int) -> Routine[Subscription | None]:
    """Leave a live subscriber with what it has, and this change and those after it to a worker."""
    found = yield from set_aside(row, max(row.sent, change.first.version - 1))
    return (yield from _tell(found, change, seconds)) if found is not None else None


def _post(row: Subscription, change: Change) -> Routine[Subscription | None]:
    if change.state is None:
        yield from end(row, hurried=True)
        return None
    try:
        frame = yield from _frame(row, change, change.state)
    except StateError as error:
        yield from give_up(row, error, hurried=True)
        return None
    if frame is not None:
        yield from deliver(row.connection_id, row.connected_at, frame, hurried=True, until=row.until)
        yield from _measure_lag(change)
    return row


def _frame(row: Subscription, change: Change, state: bytes) -> Routine[str | None]:
    """The frame of one change; None when the filter holds it back.

    Raises:
        StateError: The state, written past the runtime, is no state or fits no frame; or the stream is out of numbers.
    """
    property_key = observed_property(row.target) or ""
    # Its catch-up may have shown the first of those that this one stands for.
    first = next((one for one in change.earlier if one.version > row.sent), change)
    previous = observed_before(first.previous, property_key)
    seen = max(row.sent, first.version - 1)
    value = observed(state, property_key)
    for earlier in () if compares(row.filter) else reversed(change.earlier):
        if passes(row.filter, value=value, previous=previous):
            break
        if earlier.version <= seen:
            return None
        change, value = earlier, observed(earlier.state or UNREADABLE, property_key)
    if not passes(row.filter, value=value, previous=previous):
        return None
    now_ms = yield from perform(Now())
    skipped = change.version - seen - 1 if window_ms(row) else 0
    return data_frame(row.stream_id, change.version - row.base, value, now_ms, skipped=skipped)


def _measure_lag(change: Change) -> Routine[None]:
    if change.updated_at is not None:
        now_ms = yield from perform(Now())
        actor_type = change.actor_id.partition("/")[0]
        yield from perform(Measure(METRIC_DELIVERY_LAG, max(0, now_ms - change.updated_at), actor_type))


def _fields(row: Subscription) -> dict[str, object]:
    return {"actorId": row.actor_id, "connectionId": row.connection_id, "streamId": row.stream_id}
