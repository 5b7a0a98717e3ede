"""Handshakes through ``trebuche record`` that come to nothing: nothing stays open, and the client hears why."""

import asyncio
import io
from typing import Final

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response

from cli.record import Gate, Notes

_KEY: Final = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
_KNOCK: Final = (
    "GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "{key}Sec-WebSocket-Version: 13\r\n\r\n"
)
_PATIENCE: Final = 30.0
"""Seconds after which a test gives up."""


def _port(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


def _gate(stage: Server) -> Gate:
    return Gate(f"ws://127.0.0.1:{_port(stage)}/dev", Notes(io.StringIO()))


@pytest.mark.parametrize("key", [_KEY, ""], ids=["leaves", "breaks the protocol"])
def test_client_that_never_comes_in_leaves_no_connection_to_the_stage(key: str) -> None:
    """It goes while the stage is asked, or the relay refuses what the stage has let in: the stage's end is closed."""

    async def scenario() -> None:
        asked, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def ask(_stage: ServerConnection, _request: Request) -> None:
            asked.set()
            if key:
                await gone.wait()

        async def idle(connection: ServerConnection) -> None:
            await connection.wait_closed()
            ended.set()

        async with serve(idle, "127.0.0.1", 0, process_request=ask) as stage, _gate(stage).relaying(0) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", _port(relay))
            writer.write(_KNOCK.format(key=key).encode())
            await asked.wait()
            if key:
                writer.write_eof()
            # The relay closes its side when it has seen that.
            await reader.read()
            gone.set()
            await asyncio.wait_for(ended.wait(), _PATIENCE)
            writer.close()

    asyncio.run(scenario())


def test_refusal_with_a_status_of_the_stages_own_reaches_the_client() -> None:
    """Proxies before a stage have numbers that no standard knows."""

    def refuse(_connection: ServerConnection, _request: Request) -> Response:
        return Response(520, "Web Server Returned an Unknown Error", Headers({"Content-Length": "0"}))

    async def idle(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def scenario() -> None:
        async with serve(idle, "127.0.0.1", 0, process_request=refuse) as stage, _gate(stage).relaying(0) as relay:
            await connect(f"ws://127.0.0.1:{_port(relay)}")

    with pytest.raises(InvalidStatus) as refused:
        asyncio.run(scenario())
    response = refused.value.response
    assert (response.status_code, response.reason_phrase) == (520, "Web Server Returned an Unknown Error")
