"""Frames of every kind, right and wrong, through both functions."""

import base64
import json
import re
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.support.world import FUNCTION, World, call, observe, resume, socket_event, write_state
from trebuche.actors import Actor
from trebuche.adapters.memory import InMemoryInvoker
from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche.documents import loads
from trebuche.envelopes import (
    FilterType,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamFilter,
    StreamStartEnvelope,
    TrebuchetActorID,
    decode,
    encode,
)
from trebuche.errors import ServiceError
from trebuche.gateway import CloudGateway
from trebuche.ports import ConnectionStorage
from trebuche.websocket import WebSocketLambdaHandler

STREAM = UUID(int=7)


@pytest.fixture
def world() -> World:
    """A world with both actors and one connection."""
    world = World(TodoList, GameRoom)
    world.connect()
    return world


def text_event(body: str | None) -> dict[str, Any]:
    """A message with any text."""
    return socket_event("MESSAGE", "c1", body)


def test_a_call_comes_back_as_the_functions_reply(world: World) -> None:
    """One frame, wrapped, with the callID; nothing is posted."""
    invocation = call("todos", "addTodo", "Milk")
    reply = world.send(invocation)
    response = decode(reply["body"])
    assert reply["statusCode"] == 200
    assert isinstance(response, ResponseEnvelope)
    assert response.call_id == invocation.call_id
    assert world.frames() == []


def test_a_message_without_body_is_refused(world: World) -> None:
    """By both functions alike."""
    for handle in (world.handler.handle, world.gateway.handle):
        assert handle(text_event(None)) == {"statusCode": 400}


UNDECODABLE = (
    "",
    "{",
    "[]",
    "null",
    '{"type":"unknown","payload":{}}',
    '{"type":"invocation"}',
    '{"type":"invocation","payload":{"callID":"no"}}',
    '{"type":"streamResume","payload":{"streamID":"x"}}',
    "\ud800",
    "[" * 2000,
)


@pytest.mark.parametrize("body", UNDECODABLE)
def test_an_undecodable_frame_is_answered_with_silence(world: World, body: str) -> None:
    """Status 400 and no frame, since nobody can be answered; the function does not fail."""
    for handle in (world.handler.handle, world.gateway.handle):
        reply = handle(text_event(body))
        assert reply["statusCode"] == 400
        assert "body" not in reply


def test_a_broken_call_is_answered_where_its_id_can_be_read(world: World) -> None:
    """A response under the callID that says what is wrong with the envelope."""
    call_id = str(uuid4()).upper()
    body = json.dumps({"type": "invocation", "payload": {"callID": call_id, "actorID": {"id": 7}}})
    for handle in (world.handler.handle, world.gateway.handle):
        reply = handle(text_event(body))
        assert reply["statusCode"] == 400
        response = decode(reply["body"])
        assert isinstance(response, ResponseEnvelope)
        assert str(response.call_id).upper() == call_id
        assert str(response.error_message).startswith("Invalid envelope")


@pytest.mark.parametrize(
    "envelope",
    [
        ResponseEnvelope(STREAM, b"1"),
        StreamStartEnvelope(STREAM, STREAM, TrebuchetActorID("todos"), "observeState"),
        StreamErrorEnvelope(STREAM, "no"),
        StreamEndEnvelope(STREAM, StreamEndReason.COMPLETED),
    ],
)
def test_what_only_servers_send_is_ignored(world: World, envelope: Any) -> None:
    """Status 400, no frame."""
    assert world.send(envelope) == {"statusCode": 400}
    assert world.gateway.handle(text_event(encode(envelope))) == {"statusCode": 400}


@pytest.mark.parametrize("actor", ["nobody", "todos/", "todosx", "Todos", "/todos"])
def test_an_unknown_actor_is_named(world: World, actor: str) -> None:
    """The id as it came, in the words that clients look for."""
    response = world.ask(call(actor, "addTodo", "Milk"))
    assert response.error_message == f"Actor '{actor}' not found"
    assert response.code == "actor-not-found"


