"""Limits in time, on a clock that is turned."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sandbox.client import RunningSandbox
from sandbox.clock import Clock
from tests.support.front import turnable_front
from tests.support.sandbox import Aws, Function, Socket, eventually

HERE = 'record(event)\nreturn {"statusCode": 200, "body": event["requestContext"].get("connectionId")}'
IDLE = 600
AGE = 7200

Play = Callable[[ClientConnection, Clock, Callable[[], Awaitable[None]]], Awaitable[None]]


def run(sandbox: RunningSandbox, folder: Path, play: Play) -> Function:
    """Play with one socket and its clock; returns the function that saw it all."""

    async def main() -> Function:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            aws = Aws(front.endpoint, folder)
            function, socket = await asyncio.to_thread(_deploy, aws)
            async with connect(socket.url) as client:
                await client.send("{}")
                name = await asyncio.wait_for(client.recv(), 20)

                async def post() -> None:
                    management = aws.management(socket)
                    await asyncio.to_thread(management.post_to_connection, ConnectionId=str(name), Data=b"x")
                    assert await asyncio.wait_for(client.recv(), 20) == "x"

                await play(client, front.clock, post)
            await asyncio.to_thread(eventually, function.events, lambda events: len(events) >= 2)
            return function

    return asyncio.run(main())


def _deploy(aws: Aws) -> tuple[Function, Socket]:
    function = aws.function(HERE)
    return function, aws.web_socket({"$default": function, "$disconnect": function})


async def closed_with(client: ClientConnection) -> int | None:
    """The code that the server closes with."""
    with pytest.raises(ConnectionClosed) as caught:
        await asyncio.wait_for(client.recv(), 20)
    return caught.value.rcvd.code if caught.value.rcvd else None


async def is_open(client: ClientConnection) -> bool:
    """Whether a ping is answered."""
    await asyncio.wait_for(await client.ping(), 20)
    return True


def test_silence_of_ten_minutes_closes_with_1001(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Just before ten minutes the socket is open; then it is closed, and $disconnect learns why."""

    async def play(client: ClientConnection, clock: Clock, _post: object) -> None:
        clock.advance(IDLE - 30)
        assert await is_open(client)
        clock.advance(30)
        assert await closed_with(client) == 1001

    last = run(sandbox, tmp_path, play).events()[-1]["requestContext"]
    assert (last["eventType"], last["disconnectStatusCode"], last["disconnectReason"]) == (
        "DISCONNECT",
        1001,
        "Going away",
    )


def test_pings_do_not_put_off_the_ten_minutes(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A ping is answered with a pong and is no life: keep-alives have to be messages."""

    async def play(client: ClientConnection, clock: Clock, _post: object) -> None:
        for _ in range(3):
            assert await is_open(client)
            clock.advance(IDLE / 3)
        assert await closed_with(client) == 1001

    run(sandbox, tmp_path, play)


def test_two_hours_of_keep_alives_and_both_cuts(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Of two sockets with a message every nine minutes, one falls silent and is cut; the other lives for two hours."""

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            aws = Aws(front.endpoint, tmp_path)
            socket = await asyncio.to_thread(lambda: aws.web_socket({"$default": aws.function(HERE)}, replies=False))
            async with connect(socket.url) as steady, connect(socket.url) as silent:
                for _ in range(6):
                    front.clock.advance(540)
                    await keep_alive(steady)
                    await keep_alive(silent)
                front.clock.advance(540)
                await keep_alive(steady)
                front.clock.advance(60)
                assert await closed_with(silent) == 1001
                for _ in range(6):
                    front.clock.advance(500)
                    await keep_alive(steady)
                front.clock.advance(AGE - front.clock.offset)
                assert await closed_with(steady) == 1001

    async def keep_alive(client: ClientConnection) -> None:
        await client.send("{}")
        assert await is_open(client)  # the message was read before the ping, and nothing was sent in return

    asyncio.run(main())


def test_a_post_starts_the_ten_minutes_anew(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Messages to the client count as life, too."""

    async def play(client: ClientConnection, clock: Clock, post: Callable[[], Awaitable[None]]) -> None:
        for _ in range(3):
            clock.advance(IDLE - 30)
            await post()
        assert await is_open(client)

    run(sandbox, tmp_path, play)


def test_two_hours_close_with_1001_however_busy(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A socket that is never idle still ends at two hours."""

    async def play(client: ClientConnection, clock: Clock, post: Callable[[], Awaitable[None]]) -> None:
        for _ in range(AGE // 540):
            clock.advance(540)
            await post()
        clock.advance(AGE % 540)
        assert await closed_with(client) == 1001

    events = run(sandbox, tmp_path, play).events()
    context = events[-1]["requestContext"]
    assert context["requestTimeEpoch"] - context["connectedAt"] >= AGE * 1000
    assert context["connectedAt"] == events[0]["requestContext"]["connectedAt"]
