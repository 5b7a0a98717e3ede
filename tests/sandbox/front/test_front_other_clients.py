"""aiohttp's client sees the same ends as websockets' does: it shares no code with the front's frames."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from sandbox.client import RunningSandbox
from tests.support.front import TurnableFront, turnable_front
from tests.support.sandbox import Aws, Socket

Send = Callable[[aiohttp.ClientWebSocketResponse], Awaitable[None]]


async def send_too_long(client: aiohttp.ClientWebSocketResponse) -> None:
    """One byte more than a frame may have."""
    await client.send_str("x" * (32 * 1024 + 1))


async def send_binary(client: aiohttp.ClientWebSocketResponse) -> None:
    """A frame that is no text."""
    await client.send_bytes(b"x")


async def code_after(url: str, send: Send) -> int | None:
    """The code that the server closes with."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as client:
        await send(client)
        message = await client.receive(20)
        assert message.type is aiohttp.WSMsgType.CLOSE
        return client.close_code


@pytest.mark.parametrize(("send", "code"), [(send_too_long, 1009), (send_binary, 1003)])
def test_aiohttp_reads_the_close_code(aws: Aws, send: Send, code: int) -> None:
    """A client that breaks a rule hears which."""
    assert asyncio.run(code_after(aws.web_socket({}).url, send)) == code


def test_aiohttp_reads_1001_when_time_is_up(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Ten minutes of silence end with going away."""

    async def silent(front: TurnableFront, socket: Socket) -> int | None:
        async def wait(_client: aiohttp.ClientWebSocketResponse) -> None:
            front.clock.advance(600)

        return await code_after(socket.url, wait)

    async def run() -> int | None:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            return await silent(front, await asyncio.to_thread(Aws(front.endpoint, tmp_path).web_socket, {}))

    assert asyncio.run(run()) == 1001


def test_aiohttp_reads_the_status_of_a_refused_connect(aws: Aws) -> None:
    """What the $connect function answers is the status of the handshake."""
    function = aws.function('print("called")\nreturn {"statusCode": 418}')
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        asyncio.run(code_after(aws.web_socket({"$connect": function}).url, send_binary))
    assert caught.value.status == 418