def test_a_function_checks_the_id_itself(world: World) -> None:
    """A route that leads to the wrong function does not reach another actor's state."""
    gateway = CloudGateway(world.ports)
    gateway.expose(TodoList)
    reply = gateway.handle(text_event(encode(call("game", "join", "ada"))))
    response = decode(reply["body"])
    assert isinstance(response, ResponseEnvelope)
    assert response.error_message == "Actor 'game' not found"


@pytest.mark.parametrize(
    ("invocation", "message"),
    [
        (call("todos", "fly"), "Method 'fly' not found on 'todos'; there are: addTodo, clearCompleted"),
        (call("todos", "addTodo"), "addTodo: expected 1 argument, got 0"),
        (call("todos", "addTodo", "a", "b"), "addTodo: expected 1 argument, got 2"),
        (call("todos", "addTodo", 7), "addTodo: argument 1 (title): expected text, got number"),
        (call("game", "move", "ada", "1", 2), "move: argument 2 (dx): expected"),
    ],
)
def test_a_call_that_does_not_fit_is_explained(world: World, invocation: InvocationEnvelope, message: str) -> None:
    """What was expected, where, and what came instead."""
    assert str(world.ask(invocation).error_message).startswith(message)


def test_an_argument_that_is_not_json_is_the_calls_fault(world: World) -> None:
    """The frame is fine, so the call is answered."""
    broken = InvocationEnvelope(uuid4(), TrebuchetActorID("todos"), "addTodo", arguments=(b"{",))
    assert str(world.ask(broken).error_message).startswith("addTodo: argument 1: not JSON")


@pytest.mark.parametrize("target", ["addTodo", "add_todo", "$s6Shared8TodoListC03addB05titleAA0B4ItemVSS_tYaKFTE"])
def test_a_method_has_three_spellings(world: World, target: str) -> None:
    """The wire's, Python's and Swift's mangled one."""
    assert world.result("todos", target, "Milk")["title"] == "Milk"


def test_protocol_version_zero_is_refused(world: World) -> None:
    """All others are spoken."""
    old = InvocationEnvelope(uuid4(), TrebuchetActorID("todos"), "clearCompleted", protocol_version=0)
    assert str(world.ask(old).error_message).startswith("Unsupported protocol version")
    new = InvocationEnvelope(uuid4(), TrebuchetActorID("todos"), "clearCompleted", protocol_version=99)
    assert world.ask(new).result == b"0"


@pytest.mark.parametrize("target", ["observe", "observeNothing", "observestate", "observer", "observe$"])
def test_an_unknown_property_ends_the_stream_that_it_begins(world: World, target: str) -> None:
    """``streamStart`` binds the call, ``streamError`` says what there is; no response and no subscription."""
    invocation = observe("todos", target)
    reply = world.send(invocation)
    (start,) = world.frames()
    error = decode(reply["body"])
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(error, StreamErrorEnvelope)
    assert (start.call_id, start.stream_id) == (invocation.call_id, error.stream_id)
    assert error.error_message.endswith("there are: observeState, observeTodos")
    assert world.subscriptions.attached == {}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({f"p{number}": "" for number in range(17)}, "streamFilter.parameters: expected up to 16 parameters, got 17"),
        ({"p": "x" * 1_025}, "streamFilter: expected words of up to 1024 characters, got one of 1025"),
        ({"p" * 1_025: ""}, "streamFilter: expected words of up to 1024 characters, got one of 1025"),
    ],
)
def test_a_filter_too_large_to_keep_is_refused(world: World, parameters: dict[str, str], message: str) -> None:
    """It would be read with every change; the stream ends before it has begun."""
    reply = world.send(observe("todos", only=StreamFilter(FilterType.CUSTOM, "mine", parameters)))
    error = decode(reply["body"])
    assert isinstance(error, StreamErrorEnvelope)
    assert (error.error_message, error.code) == (message, "protocol")
    assert world.subscriptions.attached == {}
    largest = {f"p{number}": "x" * 1_024 for number in range(16)}
    assert world.send(observe("todos", only=StreamFilter(FilterType.CUSTOM, "mine", largest))) == {"statusCode": 200}


