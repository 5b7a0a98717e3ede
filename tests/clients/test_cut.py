"""A hundred clients whose connections break off at one moment."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.client_process import LANGUAGES, ClientProcess, client_process
from tests.support.wire import Wire

CLIENTS = 100
CONNECTS_PER_SECOND = 500
"""What API Gateway takes by default (its quota page)."""
BEFORE, AFTER = 2, 5
"""The newest value before the cut, and after it."""


async def serve_stream(peer: Any) -> None:
    """Show two values to whoever observes, and what is missing of five to whoever resumes."""
    frame = await peer.receive()
    stream_id = str(uuid.uuid5(uuid.NAMESPACE_URL, frame["payload"]["actorID"]["id"])).upper()
    if frame["type"] == "streamResume":
        last, newest = frame["payload"]["lastSequence"], AFTER
        await peer.start_stream(frame, stream_id, recovered=True, upTo=newest)
    else:
        last, newest = 0, BEFORE
        await peer.start_stream(frame, stream_id)
    for number in range(last + 1, newest + 1):
        await peer.state(stream_id, number, number)
    await peer.until_closed()


def most_in_a_second(moments: list[float]) -> int:
    """The most of them in any one second."""
    return max(sum(1 for later in moments if first <= later < first + 1) for first in moments)


def until_all_have(client: ClientProcess, names: list[str], count: int) -> None:
    """Wait until each stream has so many values."""
    client.until(lambda: all(len(client.values(name)) == count for name in names), f"{count} values for everybody")


@pytest.mark.parametrize("language", LANGUAGES)
def test_hundred_clients_that_are_cut_at_once(serving: Any, language: str) -> None:
    """They come back spread out and below the gateway's rate, all of them resume, and each gets each value once."""
    names = [f"client {number}" for number in range(CLIENTS)]
    with ExitStack() as ends, client_process(language) as client:
        wire = Wire(serving(serve_stream).url)
        ends.callback(wire.stop)

        def join(name: str) -> None:
            client.connect(wire.url, client=name)
            client.observe(f"todos/{name}", stream=name, client=name)

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(join, names))
        until_all_have(client, names, BEFORE)
        wire.cut()
        until_all_have(client, names, AFTER)
        for name in names:
            assert [value.sequence for value in client.values(name)] == list(range(1, AFTER + 1))
            assert client.states(name) == ["connecting", "connected", "reconnecting", "connected"]
    back = wire.opened[CLIENTS:]
    assert len(back) >= CLIENTS
    assert most_in_a_second(back) < CONNECTS_PER_SECOND
    # Without chance in their pauses all of them would be there within a moment.
    assert max(back) - min(back) > 1
