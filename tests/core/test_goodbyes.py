"""Which frames the explorer takes for sent to a stream that was over: none that its client may still get."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from trebuche.envelopes import (
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamStartEnvelope,
    TrebuchetActorID,
    encode,
)
from trebuche_testing.clients import Client
from trebuche_testing.draws import draw
from trebuche_testing.explore import ledger
from trebuche_testing.goodbyes import Goodbyes
from trebuche_testing.ledger import LEDGER
from trebuche_testing.schedule import run
from trebuche_testing.system import System

ACTOR = "ledger/1"


@pytest.fixture
def system() -> System:
    """Undisturbed, with a client that has a stream."""
    plan = replace(draw(0, LEDGER), acts=(), events=(), faults=(), swift=(False,), direct=(True,), young_ms=(0,))
    code = [{actor_type.exposed_as: actor_type} for actor_type in ledger().types]
    system = System(plan, code)
    client = system.clients[0]
    client.connect()
    system.engine.run()
    client.observe(ACTOR, "observeState")
    system.engine.run()
    return system


def has_stream(client: Client) -> tuple[UUID, int]:
    """Its id and key."""
    (stream,) = client.open_streams()
    assert stream.stream_id is not None
    return stream.stream_id, stream.key


def reads(client: Client, *envelopes: StreamStartEnvelope | StreamErrorEnvelope) -> None:
    """Frames that come to a client."""
    assert client.socket is not None
    for envelope in envelopes:
        client.on_frame(client.socket, encode(envelope))


def resumes(client: Client) -> None:
    """It asks to go on, and has no answer yet."""
    assert client.socket is not None
    client.on_open(client.socket)


def test_a_start_that_comes_twice_answers_no_resume(system: System) -> None:
    """What fails after it has begun is announced once more, under the same callID; the resume is on its way still."""
    client = system.clients[0]
    stream_id, _ = has_stream(client)
    (call_id,) = client.open_streams()[0].told
    start = StreamStartEnvelope(stream_id, call_id, TrebuchetActorID(ACTOR), "observeState")
    resumes(client)
    reads(client, start)
    client.unsubscribe()
    assert client.left_for_good(stream_id) is None


def test_who_leaves_a_stream_that_goes_on_has_left_it(system: System) -> None:
    """Also one that was resumed and went on."""
    client = system.clients[0]
    stream_id, key = has_stream(client)
    resumes(client)
    system.engine.run()
    client.unsubscribe()
    assert client.left_for_good(stream_id) == key


def test_who_was_told_of_a_failure_leaves_what_may_be_no_stream(system: System) -> None:
    """Its goodbye may find nothing: whoever told it takes the stream off the list before it takes the row away."""
    client = system.clients[0]
    stream_id, _ = has_stream(client)
    reads(client, StreamErrorEnvelope(stream_id, "Internal error", "unavailable", retryable=True))
    client.unsubscribe()
    assert client.left_for_good(stream_id) is None


@pytest.mark.parametrize(("opened", "strays"), [(False, 1), (True, 0)])
def test_a_stream_that_was_opened_again_is_not_over(system: System, *, opened: bool, strays: int) -> None:
    """Its end was said to a socket that was broken; that it begins is told later than its first value, or never."""
    client = system.clients[0]
    stream_id, _ = has_stream(client)
    goodbyes = Goodbyes(system.history)
    end = StreamEndEnvelope(stream_id, StreamEndReason.ACTOR_TERMINATED)
    goodbyes.sent(client, encode(end), began=1, step=2)
    if opened:
        goodbyes.opened(stream_id)
    value = StreamDataEnvelope(stream_id, 2, b"{}", datetime(2026, 3, 4, tzinfo=UTC))
    goodbyes.sent(client, encode(value), began=3, step=4)
    assert sum(event["event"] == "stray" for event in system.history.events) == strays


@pytest.mark.parametrize("seed", [20271295, 20304583, 20348958, 20351701, 771472])
def test_what_was_once_found_is_right(seed: int) -> None:
    """Schedules with ends, goodbyes and deletions in which the runtime, or who checks it, was wrong."""
    assert run(draw(seed, LEDGER), ledger()).violations == []
