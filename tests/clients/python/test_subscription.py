"""The client's half of a stream, decided without a socket."""

import random
import uuid
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from trebuche.envelopes import (
    FilterType,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamFilter,
    StreamResumeEnvelope,
    StreamStartEnvelope,
    TrebuchetActorID,
)
from trebuche_client.subscription import Failed, Recovered, Recovery, Subscription, Update

ACTOR = TrebuchetActorID(id="todos")
CALL = uuid.UUID(int=1)
STREAM = uuid.UUID(int=2)


def _subscription() -> Subscription:
    return Subscription("todos", "observeState", new_id=lambda: CALL)


def _start(recovered: bool | None = None, *, up_to: int | None = None) -> StreamStartEnvelope:
    return StreamStartEnvelope(STREAM, CALL, ACTOR, "observeState", recovered=recovered, up_to=up_to)


def _data(sequence: int, *, skipped: int | None = None, stream: uuid.UUID = STREAM) -> StreamDataEnvelope:
    return StreamDataEnvelope(stream, sequence, b"{}", datetime(2026, 3, 4, tzinfo=UTC), skipped)


def _started() -> Subscription:
    subscription = _subscription()
    subscription.opening()
    subscription.receive(_start())
    return subscription


def _shown(subscription: Subscription, *envelopes: StreamDataEnvelope) -> list[int]:
    events = [event for envelope in envelopes for event in subscription.receive(envelope).events]
    return [event.sequence for event in events if isinstance(event, Update)]


def test_first_socket_gets_an_invocation() -> None:
    """A fresh subscription observes."""
    opening = _subscription().opening()
    assert isinstance(opening, InvocationEnvelope)
    assert opening.target_identifier == "observeState"


def test_next_socket_gets_a_resume_after_the_last_number() -> None:
    """Once a stream is known, a new socket resumes it."""
    subscription = _started()
    _shown(subscription, _data(1), _data(2))
    opening = subscription.opening()
    assert isinstance(opening, StreamResumeEnvelope)
    assert (opening.stream_id, opening.last_sequence) == (STREAM, 2)


def test_stream_without_its_first_value_is_not_answered_yet() -> None:
    """A function may die between the two: the stream is asked for again, from its beginning."""
    subscription = _started()
    assert not subscription.acknowledged
    opening = subscription.opening()
    assert isinstance(opening, StreamResumeEnvelope)
    assert opening.last_sequence == 0
    subscription.receive(_start(recovered=False))
    _shown(subscription, _data(1))
    assert subscription.acknowledged


def test_replay_that_broke_off_is_not_answered_yet() -> None:
    """What ``upTo`` promises is owed: until it is there the rest is asked for again."""
    subscription = _started()
    _shown(subscription, _data(1))
    subscription.opening()
    subscription.receive(_start(recovered=True, up_to=3))
    _shown(subscription, _data(2))
    assert not subscription.acknowledged
    opening = subscription.opening()
    assert isinstance(opening, StreamResumeEnvelope)
    assert opening.last_sequence == 2
    subscription.receive(_start(recovered=True, up_to=3))
    _shown(subscription, _data(3))
    assert subscription.acknowledged


def test_nothing_is_owed_through_a_filter() -> None:
    """The server holds values back without a word: a client that waited for them would ask for ever."""
    subscription = Subscription("todos", "observeState", StreamFilter(FilterType.PREDEFINED, "changed"), lambda: CALL)
    subscription.opening()
    subscription.receive(_start(up_to=7))
    assert subscription.acknowledged


def test_first_number_may_be_any() -> None:
    """Servers that count versions start a stream at a high number."""
    assert _shown(_started(), _data(4711), _data(4712)) == [4711, 4712]


def test_old_and_foreign_numbers_are_dropped() -> None:
    """Numbers that were seen, number 0 and other streams' data show nothing."""
    subscription = _started()
    assert _shown(subscription, _data(0), _data(1), _data(1), _data(2, stream=CALL), _data(2)) == [1, 2]


def test_skipped_numbers_are_no_gap() -> None:
    """A value that says how many were left out follows at once."""
    subscription = _started()
    assert _shown(subscription, _data(1), _data(9, skipped=7)) == [1, 9]


def test_gap_is_resumed_once_and_then_accepted_as_missed() -> None:
    """A server that cannot fill a gap does not stop the stream: the loss is counted."""
    subscription = _started()
    _shown(subscription, _data(1))
    asked = subscription.receive(_data(3)).send
    assert isinstance(asked, StreamResumeEnvelope)
    assert asked.last_sequence == 1
    subscription.receive(_start(recovered=True))
    step = subscription.receive(_data(3))
    assert step.send is None
    assert step.events == (Update(3, datetime(2026, 3, 4, tzinfo=UTC), b"{}", missed=1),)


def test_recovery_says_how() -> None:
    """The server's own word about a resume is passed on."""
    for word, how in ((True, Recovery.REPLAYED), (False, Recovery.SNAPSHOT), (None, Recovery.UNKNOWN)):
        subscription = _started()
        subscription.opening()
        assert subscription.receive(_start(word)).events == (Recovered(how),)


def test_error_response_to_the_observation_fails_the_stream() -> None:
    """A refused observation is told although no stream exists."""
    subscription = _subscription()
    subscription.opening()
    step = subscription.receive(ResponseEnvelope(CALL, error_message="Actor 'x' not found", code="actor"))
    assert step.events == (Failed("Actor 'x' not found", "actor", retryable=False),)


@given(st.integers(1, 30), st.integers(0, 2**32))
def test_every_version_is_shown_once_in_order_whatever_is_lost(versions: int, seed: int) -> None:
    """Against a server that replays on resume, losing or doubling frames loses and doubles nothing."""
    chance = random.Random(seed)
    subscription = _started()
    shown: list[int] = []
    queue: list[StreamDataEnvelope | StreamStartEnvelope] = [_data(1)]
    queue += [_data(n) for n in range(2, versions + 1) if chance.random() < 0.7 for _ in range(chance.randint(1, 2))]
    while queue:
        step = subscription.receive(queue.pop(0))
        shown += [event.sequence for event in step.events if isinstance(event, Update)]
        if isinstance(step.send, StreamResumeEnvelope):
            replay = [_data(n) for n in range(step.send.last_sequence + 1, versions + 1)]
            queue += [_start(recovered=True), *replay]
    assert shown == list(range(1, len(shown) + 1))
