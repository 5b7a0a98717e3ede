"""What both clients outlive, by one script: two hours, silence, cuts, stalls and faults."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

from sandbox.handle import Handle
from tests.loop.conftest import Deployed
from tests.support.client_process import LANGUAGES, ClientProcess, client_process, poll
from tests.support.fleet import MISSED, cut_fleet
from tests.support.wire import Wire

STEP_SECONDS = 290
"""Of the ten minutes after which the gateway gives up a silent connection."""
STEPS = 26
"""A little over the two hours after which it ends any."""
HANDOVER_BY_SECONDS = 6_900
FLEET = 10
FLEETS_SPREAD_SECONDS = 5.0
QUICK: Final[dict[str, Any]] = {"backoff": [0.2, 1.0], "probe_after": 1.5, "probe_timeout": 1.5}
FAULTS = {
    "cut-socket": 0.1,
    "lost-disconnect": 0.3,
    "post-error": 0.1,
    "post-throttled": 0.1,
    "duplicated-batch": 0.3,
    "overlapping-batch": 0.2,
}


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """The client's language."""
    return str(request.param)


@pytest.fixture
def client(language: str) -> Iterator[ClientProcess]:
    """One of our clients."""
    with client_process(language) as client:
        yield client


@pytest.fixture
def wire(deployed: Deployed) -> Iterator[Wire]:
    """A wire to the endpoint."""
    wire = Wire(deployed.endpoint)
    try:
        yield wire
    finally:
        wire.stop()


def watch(client: ClientProcess, wire: Wire, actor: str, **options: Any) -> None:
    """Connect over the wire and observe a list, which is empty so far."""
    client.connect(wire.url, **options)
    client.observe(actor)
    client.until(lambda: len(client.values()) == 1, "the first value")


def titles(client: ClientProcess, stream: str = "stream") -> list[str]:
    """What the newest value of a stream holds."""
    values = client.values(stream)
    return [todo["title"] for todo in values[-1].value["todos"]] if values else []


def holds(client: ClientProcess, title: str) -> None:
    """Wait until a stream's newest value ends with this title."""
    client.until(lambda: titles(client)[-1:] == [title], f"the value with {title}")


def check_every_version_once(client: ClientProcess, changes: int, stream: str = "stream") -> None:
    """One value for each change, in order, none of them a snapshot that stands for others."""
    values = client.values(stream)
    assert [value.sequence for value in values] == list(range(1, changes + 2))
    assert [len(value.value["todos"]) for value in values] == list(range(changes + 1))
    assert {value.recovered for value in values} <= {None, True}


def test_two_hours_of_life(client: ClientProcess, wire: Wire, deployed: Deployed, todos: str) -> None:
    """A second socket takes over before the gateway ends the first; nobody is ever without one, nothing comes twice."""
    clock = Handle(deployed.local.environment["AWS_ENDPOINT_URL"])
    watch(client, wire, todos)
    with ExitStack() as faults:
        for name in ("duplicated-batch", "overlapping-batch"):
            faults.enter_context(clock.faults.during(name, rate=FAULTS[name]))
        for step in range(STEPS):
            # A handshake that is under way has 30 s on the clients' clock, too.
            poll(lambda: len(wire.opened) == wire.answered, "the answer to the handshake")
            client.turn(STEP_SECONDS)
            if (step + 1) * STEP_SECONDS >= HANDOVER_BY_SECONDS:
                poll(lambda: wire.answered >= 2, "the handover")
            clock.clock.advance(STEP_SECONDS)
            client.call(todos, "addTodo", f"step {step}")
            holds(client, f"step {step}")
    check_every_version_once(client, STEPS)
    assert client.states() == ["connecting", "connected"]
    assert len(wire.opened) == 2


def test_socket_that_fell_silent(client: ClientProcess, wire: Wire, todos: str) -> None:
    """A connection that is open and dead is found while a call waits; call and stream go on over another one."""
    watch(client, wire, todos, **QUICK)
    wire.fall_silent()
    client.call(todos, "addTodo", "into the dark")
    holds(client, "into the dark")
    check_every_version_once(client, 1)
    assert len(wire.opened) >= 2


def test_socket_that_fell_silent_while_nobody_asks(
    client: ClientProcess, wire: Wire, deployed: Deployed, todos: str, language: str
) -> None:
    """With an open stream alone a dead connection is found, too, and what was missed is replayed."""
    watch(client, wire, todos, backoff=QUICK["backoff"], probe_timeout=1.5)
    wire.fall_silent()
    with client_process(language) as other:
        other.connect(deployed.endpoint)
        for number in range(3):
            other.call(todos, "addTodo", f"missed {number}")
    client.turn(250)  # the probe falls due
    client.turn(2)  # and nobody has answered it
    holds(client, "missed 2")
    check_every_version_once(client, 3)
    assert client.values()[1].recovered is True


@pytest.mark.parametrize("after_bytes", [1, 3, 200])
def test_cut_within_a_frame(client: ClientProcess, wire: Wire, todos: str, after_bytes: int) -> None:
    """Half of a frame is no frame: the value comes whole on the next connection, and once."""
    watch(client, wire, todos, **QUICK)
    for number in range(3):
        wire.cut_within_a_frame(after_bytes)
        client.call(todos, "addTodo", f"change {number}")
        holds(client, f"change {number}")
    check_every_version_once(client, 3)
    assert len(wire.opened) >= 3


def test_stalls(client: ClientProcess, wire: Wire, todos: str) -> None:
    """What is held back arrives late, in order and once, whether or not the client has left that socket meanwhile."""
    watch(client, wire, todos, **QUICK)
    for number in range(4):
        wire.stall()
        release = threading.Timer(0.5 * number, wire.release)
        release.start()
        client.call(todos, "addTodo", f"change {number}")
        release.join()
        holds(client, f"change {number}")
    check_every_version_once(client, 4)


def test_everything_goes_wrong_at_once(client: ClientProcess, wire: Wire, deployed: Deployed, todos: str) -> None:
    """Sockets that break, posts that fail, batches that come twice: each call and value is there once."""
    sandbox = Handle(deployed.local.environment["AWS_ENDPOINT_URL"])
    watch(client, wire, todos, **QUICK)
    with ExitStack() as faults:
        for name, rate in FAULTS.items():
            faults.enter_context(sandbox.faults.during(name, rate=rate, seed=7))
        for number in range(30):
            client.call(todos, "addTodo", f"change {number}")
            if number % 10 == 9:
                wire.cut()
    client.call(todos, "addTodo", "last")
    holds(client, "last")
    check_every_version_once(client, 31)


def test_fleet_that_is_cut_at_once(client: ClientProcess, wire: Wire, deployed: Deployed, todos: str) -> None:
    """All of them come back and resume, not all in one moment, and each has each version once."""
    cut = cut_fleet(client, wire, todos, endpoint=deployed.endpoint, clients=FLEET, spread=FLEETS_SPREAD_SECONDS)
    assert cut.attempts >= FLEET
    assert cut.spread_seconds > 1
    for number in range(FLEET):
        check_every_version_once(client, MISSED, f"client {number}")
        assert client.states(f"client {number}")[-2:] == ["reconnecting", "connected"]
