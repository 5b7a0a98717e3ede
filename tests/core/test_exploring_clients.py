"""What the explorer's clients make of what comes: as the page about streaming has it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest

from trebuche.envelopes import (
    Envelope,
    FilterType,
    InvocationEnvelope,
    StreamDataEnvelope,
    StreamFilter,
    StreamStartEnvelope,
    TrebuchetActorID,
    decode,
    encode,
)
from trebuche_testing.clients import Client
from trebuche_testing.engine import Engine
from trebuche_testing.history import History
from trebuche_testing.sockets import Peer, Socket

STREAM = UUID(int=7)
LATEST = StreamFilter(FilterType.CUSTOM, "latest")
NOBODYS_CALL = UUID(int=8)


@dataclass
class Wire:
    """A network that keeps what is sent on it."""

    sent: list[Envelope] = field(default_factory=list)

    def connect(self, peer: Peer, *, young_ms: int = 0) -> Socket:
        """Open a socket at once."""
        return Socket("c1", peer, young_ms)

    def receive(self, _socket: Socket, text: str, *, direct: bool) -> None:
        """Keep a frame."""
        assert not direct
        self.sent.append(decode(text))


@dataclass
class Around:
    """What a client stands in."""

    engine: Engine
    front: Wire
    history: History


class Watching:
    """A client that watches one stream, by hand.

    Args:
        wanted: Which values.
    """

    def __init__(self, wanted: StreamFilter | None) -> None:
        engine = Engine(Random(0))
        self.history = History(engine)
        wire = Wire()
        self.client = Client(Around(engine, wire, self.history), "ada", direct=False)
        self.client.connect()
        self.reconnect()
        self.client.observe("ledger/1", "observeState", wanted)
        (asked,) = wire.sent
        assert isinstance(asked, InvocationEnvelope)
        self.get(StreamStartEnvelope(STREAM, asked.call_id, asked.actor_id, asked.target_identifier))

    def reconnect(self) -> None:
        """Its socket opens, and it resumes."""
        assert self.client.socket is not None
        self.client.on_open(self.client.socket)

    def get(self, envelope: Envelope) -> None:
        """Let a frame come."""
        assert self.client.socket is not None
        self.client.on_frame(self.client.socket, encode(envelope))

    def value(self, number: int, *, skipped: int | None = None) -> None:
        """Let a value come."""
        self.get(StreamDataEnvelope(STREAM, number, b"0", datetime(2026, 1, 1, tzinfo=UTC), skipped))

    def snapshot(self, number: int) -> None:
        """Let it be told that what comes begins anew with a number."""
        actor = TrebuchetActorID("ledger/1")
        self.get(StreamStartEnvelope(STREAM, NOBODYS_CALL, actor, "observeState", None, recovered=False, up_to=number))

    @property
    def read(self) -> list[int]:
        """Numbers that its reader got."""
        return [event["number"] for event in self.history.events if event["event"] == "value"]


@pytest.mark.parametrize("wanted", [None, LATEST], ids=["every", "latest"])
def test_a_resume_repairs_a_gap_of_every_value_and_of_the_latest(wanted: StreamFilter | None) -> None:
    """What began anew, in a resume of which it was not told, is not what follows."""
    watching = Watching(wanted)
    watching.value(1)
    watching.reconnect()
    watching.value(101)
    assert watching.read == [1]
    watching.snapshot(201)
    watching.value(201)
    assert watching.read == [1, 201]


def test_a_gap_of_the_latest_value_shows_where_nothing_repairs_it() -> None:
    """Its reader gets the value, for the history to tell: nobody counted what was left out."""
    watching = Watching(LATEST)
    watching.value(1)
    watching.value(4, skipped=1)
    assert watching.read == [1, 4]


@pytest.mark.parametrize("wanted", [None, LATEST], ids=["every", "latest"])
def test_what_has_overtaken_others_waits_for_them(wanted: StreamFilter | None) -> None:
    """Also where some were left out before it."""
    watching = Watching(wanted)
    watching.value(1)
    watching.reconnect()
    watching.value(5, skipped=2)
    watching.value(6)
    watching.value(2)
    assert watching.read == [1, 2, 5, 6]