@pytest.mark.parametrize("actor", ["todos", "nobody"])
def test_a_request_as_long_as_a_frame_is_acknowledged_in_short(world: World, actor: str) -> None:
    """``streamStart`` repeats the request and has an id more; what binds the stream to its call goes out always."""
    asked = observe(actor)
    short = encode(replace(asked, actor_id=TrebuchetActorID(actor, ""), protocol_version=1))
    short = short.replace('"protocolVersion":1,', "")
    longest = short.replace('"host":""', f'"host":"{"h" * (MESSAGE_LIMIT_BYTES - len(short))}"')
    assert len(longest) == MESSAGE_LIMIT_BYTES
    for send in (world.handler.handle, world.gateway.handle):
        send(text_event(longest))
        texts = world.sender.sent.pop("c1")
        start = decode(texts[0])
        assert max(len(text.encode()) for text in texts) <= MESSAGE_LIMIT_BYTES
        assert isinstance(start, StreamStartEnvelope)
        assert (start.call_id, start.actor_id) == (asked.call_id, TrebuchetActorID(actor))


@pytest.mark.parametrize("resumed", [False, True])
def test_a_state_too_large_for_a_frame_cannot_be_watched(world: World, resumed: bool) -> None:
    """Somebody wrote it past the runtime; the error names size and limit, and calls can still make it smaller."""
    write_state(world, "todos", {"todos": [{"id": "1", "title": "x" * 120_000, "completed": True}]})
    assert world.send(resume(STREAM, 3, "todos") if resumed else observe("todos")) == {"statusCode": 200}
    start, error = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(error, StreamErrorEnvelope)
    assert error.code == "state-too-large"
    message = r"the value takes \d{6} bytes as a frame \(1200\d\d bytes of JSON\), over the limit of 131072"
    assert re.fullmatch(message, error.error_message)
    assert world.subscriptions.attached == {}
    assert world.result("todos", "clearCompleted") == 1
    world.frames()
    assert world.send(observe("todos")) == {"statusCode": 200}


def test_an_actor_without_state_cannot_be_observed() -> None:
    """The error says why."""
    world = World(TodoList, stateful=False)
    error = decode(world.send(observe("todos"))["body"])
    assert isinstance(error, StreamErrorEnvelope)
    assert "stateful: false" in error.error_message


def test_a_property_streams_its_value_alone(world: World) -> None:
    """Not the state around it."""
    world.result("todos", "addTodo", "Milk")
    world.watch("todos", "observeTodos")
    ((number, value),) = world.values()
    assert number == 1
    assert [todo["title"] for todo in value] == ["Milk"]


def test_a_subscription_is_acknowledged_as_it_was_asked_for(world: World) -> None:
    """Actor, target and callID come back; the first value is number 1, before anything was ever written."""
    invocation = observe("todos/new")
    world.send(invocation)
    start, first = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert (start.call_id, start.actor_id.id, start.target_identifier) == (
        invocation.call_id,
        "todos/new",
        "observeState",
    )
    assert isinstance(first, StreamDataEnvelope)
    assert (first.stream_id, first.sequence_number, first.data) == (start.stream_id, 1, b'{"todos":[]}')


def test_a_resume_on_an_unknown_actor_ends_the_stream(world: World) -> None:
    """Under the id of the request, which is all that the client knows."""
    error = decode(world.send(resume(STREAM, 3, "nobody"))["body"])
    assert isinstance(error, StreamErrorEnvelope)
    assert (error.stream_id, error.error_message) == (STREAM, "Actor 'nobody' not found")


@pytest.mark.parametrize("answer", [{"statusCode": "200"}, {"statusCode": 200, "body": 7}, {}])
def test_a_failing_function_is_a_reference_for_the_caller(world: World, answer: dict[str, Any]) -> None:
    """The client gets the ref, the log has the reason; the websocket function itself does not fail."""
    functions = InMemoryInvoker({FUNCTION: lambda _: answer})
    handler = WebSocketLambdaHandler(replace(world.ports, functions=functions))
    invocation = call("todos", "addTodo", "Milk")
    response = decode(handler.handle(text_event(encode(invocation)))["body"])
    reference = str(invocation.call_id).upper()
    assert isinstance(response, ResponseEnvelope)
    assert (response.error_message, response.retryable) == (f"Internal error (ref {reference})", True)
    (line,) = (loads(line) for line in world.log.lines if '"ERROR"' in line)
    assert isinstance(line, dict)
    assert (line["ref"], line["code"]) == (reference, "unavailable")
    error = decode(handler.handle(text_event(encode(resume(STREAM, 1, "todos"))))["body"])
    assert isinstance(error, StreamErrorEnvelope)
    assert error.stream_id == STREAM


