"""The golden transcripts, which hold the Python client, the JavaScript client and the server's codec together."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from trebuche.documents import dumps, loads
from trebuche.envelopes import decode, encode
from trebuche.errors import ProtocolError
from trebuche_client import Backoff, ClientError, ClientOptions, Observation, TrebuchetClient

GOLDEN = Path(__file__).parents[3] / "clients" / "golden"
TRANSCRIPTS = sorted(GOLDEN.glob("*.jsonl"))
RECORDED = GOLDEN / "recorded.jsonl"
NOT_RECORDED = {
    "None {}": "API Gateway's own error document",
    "news {}": "what is no envelope",
    "streamData {streamID: str}": "what is no envelope",
    "response {callID: str, errorMessage: str}": "Swift's servers send no code",
    "response {callID: str, errorMessage: str, code: str}": "both of what follows the text may be missing",
    "streamData {streamID: str, sequenceNumber: int, data: str, timestamp: str, skipped: int}": "comes when it has to",
    "streamEnd {streamID: str, reason: str}": "comes when somebody deletes the actor",
}
PLACEHOLDER = re.compile(r"\$\w+")
SOME_ID = "0D9C8B7A-6F5E-4D3C-8B2A-190817263544"
PATIENCE = 20.0
NOT_ENVELOPES = {"news"}
"""Frames that a transcript has on purpose, because clients must not mind them."""


def lines_of(path: Path) -> list[Any]:
    """A transcript's steps."""
    return [loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def fill(pattern: Any, ids: dict[str, str], frame: Any = None) -> Any:
    """A frame with its placeholders replaced; those that are new are settled by what stands in their place."""
    if isinstance(pattern, str) and PLACEHOLDER.fullmatch(pattern):
        if pattern not in ids:
            assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", str(frame)), frame
            ids[pattern] = frame
        return ids[pattern]
    if isinstance(pattern, dict):
        inside = frame if isinstance(frame, dict) else {}
        return {key: fill(value, ids, inside.get(key)) for key, value in pattern.items()}
    if isinstance(pattern, list):
        return [fill(value, ids) for value in pattern]
    return pattern


class Performance:
    """Plays one transcript: the endpoint's part and the program's.

    Args:
        client: Whose frames are looked at.
        sockets: The endpoint's ends of its connections.
    """

    def __init__(self, client: TrebuchetClient, sockets: "asyncio.Queue[ServerConnection]") -> None:
        self._client = client
        self._sockets = sockets
        self._socket: ServerConnection | None = None
        self._ids: dict[str, str] = {}
        self._seen: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def step(self, line: dict[str, Any]) -> None:
        """Take one line."""
        match line:
            case {"connection": "opened"}:
                if self._socket is None:
                    await self._client.connect()
                self._socket = await self._sockets.get()
            case {"connection": "dropped"}:
                self._socket_now().transport.abort()
            case {"client": expected}:
                frame = loads(str(await self._socket_now().recv()))
                assert frame == fill(expected, self._ids, frame)
            case {"server": frame}:
                await self._socket_now().send(dumps(fill(frame, self._ids)))
            case {"app": deed}:
                await self._app(deed)
            case {"expect": expected}:
                name = expected.pop("of")
                assert await self._seen[name].get() == expected
            case _:
                assert "golden" in line, f"no such step: {line}"

    async def finish(self) -> None:
        """Close the client; it has nothing more to say."""
        await self._client.close()
        assert [frame async for frame in self._socket_now()] == [], "frames that the transcript does not have"
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _socket_now(self) -> ServerConnection:
        assert self._socket is not None, "a transcript begins with a connection"
        return self._socket

    async def _app(self, deed: dict[str, Any]) -> None:
        if deed["do"] == "leave":
            task = self._tasks[deed["of"]]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return
        actor = self._client.resolve(deed["actor"])
        seen = self._seen[deed["as"]] = asyncio.Queue()
        if deed["do"] == "call":
            work = self._call(seen, actor.call(deed["method"], *deed["arguments"]))
        else:
            work = self._read(seen, actor.observe(deed["property"], latest_per_ms=deed.get("latestPerMs")))
        self._tasks[deed["as"]] = asyncio.create_task(work)

    async def _call(self, seen: "asyncio.Queue[dict[str, Any]]", call: Any) -> None:
        try:
            seen.put_nowait({"result": await call})
        except ClientError as error:
            seen.put_nowait(failure(error))

    async def _read(self, seen: "asyncio.Queue[dict[str, Any]]", observation: Observation[Any]) -> None:
        try:
            async for item in observation.values():
                told = {"sequence": item.sequence, "recovered": item.recovered}
                seen.put_nowait({"value": item.value, **told, "skipped": item.skipped, "missed": item.missed})
        except ClientError as error:
            seen.put_nowait(failure(error))
        else:
            seen.put_nowait({"end": observation.end_reason})


def failure(error: Any) -> dict[str, Any]:
    """What a program sees of an error."""
    return {"error": str(error), "code": error.code, "retryable": error.retryable}


async def perform(lines: list[Any]) -> None:
    """Play a transcript with a client that comes back at once."""
    sockets: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def accept(socket: ServerConnection) -> None:
        sockets.put_nowait(socket)
        await socket.wait_closed()

    async with asyncio.timeout(PATIENCE), serve(accept, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        options = ClientOptions(backoff=Backoff(first_seconds=0.01, longest_seconds=0.05))
        performance = Performance(TrebuchetClient(f"ws://127.0.0.1:{port}/stage", options=options), sockets)
        for line in lines:
            await performance.step(line)
        await performance.finish()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_python_client_plays_the_transcript(path: Path) -> None:
    """The client sends each frame that is written there, and its program sees each value, error and end."""
    asyncio.run(perform(lines_of(path)))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_server_reads_and_writes_every_frame(path: Path) -> None:
    """The server's codec understands each frame of either side, and would write it just so."""
    steps = lines_of(path)
    assert steps[0]["golden"] == path.stem
    ids = dict.fromkeys(PLACEHOLDER.findall(json.dumps(steps)), SOME_ID)
    frames = [fill(step[side], ids) for step in steps for side in ("client", "server") if side in step]
    assert frames
    for frame in frames:
        frame.pop("action", None)
        if "requestId" in frame or frame["type"] in NOT_ENVELOPES or set(frame["payload"]) == {"streamID"}:
            with pytest.raises(ProtocolError):
                decode(dumps(frame))
        else:
            assert loads(encode(decode(dumps(frame)))) == frame


def kinds(frame: dict[str, Any]) -> str:
    """Of which keys, in which order and with which types a frame of the endpoint is."""
    inside = [f"{key}: {type(value).__name__}" for key, value in frame.get("payload", {}).items()]
    return f"{frame.get('type')} {{{', '.join(inside)}}}"


def endpoint_kinds(path: Path) -> set[str]:
    """The kinds of all frames that the endpoint sends in a transcript."""
    return {kinds(step["server"]) for step in lines_of(path) if "server" in step}


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_frames_of_the_endpoint_are_of_kinds_that_were_recorded(path: Path) -> None:
    """What somebody made up a deployed endpoint really sends; it is held to the recording on a deployed stack."""
    unheard = {kind for kind in endpoint_kinds(path) - endpoint_kinds(RECORDED) if kind not in NOT_RECORDED}
    assert unheard == set()
