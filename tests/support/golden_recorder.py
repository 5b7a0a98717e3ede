"""Records a golden transcript from a deployed endpoint: what the Python client and the endpoint really say.

    python -m tests.support.golden_recorder ws://… > clients/golden/recorded.jsonl

The client's socket goes through a relay that notes each frame; what is to happen meanwhile another client does.
"""

import asyncio
import re
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from trebuche.documents import dumps, loads
from trebuche_client import Backoff, ClientError, ClientOptions, TrebuchetClient

_WORDS: Final = frozenset(
    {"golden", "connection", "do", "type", "action", "targetIdentifier", "method", "code", "reason"}
)
_DOCUMENTS: Final = frozenset({"arguments", "result", "data"})
_KINDS: Final = {
    "id": re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"),
    "date": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
}
_LARGEST: Final = 2**20
_ABOUT: Final = (
    "Recorded from a deployed endpoint: calls, a stream and its changes, a drop with what was missed, refusals."
)
_PATIENCE_SECONDS: Final = 60.0
_NAMES: Final = "abcdefghijklmnopqrstuvwxyz"


class Recorder:
    """A relay before an endpoint, and the transcript so far.

    Args:
        endpoint: Whom it passes frames on to.

    Attributes:
        lines: The transcript.
        way: Cleared, it holds new connections back.
    """

    def __init__(self, endpoint: str) -> None:
        self.lines: list[dict[str, Any]] = [{"golden": "recorded", "about": _ABOUT}]
        self.way = asyncio.Event()
        self.way.set()
        self._endpoint = endpoint
        self._socket: ServerConnection | None = None
        self._call_ids: dict[str, str] = {}
        self._values: set[tuple[Any, Any]] = set()
        self._left: set[Any] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """The relay's address."""
        async with serve(self._carry, "127.0.0.1", 0, process_request=self._hold) as server:
            yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"

    def note(self, kind: str, what: Any) -> None:
        """Write a line."""
        self.lines.append({kind: what})

    async def until(self, last: dict[str, str]) -> None:
        """Wait until the last line is of this kind: sockets are another task's affair."""
        [(kind, what)] = last.items()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while what not in (self.lines[-1].get(kind), _type_of(self.lines[-1].get(kind))):
                await asyncio.sleep(0.01)

    def drop(self) -> None:
        """Break the client's connection off, and let none through."""
        assert self._socket is not None
        self.way.clear()
        self._socket.transport.abort()
        self.note("connection", "dropped")

    async def _hold(self, _socket: ServerConnection, _request: object) -> None:
        await self.way.wait()

    async def _carry(self, near: ServerConnection) -> None:
        self._socket = near
        self.note("connection", "opened")
        async with connect(self._endpoint, proxy=None, max_size=_LARGEST, open_timeout=_PATIENCE_SECONDS) as far:
            back = asyncio.create_task(self._back(near, far))
            try:
                async for text in near:
                    frame = self._named(text)
                    self.note("client", frame)
                    if frame["type"] == "streamEnd":
                        self._left.add(frame["payload"]["streamID"])
                    await far.send(text)
            except ConnectionClosed:
                pass
            finally:
                back.cancel()

    async def _back(self, near: ServerConnection, far: Any) -> None:
        async for text in far:
            frame = self._named(text)
            # An endpoint that is not sure of a value sends it twice, now and then, and may not know of a goodbye yet.
            stream = frame["payload"].get("streamID")
            value = (stream, frame["payload"].get("sequenceNumber"))
            if frame["type"] != "streamData" or (value not in self._values and stream not in self._left):
                self.note("server", frame)
            self._values.add(value)
            await near.send(text)

    def _named(self, text: str | bytes) -> Any:
        """A frame, with a name in the place of each callID that the client made."""
        frame = loads(str(text))
        assert isinstance(frame, dict)
        payload = frame["payload"]
        assert isinstance(payload, dict)
        if frame["type"] == "invocation":
            self._call_ids[str(payload["callID"])] = f"${_NAMES[len(self._call_ids)]}"
        if payload.get("callID") in self._call_ids:
            payload["callID"] = self._call_ids[str(payload["callID"])]
        return frame


def _type_of(frame: Any) -> Any:
    return frame.get("type") if isinstance(frame, dict) else None


