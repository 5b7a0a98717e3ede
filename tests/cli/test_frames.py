"""Recorded frames: what is left of them, and what the gate makes of them."""

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from cli.errors import CommandError
from cli.frames import calls_of, read_calls, redacted
from cli.record import Gate, Notes
from cli.rehearse import Call, find_refused
from cli.smoke import Step

CALL = {
    "type": "invocation",
    "payload": {
        "callID": "9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D",
        "actorID": {"id": "todos/ada"},
        "targetIdentifier": "addTodo",
        "arguments": [
            base64.b64encode(json.dumps({"title": "secret", "tags": ["x", 7], "done": True}).encode()).decode()
        ],
    },
}


def test_content_is_masked_and_form_stays() -> None:
    """Members and their kinds, not their values."""
    [argument] = redacted(CALL)["payload"]["arguments"]

    assert json.loads(base64.b64decode(argument)) == {"title": "…", "tags": ["…", 0], "done": True}
    assert redacted({"type": "response", "payload": {"callID": "X", "result": "c2VjcmV0"}})["payload"] == {
        "callID": "X",
        "result": "…",
    }
    assert redacted({"action": "ping"}) == {"action": "ping"}


def test_what_is_not_known_to_be_form_is_content() -> None:
    """A filter's parameters, members that nobody declared, and frames of another kind."""
    observed = {**CALL["payload"], "streamFilter": {"type": "custom", "parameters": {"owner": "secret"}}}  # type: ignore[dict-item]

    noted = [
        redacted({"type": "invocation", "payload": observed, "token": "secret"}),
        redacted({"action": "login", "payload": "secret"}),
        redacted({"type": {"secret": 1}}),
        redacted("secret"),
    ]

    assert "secret" not in json.dumps(noted)
    assert noted[0]["payload"]["targetIdentifier"] == "addTodo"
    assert noted[1:] == [{"action": "login"}, {}, "…"]


def test_relay_notes_both_directions(serving: Any, tmp_path: Path) -> None:
    """A client gets its answer through the relay, and the file holds calls that the gate reads."""

    async def answer(peer: Any) -> None:
        frame = await peer.receive()
        await peer.send("response", callID=frame["payload"]["callID"], result="bnVsbA==")
        await peer.until_closed()

    url = serving(answer).url
    path = tmp_path / "staging.jsonl"

    async def scenario() -> Any:
        with path.open("w") as file:
            async with Gate(url, Notes(file)).relaying(0) as server:
                port = next(iter(server.sockets)).getsockname()[1]
                async with connect(f"ws://127.0.0.1:{port}") as client:
                    await client.send(json.dumps(CALL))
                    return json.loads(await client.recv())

    assert asyncio.run(scenario())["payload"]["result"] == "bnVsbA=="
    assert [json.loads(line)["from"] for line in path.read_text().splitlines()] == ["client", "server"]
    [call] = read_calls(path)
    assert (call.actor_id, call.target, call.where) == ("todos/ada", "addTodo", "staging.jsonl:1")
    assert "secret" not in path.read_text()


Shown = tuple[str, str | None, str | None]
"""Path, ``Authorization`` and sub-protocols of a handshake."""


async def knock(shown: list[Shown], path: str = "", header: str | None = None, offers: tuple[str, ...] = ()) -> Any:
    """Connect through the relay to a stage that notes what is shown and refuses ``bad``; the chosen sub-protocol."""

    def note(connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        shown.append((request.path, headers.get("Authorization"), headers.get("Sec-WebSocket-Protocol")))
        return connection.respond(403, "") if "bad" in str(shown[-1]) else None

    def first(_connection: ServerConnection, offered: Any) -> Any:
        return offered[0] if offered else None

    async def idle(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(idle, "127.0.0.1", 0, process_request=note, select_subprotocol=first) as stage:
        address = f"ws://127.0.0.1:{next(iter(stage.sockets)).getsockname()[1]}/dev"
        async with Gate(address, Notes(io.StringIO()), "spare").relaying(0) as gate:
            port = next(iter(gate.sockets)).getsockname()[1]
            async with connect(
                f"ws://127.0.0.1:{port}{path}",
                additional_headers={"Authorization": header} if header else None,
                subprotocols=[Subprotocol(one) for one in offers] or None,
            ) as client:
                return client.subprotocol


def test_relay_shows_the_stage_what_clients_show() -> None:
    """Wherever they show it; who shows nothing in a header is shown in by the token of the command."""
    shown: list[Shown] = []

    asyncio.run(knock(shown, header="Bearer own"))
    asyncio.run(knock(shown, path="/?token=own"))
    chosen = asyncio.run(knock(shown, offers=("trebuche", "own")))

    assert shown == [
        ("/dev", "Bearer own", None),
        ("/dev?token=own", None, None),
        ("/dev", None, "trebuche, own"),
    ]
    assert chosen == "trebuche"


def test_client_that_shows_nothing_is_shown_in() -> None:
    """By the token that the command was given."""
    shown: list[Shown] = []

    asyncio.run(knock(shown))

    assert shown == [("/dev", "Bearer spare", None)]


def test_refused_client_hears_it_from_the_relay() -> None:
    """With the stage's own status, in its handshake."""
    with pytest.raises(InvalidStatus) as refused:
        asyncio.run(knock([], header="Bearer bad"))

    assert refused.value.response.status_code == 403


def test_nothing_recorded_is_no_call(tmp_path: Path) -> None:
    """Recording is nobody's duty; a damaged file is told."""
    assert read_calls(tmp_path / "none.jsonl") == []
    (tmp_path / "bad.jsonl").write_text("{}\n")
    with pytest.raises(CommandError, match=r"not what `trebuche record` writes"):
        read_calls(tmp_path / "bad.jsonl")


def test_steps_of_a_smoke_test_are_calls() -> None:
    """They are tried on the candidate before it is deployed."""
    [call] = calls_of([Step("todos", "addTodo", ("Milk",))])

    assert (call.target, call.arguments, call.where) == ("addTodo", ('"Milk"',), "smoke test")


def test_only_what_the_running_version_takes_can_be_refused() -> None:
    """A masked text that nobody understands says nothing about the candidate."""
    calls = [Call("todos", name, (), "f:1") for name in ("both", "candidate", "none")]

    def answers(*errors: str | None) -> Any:
        return lambda _request: {"calls": [{"error": one} for one in errors]}

    found = find_refused(answers("no", "no", None), answers("no", None, None), calls, "todos")

    assert [one.name for one in found] == ["todos.candidate"]
    assert str(found[0]) == "breaking: todos.candidate: call of todos candidate (f:1): no"
    assert [one.name for one in find_refused(answers("no", "no", None), None, calls, "todos")] == [
        "todos.both",
        "todos.candidate",
    ]
