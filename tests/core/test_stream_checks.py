"""What must not happen on a stream is found in its history; what may happen is not."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from trebuche_testing.checks import check
from trebuche_testing.history import Event
from trebuche_testing.ledger import LEDGER


def state(total: int, **more: Any) -> str:
    """A stored ledger."""
    return json.dumps({"entries": [], "total": total, **more})


def add(version: int) -> list[Event]:
    """A call that adds one, answered and written."""
    call = f"call-{version}"
    made = {"event": "call", "call": call, "client": "ada", "actor": "ledger/1", "method": "add", "arguments": [1]}
    written = {"event": "commit", "actor": "ledger/1", "version": version, "call": call, "state": state(version)}
    return [made, written, {"event": "return", "call": call, "outcome": "ok", "result": str(version), "told": None}]


def again(version: int) -> list[Event]:
    """The first call after a deletion."""
    made, written, answer = add(version)
    return [made, written | {"state": state(1)}, answer | {"result": "1"}]


def value(number: int, total: int, *, reset: bool = False, skipped: int = 0, **more: Any) -> list[Event]:
    """A value that comes and is read."""
    frame = {"event": "frame", "stream": 7, "connection": "c1", "number": number, "skipped": skipped}
    read = {"event": "value", "stream": 7, "number": number, "skipped": skipped, "reset": reset}
    return [frame, read | {"value": state(total, **more)}]


def observe(*, swift: bool = False) -> list[Event]:
    """A stream begins."""
    wanted = {"event": "observe", "stream": 7, "client": "bob", "actor": "ledger/1", "target": "observeState"}
    return [wanted | {"swift": swift, "filtered": False}, *started(None)]


def started(recovered: bool | None) -> list[Event]:
    """It is told that it goes on."""
    return [{"event": "start", "stream": 7, "connection": "c1", "recovered": recovered, "upTo": None}]


def resume(last: int) -> list[Event]:
    """It asks to go on."""
    return [{"event": "resume", "stream": 7, "last": last}]


def end(reason: str) -> list[Event]:
    """It is over."""
    return [{"event": "end", "stream": 7, "reason": reason}]


def delete(version: int) -> list[Event]:
    """Somebody deletes the state."""
    return [{"event": "delete", "actor": "ledger/1", "version": version}]


def fault(kind: str) -> list[Event]:
    """A disturbance."""
    return [{"event": "fault", "fault": kind}]


def wrong(*parts: Sequence[Event], total: int | None, open_: bool = True) -> list[str]:
    """What is wrong with a history that ends with this total, None for no state."""
    quiet = {
        "event": "quiet",
        "states": {"ledger/1": None if total is None else state(total)},
        "initial": state(0),
        "streams": [7] if open_ else [],
        "waiting": [],
        "backlog": 0,
    }
    events = [*(event for part in parts for event in part), quiet]
    return [one.text for one in check([{"at": at, **event} for at, event in enumerate(events)], LEDGER)]


def test_each_version_once_is_right() -> None:
    """Also when a value comes twice, and when newer code adds members to a state."""
    seen = [*value(1, 0), *add(1), *value(2, 1)[:1], *value(2, 1), *add(2), *value(3, 2, signed="nobody")]
    assert wrong(observe(), seen, total=2) == []


def test_a_member_that_the_specification_knows_is_compared() -> None:
    """Whoever owns it belongs to the value."""
    (told,) = wrong(observe(), value(1, 0), add(1), value(2, 1, owner="bob"), add(2), value(3, 2), total=2)
    assert "numbers [1, 2, 3]: values are not those of versions" in told


def test_a_stream_must_not_go_on_over_a_deletion() -> None:
    """It ends, or is told that something was left out: by a resume, or where the journal has forgotten."""
    before = (observe(), value(1, 0), add(1), value(2, 1), delete(1), again(2))
    (told,) = wrong(*before, value(3, 1), total=1)
    assert "its actor was deleted meanwhile, and nobody told" in told
    (told,) = wrong(*before, value(3, 1, skipped=1), total=1)
    assert "its actor was deleted meanwhile, and nobody told" in told
    assert wrong(*before, fault("sleep"), value(3, 1, skipped=1), total=1) == []
    assert wrong(*before, end("actorTerminated"), total=1, open_=False) == []
    assert wrong(*before, resume(2), started(recovered=False), value(102, 1, reset=True), total=1) == []


def test_nothing_may_be_shown_that_was_deleted_before_a_stream_began() -> None:
    """A replay is from the journal, which has it still."""
    gone = (add(1), delete(1))
    assert wrong(*gone, observe(), value(1, 0), again(2), value(2, 1), total=1) == []
    (told,) = wrong(*gone, observe(), value(1, 1), again(2), value(2, 1), total=1)
    assert "or had been deleted" in told


def test_a_stream_ends_by_a_deletion_after_it_was_asked_for() -> None:
    """One from before, or none by then, is no reason; on another connection it is asked for anew."""
    seen = (observe(), value(1, 0))
    over = end("actorTerminated")
    assert wrong(add(1), *seen[:1], value(1, 1), delete(1), over, total=None, open_=False) == []
    reason = "ended by what was deleted before it was asked for, if ever"
    (told,) = wrong(add(1), delete(1), *seen, over, total=None, open_=False)
    assert reason in told
    (told,) = wrong(*seen, over, total=None, open_=False)
    assert reason in told
    again_ = [started(None)[0] | {"asked": 90}]
    (told,) = wrong(add(1), *seen[:1], value(1, 1), delete(1), again_, over, total=None, open_=False)
    assert reason in told


def test_nobody_sends_to_a_stream_that_is_over() -> None:
    """What was on its way comes; and whoever keeps subscribers may have missed that one is gone, if somebody died."""
    seen = (observe(), value(1, 0), add(1), value(2, 1), end("unsubscribed"), add(2), value(3, 2)[:1])
    assert wrong(*seen, total=2, open_=False) == []
    stray = [{"event": "stray", "stream": 7, "number": 3}]
    (told,) = wrong(*seen, stray, total=2, open_=False)
    assert "[3] were sent when it was over" in told
    ended = (observe(), value(1, 0), add(1), value(2, 1), delete(1), end("actorTerminated"), again(2))
    assert wrong(*ended, [stray[0] | {"number": 2}], value(2, 1)[:1], total=1, open_=False) == []
    (told,) = wrong(*ended, stray, value(3, 1)[:1], total=1, open_=False)
    assert "[3] were sent when it was over" in told
    assert wrong(*seen, [fault("crash")[0] | {"effect": "MarkAudience"}], stray, total=2, open_=False) == []


def test_what_is_left_out_has_a_reason() -> None:
    """A deletion, or hours in which the journal expired; but a reader that has nothing misses nothing."""
    asked = (resume(2), started(recovered=False), value(102, 1, reset=True))
    seen = (observe(), value(1, 0), add(1), value(2, 1))
    (told,) = wrong(*seen, *asked, total=1)
    assert "something was left out, without a reason" in told
    assert wrong(*seen, fault("sleep"), *asked, total=1) == []
    assert wrong(add(1), observe(), resume(0), started(recovered=False), value(2, 1, reset=True), total=1) == []
    assert wrong(observe(swift=True), value(1, 0), add(1), value(2, 1), *asked[:2], value(3, 1), total=1) == []


def test_a_gap_is_told() -> None:
    """As skipped, or not at all."""
    assert wrong(observe(), value(1, 0), add(1), add(2), value(3, 2, skipped=1), total=2) == []
    (told,) = wrong(observe(), value(1, 0), add(1), add(2), value(3, 2), total=2)
    assert "3 follows 1, 0 told as skipped" in told


def test_a_version_that_overtook_another_is_found() -> None:
    """On one connection numbers that come for the first time rise."""
    late = [*value(3, 2)[:1], *value(2, 1), *value(3, 2)]
    (told,) = wrong(observe(), value(1, 0), add(1), add(2), late, total=2)
    assert "2 came after 3" in told


def test_a_resume_that_was_overtaken_brings_nothing_new() -> None:
    """Two were under way on one connection: what the slower one sends lies below the snapshot of the other."""
    told = [started(recovered=False)[0] | {"upTo": up_to} for up_to in (203, 104)]
    begun = (add(1), observe(), resume(0), told[:1], value(203, 1, reset=True), told[1:], add(2), value(204, 2))
    late = value(104, 2)[:1]
    assert wrong(*begun, late, total=2) == []
    (found,) = wrong(*begun[:-2], add(2), add(3), value(205, 3)[:1], value(204, 2), value(205, 3), late, total=3)
    assert "204 came after 205" in found
    elsewhere = [[event | {"connection": "c2"} for event in events] for events in (told[1:], value(204, 2), late)]
    (found,) = wrong(*begun[:-3], elsewhere[0], add(2), *elsewhere[1:], total=2)
    assert "104 came after 204" in found


def test_subscribers_do_not_hold_up_the_stream() -> None:
    """Only services that failed do."""
    (told,) = wrong(add(1), [{"event": "held-up"}], total=1, open_=False)
    assert "only subscribers had failed" in told


@pytest.mark.parametrize("total", [1, None])
def test_the_last_value_is_the_state_in_the_end(total: int | None) -> None:
    """Or what there is without one."""
    last = [*value(2, 1), *delete(1)] if total is None else []
    (told,) = wrong(observe(), value(1, 0), add(1), last, total=total)
    assert "is not the final state" in told
