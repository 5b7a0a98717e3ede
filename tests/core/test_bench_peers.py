"""A benchmark goes on when a busy machine refuses a handshake, and gives up when it refuses all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response

from bench import peers
from bench.peers import ATTEMPTS, Door


@asynccontextmanager
async def endpoint(refusals: int) -> AsyncIterator[str]:
    """A server that answers so many handshakes with 502, as the sandbox does when a function does not come up."""
    left = refusals

    def refuse(connection: ServerConnection, _: Request) -> Response | None:
        nonlocal left
        left -= 1
        return connection.respond(HTTPStatus.BAD_GATEWAY, "") if left >= 0 else None

    async def hold(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(hold, "127.0.0.1", 0, process_request=refuse) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def entered(refusals: int) -> int:
    """Handshakes that were made again before a peer was in."""
    async with endpoint(refusals) as url, AsyncExitStack() as stack:
        door = Door(url, stack)
        await door.enter()
        return door.repeated


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are for busy machines."""
    monkeypatch.setattr(peers, "PAUSE_SECONDS", 0.01)


@pytest.mark.parametrize("refusals", [0, 2, ATTEMPTS - 1])
def test_refused_handshakes_are_made_again_and_counted(refusals: int) -> None:
    """A meter counts them, too, so they have to be told."""
    assert asyncio.run(entered(refusals)) == refusals


def test_a_door_that_stays_shut_is_an_error() -> None:
    """After the last attempt."""
    with pytest.raises(InvalidStatus):
        asyncio.run(entered(ATTEMPTS))
