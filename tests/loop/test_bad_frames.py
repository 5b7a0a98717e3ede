"""Frames that no client should send: answered or ignored as the wire format says, and the socket stays open."""

import asyncio
import json

import pytest

from tests.loop.conftest import Deployed
from tests.loop.peer import Json, Peer, invocation

CALL = "5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3"


async def _unasked(deployed: Deployed, todos: str, text: str) -> list[Json]:
    """Send a text, then prove by calls that the socket lives; returns the frames that came although nobody asked."""
    async with Peer.at(deployed.endpoint) as peer:
        await peer.socket.send(text)
        for _ in range(3):
            assert await peer.call(todos, "clearCompleted") == 0
        return [peer.frames.get_nowait() for _ in range(peer.frames.qsize())]


async def _answer(deployed: Deployed, todos: str, frame: Json) -> Json:
    """Send a frame and wait for what comes back, then prove by a call that the socket lives."""
    async with Peer.at(deployed.endpoint) as peer:
        await peer.send(frame)
        answer = await peer.frame()
        assert await peer.call(todos, "clearCompleted") == 0
        return answer


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '"invocation"',
        '{"type":"invocation"}',
        '{"type":"invocation","payload":{"callID":"no uuid"}}',
        '{"type":"news","payload":{}}',
        json.dumps({"type": "response", "payload": {"callID": CALL, "result": ""}}),
        json.dumps({"type": "streamEnd", "payload": {"streamID": CALL, "reason": "clientUnsubscribed"}}),
        "[" * 2_000 + "]" * 2_000,
    ],
)
def test_undecodable_or_misdirected_frame_is_ignored(deployed: Deployed, todos: str, text: str) -> None:
    """Nothing is sent back, and the next call on the socket is served."""
    assert asyncio.run(_unasked(deployed, todos, text)) == []


@pytest.mark.parametrize("action", [None, "todos"])
def test_broken_invocation_with_a_call_id_is_answered(deployed: Deployed, todos: str, action: str | None) -> None:
    """A caller who can be told is told, whatever route the frame took."""
    frame = invocation(todos, "addTodo", "Buy milk")
    frame["payload"]["callID"] = CALL
    del frame["payload"]["genericSubstitutions"]
    if action:
        frame["action"] = action
    answer = asyncio.run(_answer(deployed, todos, frame))
    assert answer["type"] == "response"
    assert answer["payload"]["callID"] == CALL
    assert answer["payload"]["errorMessage"].startswith("Invalid envelope")


def test_unsupported_protocol_version_is_answered(deployed: Deployed, todos: str) -> None:
    """Version 0 never existed."""
    frame = invocation(todos, "addTodo", "Buy milk", protocolVersion=0)
    answer = asyncio.run(_answer(deployed, todos, frame))
    assert answer["payload"]["errorMessage"].startswith("Unsupported protocol version")


def test_unknown_property_is_a_stream_error(deployed: Deployed, todos: str) -> None:
    """Observing what is not there is told on the stream, as an observation gets no response."""

    async def scenario() -> str:
        async with Peer.at(deployed.endpoint) as peer:
            stream = await peer.observe(todos, "observeNothing")
            return str((await stream.until_ended())["payload"]["errorMessage"])

    assert "observeState" in asyncio.run(scenario())
