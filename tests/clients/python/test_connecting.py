"""Getting a connection, or learning why there is none: patience, refusals, who closes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.clients.python.quick import answer, options
from trebuche_client import (
    ClientClosedError,
    ClientError,
    ConnectionState,
    EndpointError,
    StateChange,
    StreamFailedError,
    TrebuchetClient,
)
from trebuche_client.clock import SystemClock

STREAM = "2C8A1F60-4B7D-4E93-9D15-6A0E3F7B8C24"
HANG_SECONDS = 20.0


@asynccontextmanager
async def refusing(*statuses: HTTPStatus) -> AsyncIterator[str]:
    """An endpoint that refuses its first handshakes so."""
    left = list(statuses)

    def check(socket: ServerConnection, _request: Any) -> Any:
        return socket.respond(left.pop(0), "") if left else None

    async with serve(lambda socket: socket.wait_closed(), "127.0.0.1", 0, process_request=check) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/stage"


@asynccontextmanager
async def mute() -> AsyncIterator[str]:
    """A server that takes connections and says nothing."""

    async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/stage"


def test_patience_ends_also_in_the_middle_of_a_handshake() -> None:
    """Whoever would wait a little does not wait for as long as a handshake may take."""

    async def go() -> None:
        async with mute() as url, asyncio.timeout(HANG_SECONDS):
            client = TrebuchetClient(url, options=options(connect_timeout=2 * HANG_SECONDS))
            with pytest.raises(EndpointError, match=r"no connection to ws://127.* within 0\.3 s"):
                await client.connect(patience=0.3)

    asyncio.run(go())


def test_who_runs_out_of_patience_learns_the_last_answer() -> None:
    """An endpoint that asks to come back later is no silent one: its status is told."""

    async def go() -> int | None:
        async with refusing(*[HTTPStatus.SERVICE_UNAVAILABLE] * 1_000) as url:
            with pytest.raises(EndpointError, match="HTTP 503") as refused:
                await TrebuchetClient(url, options=options()).connect(patience=2)
            return refused.value.status

    assert asyncio.run(go()) == HTTPStatus.SERVICE_UNAVAILABLE


def test_each_attempt_that_fails_is_told() -> None:
    """Whoever shows the connection can say that it takes long, and why."""
    states: list[StateChange] = []

    async def go(url: str) -> None:
        async with TrebuchetClient(url, options=options(), on_state=states.append):
            pass

    async def all_of_it() -> None:
        async with refusing(HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY) as url:
            await go(url)

    asyncio.run(all_of_it())
    assert [(change.state, change.failures) for change in states] == [
        (ConnectionState.CONNECTING, 0),
        (ConnectionState.CONNECTING, 1),
        (ConnectionState.CONNECTING, 2),
        (ConnectionState.CONNECTED, 0),
        (ConnectionState.CLOSED, 0),
    ]
    assert "HTTP 429" in str(states[1].reason)


def test_closing_ends_an_attempt_to_connect() -> None:
    """Somebody waits in ``connect()`` while somebody else closes: nobody waits for good."""

    async def go() -> ConnectionState:
        async with mute() as url, asyncio.timeout(HANG_SECONDS):
            client = TrebuchetClient(url)
            connecting = asyncio.create_task(client.connect())
            await asyncio.sleep(0.1)
            await client.close()
            with pytest.raises(ClientClosedError):
                await connecting
            return client.state

    assert asyncio.run(go()) is ConnectionState.CLOSED


def test_whoever_watches_the_state_cannot_break_the_client(serving: Any) -> None:
    """What ``on_state`` raises goes where asyncio tells such things; calls and the connection go on."""

    async def answering(peer: Any) -> None:
        while True:
            await answer(peer, await peer.receive(), 7)

    def raising(change: StateChange) -> None:
        raise RuntimeError(f"cannot show {change.state}")

    told: list[str] = []

    async def go() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        async with TrebuchetClient(serving(answering).url, options=options(), on_state=raising) as client:
            return await client.resolve("counter").get()

    assert asyncio.run(go()) == 7
    assert told == ["cannot show connecting", "cannot show connected", "cannot show closed"]


def test_client_whose_right_was_taken_back_stops(serving: Any) -> None:
    """After ``revoked`` no other connection is tried; stream, calls and state say why. A new start is a new attempt."""

    async def script(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, "a")
        await peer.send("streamError", streamID=STREAM, errorMessage="The right was taken back", code="revoked")
        await peer.close(1000)

    async def answering(peer: Any) -> None:
        await answer(peer, await peer.receive(), peer.number)

    endpoint = serving(script, answering)
    states: list[StateChange] = []

    async def go() -> Any:
        client = TrebuchetClient(endpoint.url, options=options(), on_state=states.append)
        await client.connect()
        with pytest.raises(StreamFailedError) as failed:
            async for _ in client.resolve("todos").observe("state"):
                pass
        while client.state is not ConnectionState.CLOSED:
            await asyncio.sleep(0.01)
        with pytest.raises(ClientClosedError, match="The right was taken back"):
            await client.resolve("todos").get()
        await client.connect()
        value = await client.resolve("todos").get()
        await client.close()
        return failed.value.code, value

    assert asyncio.run(go()) == ("revoked", 2)
    assert states[2].state is ConnectionState.CLOSED
    assert "The right was taken back" in str(states[2].reason)


def test_defect_of_the_client_is_told_and_hangs_nobody(serving: Any) -> None:
    """Should the client itself fail, whoever connects, calls or reads gets an error that says so."""

    class Broken(SystemClock):
        """A clock that does not tell the time."""

        def now(self) -> float:
            """No time."""
            raise RuntimeError("no time")

    endpoint = serving(lambda peer: peer.until_closed())

    async def go() -> None:
        async with asyncio.timeout(HANG_SECONDS):
            await TrebuchetClient(endpoint.url, clock=Broken()).connect()

    with pytest.raises(ClientError, match="the client failed: RuntimeError: no time"):
        asyncio.run(go())
