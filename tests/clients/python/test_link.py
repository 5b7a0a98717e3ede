"""Sockets whose other side does not read: sending, giving up, finding out, leaving."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.clients.python.quick import answer, options
from trebuche_client import CallTimeoutError, ClientClosedError, ConnectionState, TrebuchetClient

STREAM = "2C8A1F60-4B7D-4E93-9D15-6A0E3F7B8C24"
LARGE = "x" * 90_000
ENOUGH = 80
"""So many large messages fill the buffers of both machines' kernels, which grow to some megabytes."""
HANG_SECONDS = 30.0


async def calls(client: TrebuchetClient, **how: Any) -> list[Any]:
    """Make calls that no buffer can hold; what became of each."""
    actor = client.resolve("counter")
    made = [actor.call("add", LARGE, **how) for _ in range(ENOUGH)]
    return await asyncio.gather(*made, return_exceptions=True)


async def answer_all(peer: Any) -> None:
    """Answer every call with the number of the connection."""
    while True:
        await answer(peer, await peer.receive(), peer.number)


def deaf(first: Callable[[Any], Awaitable[None]] | None = None) -> Callable[[Any], Awaitable[None]]:
    """A script that reads nothing from some moment on, and stays."""

    async def script(peer: Any) -> None:
        if first is not None:
            await first(peer)
        peer.stop_reading()
        await peer.gone()

    return script


async def begin_stream(peer: Any) -> None:
    """Open the stream that is asked for."""
    await peer.start_stream(await peer.receive(), STREAM)
    await peer.state(STREAM, 1, "a")


def test_callers_that_give_up_while_it_is_sent_break_nothing(serving: Any) -> None:
    """A message of several frames that has begun is ended, though its caller has left: the connection goes on."""
    read_on = asyncio.Event()

    async def pausing(peer: Any) -> None:
        peer.stop_reading()
        await read_on.wait()
        peer.start_reading()
        await answer_all(peer)

    endpoint = serving(pausing)
    states: list[ConnectionState] = []

    async def go() -> tuple[list[Any], Any]:
        chosen = options(probe_timeout=HANG_SECONDS, probe_after=HANG_SECONDS)
        told = states.append
        async with TrebuchetClient(endpoint.url, options=chosen, on_state=lambda change: told(change.state)) as client:
            given_up = await calls(client, timeout=0.3)
            endpoint.do(read_on.set)
            return given_up, await client.resolve("counter").get()

    given_up, value = asyncio.run(go())
    assert {type(outcome) for outcome in given_up} == {CallTimeoutError}
    assert value == 1
    assert states == [ConnectionState.CONNECTING, ConnectionState.CONNECTED, ConnectionState.CLOSED]


def test_dead_socket_is_found_though_its_buffer_is_full(serving: Any) -> None:
    """The ping that asks for life waits behind what nobody takes; the wait for it has an end all the same."""
    endpoint = serving(deaf(), answer_all)

    async def go() -> list[Any]:
        chosen = options(probe_after=0.2, probe_timeout=0.3, call_timeout=HANG_SECONDS)
        async with TrebuchetClient(endpoint.url, options=chosen) as client:
            return await calls(client)

    assert asyncio.run(go()) == [2] * ENOUGH


def test_socket_that_takes_nothing_is_left_though_nobody_waits(serving: Any) -> None:
    """Callers have given up and no stream is open, so nothing is due that a probe could ask for."""
    endpoint = serving(deaf(), answer_all)
    reasons: list[str | None] = []

    async def go() -> Any:
        chosen = options(probe_after=HANG_SECONDS, probe_timeout=0.5)
        told = reasons.append
        async with TrebuchetClient(endpoint.url, options=chosen, on_state=lambda change: told(change.reason)) as client:
            await calls(client, timeout=0.3)
            await asyncio.to_thread(endpoint.wait_for_connections, 2)
            return await client.resolve("counter").get()

    assert asyncio.run(go()) == 2
    assert "the connection is open, but takes nothing" in reasons


def test_close_ends_on_a_socket_that_takes_nothing(serving: Any) -> None:
    """Streams are to be unsubscribed and nobody reads that: closing waits a moment, and closes."""
    endpoint = serving(deaf(begin_stream))

    async def go() -> tuple[list[Any], ConnectionState]:
        client = TrebuchetClient(endpoint.url, options=options())
        await client.connect()
        values = client.resolve("todos").observe("state").values()
        assert (await anext(values)).value == "a"
        waiting = asyncio.create_task(calls(client))
        # The messages are on their way, and more of them than fits.
        await asyncio.sleep(0.3)
        async with asyncio.timeout(HANG_SECONDS):
            await client.close()
            with pytest.raises(ClientClosedError):
                await anext(values)
            return await waiting, client.state

    outcomes, state = asyncio.run(go())
    assert {type(outcome) for outcome in outcomes} == {ClientClosedError}
    assert state is ConnectionState.CLOSED


def test_close_sends_what_was_to_be_sent(serving: Any) -> None:
    """A large call that has just begun, and the goodbye to a stream, both arrive before the socket is closed."""

    async def script(peer: Any) -> None:
        await begin_stream(peer)
        await peer.until_closed()

    endpoint = serving(script)

    async def go() -> None:
        client = TrebuchetClient(endpoint.url, options=options())
        await client.connect()
        values = client.resolve("todos").observe("state").values()
        await anext(values)
        call = asyncio.create_task(client.resolve("todos").add_todo(LARGE))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(ClientClosedError):
            await call

    asyncio.run(go())
    assert [frame["type"] for frame in endpoint.received] == ["invocation", "invocation", "streamEnd"]
