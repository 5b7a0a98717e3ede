"""Tokens that a function fetches: fresh ones in time, and functions that fail, hang, or bring what is refused."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.clients.python.quick import answer, options
from tests.support.endpoint import as_data
from trebuche_client import ClientClosedError, ConnectionState, EndpointError, StateChange, TrebuchetClient

HANG_SECONDS = 20.0


def guarded(accepted: str) -> Callable[[ServerConnection], Awaitable[None]]:
    """Answers one call per connection."""

    async def handle(socket: ServerConnection) -> None:
        frame = json.loads(await socket.recv())
        payload = {"callID": frame["payload"]["callID"], "result": as_data(accepted)}
        await socket.send(json.dumps({"type": "response", "payload": payload}))
        await socket.wait_closed()

    return handle


async def refusing_server(accepted: str) -> tuple[Any, str, list[str | None]]:
    """A server that takes one token only."""
    tokens: list[str | None] = []

    def check(socket: ServerConnection, request: Any) -> Any:
        tokens.append(request.headers.get("Authorization"))
        return None if tokens[-1] == f"Bearer {accepted}" else socket.respond(401, "")

    server = await serve(guarded(accepted), "127.0.0.1", 0, process_request=check)
    port = next(iter(server.sockets)).getsockname()[1]
    return server, f"ws://127.0.0.1:{port}/stage", tokens


def test_refused_token_is_fetched_once_more() -> None:
    """A token that has run out since it was fetched is no reason to give up; a refusal of a fresh one is."""

    async def go() -> tuple[Any, list[str | None], int | None]:
        server, url, tokens = await refusing_server("fresh")
        fetched = iter(["stale", "fresh", "stale", "stale"])
        client = TrebuchetClient(url, token=lambda: next(fetched))
        async with client:
            value = await client.resolve("todos").get()
        with pytest.raises(EndpointError, match="HTTP 401") as refused:
            await client.connect()
        server.close()
        return value, tokens[:2], refused.value.status

    assert asyncio.run(go()) == ("fresh", ["Bearer stale", "Bearer fresh"], 401)


def jwt(expires: float) -> str:
    """A token as far as a client reads it."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


class Turned:
    """The loop's clock, on another day."""

    def __init__(self, epoch: float) -> None:
        self._epoch = epoch
        self._start = asyncio.get_running_loop().time()

    def now(self) -> float:
        """Seconds of the loop."""
        return asyncio.get_running_loop().time()

    def epoch(self) -> float:
        """Seconds since 1970 on that day."""
        return self._epoch + self.now() - self._start

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def test_fresh_token_takes_over_before_the_old_one_expires(serving: Any) -> None:
    """A JWT's own end, less the margin, moves the client to a new socket with a new token."""

    async def left(peer: Any) -> None:
        await peer.until_closed()

    async def answering(peer: Any) -> None:
        await answer(peer, await peer.receive(), peer.number)
        await peer.until_closed()

    endpoint = serving(left, answering)

    async def go() -> int:
        made = iter([jwt(1_000.6), jwt(9_000)])
        soon = options(expiry_margin=0.3)
        client = TrebuchetClient(endpoint.url, token=lambda: next(made), options=soon, clock=Turned(1_000))
        async with client:
            await asyncio.to_thread(endpoint.wait_for_connections, 2)
            return int(await client.resolve("todos").get())

    assert asyncio.run(go()) == 2


class Noting(Turned):
    """Notes for how long it was asked to wait."""

    def __init__(self, epoch: float) -> None:
        super().__init__(epoch)
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        self.waits.append(seconds)
        await super().sleep(seconds)


def test_token_that_lives_shorter_than_the_margin_keeps_its_socket_for_half_of_that(serving: Any) -> None:
    """Each socket would be left as soon as it is open, and the next one, too."""

    async def answering(peer: Any) -> None:
        await answer(peer, await peer.receive(), peer.number)
        await peer.until_closed()

    endpoint = serving(answering)

    async def go() -> list[float]:
        clock = Noting(1_000)
        short = options(expiry_margin=60)
        async with TrebuchetClient(endpoint.url, token=lambda: jwt(1_030), options=short, clock=clock) as client:
            assert await client.resolve("todos").get() == 1
        return clock.waits

    waits = asyncio.run(go())
    assert any(14 < seconds <= 15 for seconds in waits)
    assert 0 not in waits


@asynccontextmanager
async def open_to_all(refuse: Callable[[int], bool] = lambda _number: False) -> AsyncIterator[tuple[str, list[Any]]]:
    """An endpoint that answers calls with the connection's number and notes each; some handshakes it refuses."""
    sockets: list[ServerConnection] = []

    def check(socket: ServerConnection, _request: Any) -> Any:
        sockets.append(socket)
        return socket.respond(403, "") if refuse(len(sockets)) else None

    async def handle(socket: ServerConnection) -> None:
        number = len(sockets)
        async for text in socket:
            payload = {"callID": json.loads(text)["payload"]["callID"], "result": as_data(number)}
            await socket.send(json.dumps({"type": "response", "payload": payload}))

    async with serve(handle, "127.0.0.1", 0, process_request=check) as server, asyncio.timeout(HANG_SECONDS):
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/stage", sockets