@pytest.mark.parametrize(
    "event", [{}, {"requestContext": None}, {"requestContext": {"eventType": "MESSAGE"}, "body": 7}]
)
def test_an_event_of_another_form_is_answered(world: World, event: dict[str, Any]) -> None:
    """Whatever invokes the functions, they return a status code."""
    assert world.handler.handle(event)["statusCode"] == 400
    assert world.gateway.handle(event)["statusCode"] == 400


def test_an_unknown_kind_of_event_is_not_found(world: World) -> None:
    """As upstream's handler answers it."""
    assert world.handler.handle(socket_event("PING")) == {"statusCode": 404, "body": "Route not found"}


def test_a_base64_body_is_read(world: World) -> None:
    """``isBase64Encoded`` means what it says."""
    body = base64.b64encode(encode(call("todos", "clearCompleted")).encode()).decode()
    reply = world.handler.handle({**text_event(body), "isBase64Encoded": True})
    assert decode(reply["body"]) is not None
    assert world.handler.handle({**text_event("é"), "isBase64Encoded": True})["statusCode"] == 400


def test_an_unsubscribed_stream_gets_nothing_more(world: World) -> None:
    """The row goes, the connection's list forgets it, other streams stay; twice and unknown ids are fine."""
    first, second = world.watch("todos"), world.watch("game")
    world.frames()
    for stream_id in (first, first, STREAM):
        end = StreamEndEnvelope(stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED)
        assert world.send(end) == {"statusCode": 200}
    world.result("todos", "addTodo", "Milk")
    world.result("game", "join", "ada")
    world.pump()
    assert [frame.stream_id for frame in world.frames() if isinstance(frame, StreamDataEnvelope)] == [second]
    assert world.connections.connections["c1"].streams == {second: "game"}


def test_somebody_elses_stream_cannot_be_ended(world: World) -> None:
    """An unsubscribe counts on the connection that has the stream."""
    stream_id = world.watch("todos")
    world.connect("c2")
    world.send(StreamEndEnvelope(stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED), "c2")
    assert ("todos", stream_id) in world.subscriptions.attached


def test_each_invocation_is_one_line_without_payload(world: World) -> None:
    """What happened, to whom, how long it took."""
    world.result("todos", "addTodo", "Secret plan")
    actor, socket = (loads(line) for line in world.log.lines[-2:])
    assert isinstance(actor, dict)
    assert isinstance(socket, dict)
    assert (actor["event"], actor["actorId"], actor["target"]) == ("call", "todos", "addTodo")
    assert (socket["event"], socket["statusCode"], socket["durationMs"]) == ("forward", 200, 0)
    assert "Secret plan" not in "".join(world.log.lines)


def test_an_unexpected_failure_is_logged_and_answered(world: World) -> None:
    """A connection that cannot be registered is refused, and the reason is in the log."""

    class Broken:
        def register(self, connection: object) -> None:
            raise ServiceError(f"no table for {type(connection).__name__}")

    ports = replace(world.ports, connections=cast("ConnectionStorage", Broken()))
    handler = WebSocketLambdaHandler(ports)
    assert handler.handle(socket_event("CONNECT")) == {"statusCode": 500}
    assert "no table for Connection" in "".join(world.log.lines)


@dataclass
class Empty:
    """A state without members."""


class Nameless(Actor[Empty]):
    """An actor that says no name."""


def test_an_actor_is_exposed_under_the_name_it_is_given(world: World) -> None:
    """A name of its own is not needed then; two under one name are refused."""
    world.gateway.expose(Nameless, "quiet")
    with pytest.raises(ValueError, match="'quiet' is exposed already"):
        world.gateway.expose(Nameless, "quiet")
    with pytest.raises(TypeError, match="exposed_as"):
        world.gateway.expose(Nameless)
