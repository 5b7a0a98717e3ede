"""Log lines: what ties them together, and what is never in them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from actors.todo_list import TodoList
from tests.support.world import World, call, message, observe, resume
from trebuche.actors import Actor, distributed
from trebuche.documents import loads
from trebuche.envelopes import StreamEndEnvelope, StreamEndReason, TraceContext
from trebuche.logs import ERROR, INFO, LONGEST_FIELD, line
from trebuche.redaction import REDACTED, redacted_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
TRACE = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")


class Careless(Actor[None], exposed_as="careless"):
    """An actor whose errors say too much."""

    @distributed
    def fail(self, secret: str) -> None:
        """Fail with what was given."""
        raise RuntimeError(f"login with password={secret} and Bearer {JWT} failed")


@pytest.fixture
def world() -> World:
    """A world with both actors."""
    return World(TodoList, Careless)


def lines(world: World) -> Iterator[dict[str, Any]]:
    """The log so far."""
    for text in world.log.lines:
        document = loads(text)
        assert isinstance(document, dict)
        yield document


def ids(world: World) -> list[tuple[object, object]]:
    """Event and correlation id of each line."""
    return [(line["event"], line.get("correlationId")) for line in lines(world)]


def test_every_line_of_a_call_has_its_trace_id(world: World) -> None:
    """In the actor's function and in the one that forwards, whether the call works or not."""
    for method, argument in (("fail", "x"), ("none", "x")):
        invocation = call("careless", method, argument)
        world.send(replace(invocation, trace_context=TraceContext(TRACE, uuid4())))
    world.send(replace(call("nobody", "x"), trace_context=TraceContext(TRACE, uuid4())))
    events = ["internal-error", "call", "forward", "call", "forward", "forward"]
    assert ids(world) == [(event, str(TRACE).upper()) for event in events]


def test_without_a_trace_the_call_id_ties_the_lines_together(world: World) -> None:
    """Upper case, as on the wire; the callID has its own field in any case."""
    invocation = call("todos", "addTodo", "Milk")
    world.send(invocation)
    call_id = str(invocation.call_id).upper()
    assert ids(world) == [("call", call_id), ("forward", call_id)]
    assert {line["callID"] for line in lines(world)} == {call_id}


def test_streams_are_tied_together_by_their_ids(world: World) -> None:
    """A subscription by its callID, a resume and a farewell by the stream's."""
    world.connect()
    invocation = observe("todos")
    world.send(invocation)
    stream_id = uuid4()
    world.send(resume(stream_id, 0, "todos"))
    world.send(StreamEndEnvelope(stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED))
    call_id, stream = str(invocation.call_id).upper(), str(stream_id).upper()
    assert ids(world)[1:] == [
        ("observe", call_id),
        ("forward", call_id),
        ("resume", stream),
        ("forward", stream),
        ("unsubscribe", stream),
    ]


def test_a_frame_that_cannot_be_read_is_tied_to_its_call(world: World) -> None:
    """As far as it shows a callID."""
    call_id = str(uuid4()).upper()
    body = '{"type":"invocation","payload":{"callID":"' + call_id + '"}}'
    world.gateway.handle(message(call("todos", "x")) | {"body": body})
    assert ids(world) == [("undecodable-frame", call_id)]


def test_payloads_are_not_logged(world: World) -> None:
    """Neither arguments nor state nor frames, along the whole way."""
    world.connect()
    world.watch("todos")
    world.result("todos", "addTodo", "Marmalade")
    world.send(call("todos", "renameTodo", "Marmalade", "Marmalade"))
    world.pump()
    assert "Marmalade" in str(world.values())
    assert not any("armalade" in text for text in world.log.lines)


def test_secrets_in_an_error_do_not_reach_the_log(world: World) -> None:
    """The traceback is there, without the password and the token in its text."""
    world.send(call("careless", "fail", "hunter2"))
    (failure,) = [line for line in lines(world) if line["level"] == ERROR]
    assert "RuntimeError" in failure["exception"]
    assert REDACTED in failure["exception"]
    assert not any("hunter2" in text or "eyJ" in text for text in world.log.lines)


@pytest.mark.parametrize(
    "key",
    ["password", "dbPassword", "access_token", "SECRET", "apiKey", "api_key", "Authorization", "cookies"],
)
@pytest.mark.parametrize("value", ["hunter2", 1234, True])
def test_fields_with_a_secret_s_name_are_blank(key: str, value: object) -> None:
    """However it is spelled, and whatever is in it."""
    assert loads(line(INFO, "x", {key: value})) == {"level": "INFO", "event": "x", key: REDACTED}


@pytest.mark.parametrize(
    "text",
    [
        f"got {JWT}",
        JWT.rpartition(".")[0] + ".",
        JWT[:40],
        f"Authorization: Bearer {JWT}",
        "bearer dBjftJeZ4CVP-mB92K27uhbUJU1p1r",
        "{'password': 'dBjft eZ4CVP'}",
        '{"apiKey":"dBjft\\"eZ4CVP"}',
        "token=dBjfteZ4CVP&x=1",
        "api_key : dBjfteZ4CVP",
        "cookie='dBjft",
    ],
)
def test_secrets_are_found_in_texts(text: str) -> None:
    """By their looks, or by the name before them, in fields and in errors."""
    for found in (redacted_text(text), line(INFO, "x", {"problem": text}), line(ERROR, "x", {}, ValueError(text))):
        assert REDACTED in found
        assert not any(secret in found for secret in ("eyJ", "dBjft", "eZ4CVP"))


@pytest.mark.parametrize("text", ["todos/groceries", "Method 'tokenize' not found on 'todos'", "KeyError: 'token'"])
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    """Nothing is blanked that tells nobody anything."""
    assert redacted_text(text) == text


@pytest.mark.parametrize("part", ["-eyJ", "eyJaaaaa.", "token='", 'token="\\', "bearer ", "token"])
@pytest.mark.timeout(60)
def test_long_texts_are_searched_in_linear_time(part: str) -> None:
    """What clients send cannot hold a function up: in quadratic time this would take hours."""
    assert redacted_text("*" + part * 400_000).startswith("*")


def test_ids_are_cut(world: World) -> None:
    """A client cannot fill the log with a name."""
    world.send(call("x" * 5_000, "y" * 5_000))
    for text in lines(world):
        assert all(len(str(value)) <= LONGEST_FIELD + 1 for value in text.values())
