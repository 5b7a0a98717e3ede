"""A WebSocket client of the tests' own: frames as they are on the wire, none of the project's client code."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Json = dict[str, Any]
SECONDS = 60.0
"""Generous: twenty functions that start at once on a busy machine take their time."""


class CallFailedError(Exception):
    """A response carried an ``errorMessage``."""

    def __init__(self, payload: Json) -> None:
        super().__init__(payload["errorMessage"])
        self.payload = payload


@dataclass
class Stream:
    """What came on one stream."""

    stream_id: str
    start: Json
    values: list[tuple[int, Any]] = field(default_factory=list)
    ended: Json | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def numbers(self) -> list[int]:
        """The sequence numbers, in order of arrival."""
        return [number for number, _ in self.values]

    async def until(self, count: int) -> list[Any]:
        """Wait for so many values; returns them all."""
        return await self.until_true(lambda values: len(values) >= count)

    async def until_true(self, condition: Any) -> list[Any]:
        """Wait until the values satisfy a condition; returns them all."""
        async with asyncio.timeout(SECONDS):
            while not condition([value for _, value in self.values]):
                self.changed.clear()
                await self.changed.wait()
        return [value for _, value in self.values]

    async def until_ended(self) -> Json:
        """Wait for the frame that ends the stream."""
        async with asyncio.timeout(SECONDS):
            while self.ended is None:
                self.changed.clear()
                await self.changed.wait()
        return self.ended


class Peer:
    """One connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: asyncio.Queue[Json] = asyncio.Queue()
        self.sent = self.received = self.received_bytes = 0
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._streams: dict[str, Stream] = {}

    @classmethod
    @asynccontextmanager
    async def at(cls, endpoint: str) -> AsyncIterator[Self]:
        """Connect; the socket is closed at the end."""
        async with connect(endpoint, proxy=None, open_timeout=SECONDS, close_timeout=2) as socket:
            peer = cls(socket)
            reader = asyncio.create_task(peer._read())
            try:
                yield peer
            finally:
                reader.cancel()

    async def call(self, actor: str, method: str, *arguments: object, action: bool = True) -> Any:
        """Call a method; None for a method without result.

        Raises:
            CallFailedError: The answer is an error.
        """
        payload = await self._exchange(actor, method, arguments, action=action)
        if "errorMessage" in payload:
            raise CallFailedError(payload)
        return _value(payload["result"]) if payload["result"] else None

    async def observe(self, actor: str, target: str = "observeState", **extra: object) -> Stream:
        """Open a stream."""
        payload = await self._exchange(actor, target, (), action=True, **extra)
        return self._streams[payload["streamID"]]

    async def resume(self, actor: str, stream: Stream, last: int, target: str = "observeState") -> Stream:
        """Go on with a stream of another connection."""
        waiting = self._expect(stream.stream_id)
        payload = {
            "streamID": stream.stream_id,
            "lastSequence": last,
            "actorID": {"id": actor},
            "targetIdentifier": target,
        }
        await self.send({"type": "streamResume", "payload": payload})
        async with asyncio.timeout(SECONDS):
            return self._streams[(await waiting)["streamID"]]

    async def send(self, frame: Json) -> None:
        """Send a frame as it is."""
        self.sent += 1
        await self.socket.send(json.dumps(frame))

    async def frame(self) -> Json:
        """The next frame that answers nothing known."""
        async with asyncio.timeout(SECONDS):
            return await self.frames.get()

    def break_off(self) -> None:
        """Die without a closing handshake."""
        self.socket.transport.abort()

    def _expect(self, key: str) -> "asyncio.Future[Json]":
        self._waiting[key] = asyncio.get_running_loop().create_future()
        return self._waiting[key]

    async def _exchange(
        self, actor: str, target: str, arguments: tuple[object, ...], *, action: bool, **extra: object
    ) -> Json:
        frame = invocation(actor, target, *arguments, **extra)
        waiting = self._expect(frame["payload"]["callID"])
        await self.send({"action": actor.split("/")[0], **frame} if action else frame)
        async with asyncio.timeout(SECONDS):
            return await waiting

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                self.received += 1
                self.received_bytes += len(text.encode() if isinstance(text, str) else text)
                self._take(json.loads(text))
        except ConnectionClosed:
            return

    def _take(self, frame: Json) -> None:
        kind, payload = frame.get("type"), frame.get("payload", {})
        if kind == "response" and payload["callID"] in self._waiting:
            self._waiting.pop(payload["callID"]).set_result(payload)
        elif kind == "streamStart":
            self._streams.setdefault(payload["streamID"], Stream(payload["streamID"], payload)).start = payload
            waiting = self._waiting.pop(payload["callID"], None) or self._waiting.pop(payload["streamID"], None)
            if waiting is not None:
                waiting.set_result(payload)
        elif kind == "streamData" and (stream := self._streams.get(payload["streamID"])):
            stream.values.append((payload["sequenceNumber"], _value(payload["data"])))
            stream.changed.set()
        elif kind in ("streamEnd", "streamError") and (stream := self._streams.get(payload["streamID"])):
            stream.ended = frame
            stream.changed.set()
        else:
            self.frames.put_nowait(frame)


def invocation(actor: str, target: str, *arguments: object, **extra: object) -> Json:
    """An invocation as a client of today writes it."""
    return {
        "type": "invocation",
        "payload": {
            "callID": str(uuid.uuid4()).upper(),
            "actorID": {"id": actor},
            "targetIdentifier": target,
            "protocolVersion": 2,
            "genericSubstitutions": [],
            "arguments": [base64.b64encode(json.dumps(argument).encode()).decode() for argument in arguments],
            **extra,
        },
    }


def _value(data: str) -> Any:
    return json.loads(base64.b64decode(data, validate=True))