class Program:
    """Does what the transcript is about, and notes it.

    Args:
        recorder: The relay.
        client: Whose frames are noted.
        other: Who changes what the first one observes.
        actor: A list of todos that is empty.
    """

    def __init__(self, recorder: Recorder, client: TrebuchetClient, other: TrebuchetClient, actor: str) -> None:
        self._recorder = recorder
        self._client = client
        self._other = other.resolve(actor)
        self._actor = actor

    async def run(self) -> None:
        """All of it."""
        await self._recorder.until({"connection": "opened"})
        todo = await self._call("milk", "addTodo", "Milk")
        await self._call("gone", "removeTodo", todo["id"])
        await self._call("refused", "toggleTodo", "nothing")
        await self._fail_to_observe("colour")
        async with self._observing("newest", latest_per_ms=250) as values:
            await self._expect("newest", values)
        async with self._observing("s") as values:
            await self._expect("s", values)
            # Another client's deeds: an answer and a value on one socket would come in any order.
            await self._other.call("addTodo", "Bread")
            await self._expect("s", values)
            self._recorder.drop()
            await self._other.call("addTodo", "Butter")
            await self._other.call("addTodo", "Cheese")
            self._recorder.way.set()
            await self._expect("s", values)
            await self._expect("s", values)

    @asynccontextmanager
    async def _observing(self, name: str, *, latest_per_ms: int | None = None) -> AsyncIterator[Any]:
        """The values of the state, and the goodbye to them."""
        latest = {} if latest_per_ms is None else {"latestPerMs": latest_per_ms}
        deed = {"do": "observe", "as": name, "actor": self._actor, "property": "state"}
        self._recorder.note("app", {**deed, **latest})
        observation = self._client.resolve(self._actor).observe("state", latest_per_ms=latest_per_ms)
        async with aclosing(observation.values()) as values:
            yield values
            self._recorder.note("app", {"do": "leave", "of": name})
        await self._recorder.until({"client": "streamEnd"})

    async def _call(self, name: str, method: str, *arguments: Any) -> Any:
        note = self._recorder.note
        deed = {"do": "call", "as": name, "actor": self._actor, "method": method, "arguments": list(arguments)}
        note("app", deed)
        try:
            result = await self._client.resolve(self._actor).call(method, *arguments)
        except ClientError as error:
            self._note_failure(name, error)
            return None
        note("expect", {"of": name, "result": result})
        return result

    async def _fail_to_observe(self, prop: str) -> None:
        self._recorder.note("app", {"do": "observe", "as": "none", "actor": self._actor, "property": prop})
        try:
            async for _ in self._client.resolve(self._actor).observe(prop):
                raise AssertionError(f"there is a property {prop}")
        except ClientError as error:
            self._note_failure("none", error)

    async def _expect(self, name: str, values: Any) -> None:
        value = await anext(values)
        told = {"value": value.value, "sequence": value.sequence, "recovered": value.recovered}
        self._recorder.note("expect", {"of": name, **told, "skipped": value.skipped, "missed": value.missed})

    def _note_failure(self, name: str, error: Any) -> None:
        self._recorder.note(
            "expect", {"of": name, "error": str(error), "code": error.code, "retryable": error.retryable}
        )


async def record(endpoint: str) -> list[dict[str, Any]]:
    """The transcript's lines."""
    recorder = Recorder(endpoint)
    options = ClientOptions(backoff=Backoff(first_seconds=0.01, longest_seconds=0.05))
    async with (
        recorder.listening() as way,
        TrebuchetClient(endpoint) as other,
        TrebuchetClient(way, options=options) as client,
    ):
        await Program(recorder, client, other, f"todos/{uuid4().hex}").run()
    return recorder.lines


def shape(value: Any, key: str = "", *, framed: bool = False) -> Any:
    """What may not differ from recording to recording: keys and their order, numbers, types, and words with a meaning.

    Documents within Data fields of a frame are looked into.
    """
    if isinstance(value, dict):
        return [(name, shape(inside, name, framed=framed or name == "payload")) for name, inside in value.items()]
    if isinstance(value, list):
        return [shape(item, key, framed=framed) for item in value]
    if not isinstance(value, str) or key in _WORDS or value.startswith("$"):
        return value
    if framed and key in _DOCUMENTS:
        return ("document", shape(loads(b64decode(value, validate=True)))) if value else "no document"
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(value)), "text")


if __name__ == "__main__":
    print("\n".join(dumps(line) for line in asyncio.run(record(sys.argv[1]))))