async def never() -> str:
    """A token service that does not answer."""
    await asyncio.Event().wait()
    return "never"


def away() -> str:
    """A token service that is away."""
    raise OSError("the token service is away")


class Tokens:
    """A function for tokens, which does something else at each call, and the last thing for ever.

    Attributes:
        asked: How often it was called.
    """

    def __init__(self, *sources: Callable[[], Any]) -> None:
        self._sources = sources
        self.asked = 0

    def __call__(self) -> Any:
        """A token, or what becomes one."""
        self.asked += 1
        return self._sources[min(self.asked, len(self._sources)) - 1]()


@pytest.mark.parametrize(
    ("source", "why"), [(away, "OSError: the token service is away"), (never, "none within 0.1 s")]
)
def test_function_that_brings_no_token_is_told_to_who_connects(source: Callable[[], Any], why: str) -> None:
    """When patience is over; nobody is left waiting for a function that raises, or that never returns."""

    async def go() -> None:
        async with open_to_all() as (url, sockets):
            client = TrebuchetClient(url, token=source, options=options(connect_timeout=0.1))
            with pytest.raises(EndpointError, match=f"no token: {why}"):
                await client.connect(patience=0.5)
            assert sockets == []

    asyncio.run(go())


def test_function_that_brings_a_token_later_is_asked_again() -> None:
    """A token service that is away for a moment is as an endpoint that is."""

    async def go() -> Any:
        async with open_to_all() as (url, _):
            source = Tokens(away, never, lambda: "token")
            async with TrebuchetClient(url, token=source, options=options(connect_timeout=2)) as client:
                return await client.resolve("todos").get()

    assert asyncio.run(go()) == 1


@pytest.mark.parametrize("trouble", [away, never])
def test_socket_goes_on_while_no_fresh_token_can_be_had(trouble: Callable[[], Any]) -> None:
    """Before a token ends its function fails twice: the old socket stays until there is a new one."""
    states: list[StateChange] = []
    ending = lambda: jwt(1_000.6)  # noqa: E731  (one of several functions)

    async def go() -> tuple[Any, Any]:
        looked = asyncio.Event()

        async def fresh() -> str:
            await looked.wait()
            return jwt(9_000)

        async with open_to_all() as (url, sockets):
            source = Tokens(ending, trouble, trouble, fresh)
            soon = options(expiry_margin=0.3, connect_timeout=0.5)
            told = states.append
            async with TrebuchetClient(url, token=source, options=soon, clock=Turned(1_000), on_state=told) as client:
                while source.asked < 3:
                    await asyncio.sleep(0.01)
                before = await client.resolve("todos").get()
                looked.set()
                while len(sockets) < 2:
                    await asyncio.sleep(0.01)
                while (after := await client.resolve("todos").get()) == 1:
                    await asyncio.sleep(0.01)
                return before, after

    assert asyncio.run(go()) == (1, 2)
    assert ConnectionState.RECONNECTING not in {change.state for change in states}


def test_socket_goes_on_while_a_fresh_token_is_refused() -> None:
    """A refusal at the handover is no reason to leave the socket that lives; only at the next drop it is the end."""

    async def go() -> tuple[Any, str, ConnectionState]:
        async with open_to_all(refuse=lambda number: number > 1) as (url, sockets):
            soon = options(expiry_margin=0.3)
            client = TrebuchetClient(url, token=lambda: jwt(1_000.6), options=soon, clock=Turned(1_000))
            async with client:
                # Each attempt shows two tokens before it counts as refused.
                while len(sockets) < 4:
                    await asyncio.sleep(0.01)
                value = await client.resolve("todos").get()
                sockets[0].transport.abort()
                while client.state is not ConnectionState.CLOSED:
                    await asyncio.sleep(0.01)
                with pytest.raises(ClientClosedError) as closed:
                    await client.resolve("todos").get()
                return value, str(closed.value), client.state

    value, why, state = asyncio.run(go())
    assert "HTTP 403" in why
    assert (value, state) == (1, ConnectionState.CLOSED)


def test_drop_is_seen_while_a_token_is_fetched_for_the_handover() -> None:
    """A function that hangs must not hide that the old socket is gone: the drop is told, another one is opened."""
    states: list[StateChange] = []

    async def go() -> Any:
        async with open_to_all() as (url, sockets):
            source = Tokens(lambda: jwt(1_000.6), never, lambda: jwt(9_000))
            soon = options(expiry_margin=0.3, connect_timeout=HANG_SECONDS)
            told = states.append
            async with TrebuchetClient(url, token=source, options=soon, clock=Turned(1_000), on_state=told) as client:
                while source.asked < 2:
                    await asyncio.sleep(0.01)
                sockets[0].transport.abort()
                while len(sockets) < 2:
                    await asyncio.sleep(0.01)
                return await client.resolve("todos").get()

    assert asyncio.run(go()) == 2
    assert ConnectionState.RECONNECTING in {change.state for change in states}
