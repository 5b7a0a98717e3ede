"""The websocket function's way to the actor's function: found, forwarded once, and errors with a name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from actors.todo_list import TodoList
from tests.support.world import FUNCTION, World, call, message, observe, resume, socket_event
from trebuche.adapters.memory import InMemoryConnectionSender, InMemoryInvoker, ManualClock
from trebuche.documents import loads
from trebuche.envelopes import (
    Envelope,
    FilterType,
    ResponseEnvelope,
    StreamErrorEnvelope,
    StreamFilter,
    StreamStartEnvelope,
    decode,
)
from trebuche.errors import ConnectionGoneError, FunctionGoneError, ServiceError
from trebuche.websocket import WebSocketLambdaHandler

CONNECTED_AT = 1_767_225_000_000
SUCCESSOR = FUNCTION + "-2"


class Remembering:
    """A registry whose first answer is old until it is told to forget it."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked = 0

    def resolve(self, name: str) -> str:  # noqa: ARG002
        """The answer of the moment."""
        self.asked += 1
        return self._answers[0]

    def forget(self, name: str) -> None:  # noqa: ARG002
        """Go on to the next answer, if there is one."""
        del self._answers[: len(self._answers) - 1]


class Answering:
    """Functions of which one is there, with one answer; it counts its calls."""

    def __init__(self, function: str, answer: Mapping[str, Any] | Exception) -> None:
        self._function = function
        self._answer = answer
        self.events: list[Mapping[str, Any]] = []

    def invoke(self, function: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer, or fail."""
        if function != self._function:
            raise FunctionGoneError(f"function {function}: gone")
        self.events.append(event)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.fixture
def world() -> World:
    """A world with a list."""
    return World(TodoList)


def handler(world: World, registry: Any, functions: Any) -> WebSocketLambdaHandler:
    """The websocket function on another registry and other functions."""
    return WebSocketLambdaHandler(replace(world.ports, registry=registry, functions=functions))


def last_line(world: World) -> dict[str, Any]:
    """What the log says last."""
    found = loads(world.log.lines[-1])
    assert isinstance(found, dict)
    return found


def test_a_frame_is_forwarded_once_and_unchanged(world: World) -> None:
    """The event as it came, and the function's answer as it comes back."""
    functions = Answering(FUNCTION, {"statusCode": 200, "body": "{}", "headers": {"x": "y"}})
    event = message(call("todos/a", "clearCompleted"))
    assert handler(world, world.registry, functions).handle(event) == {"statusCode": 200, "body": "{}"}
    assert functions.events == [event]


@pytest.mark.parametrize("actor", ["nobody", "nobody/a", "Todos"])
def test_a_name_that_nothing_exposes_is_not_found(world: World, actor: str) -> None:
    """The client reads that the actor is not found; the log says what the registry has instead."""
    response = world.ask(call(actor, "hello"))
    assert (response.error_message, response.code, response.retryable) == (
        f"Actor '{actor}' not found",
        "actor-not-found",
        False,
    )
    line = last_line(world)
    assert line["code"] == "actor-not-registered"
    assert "there are: todos" in line["problem"]
    assert not any('"ERROR"' in text for text in world.log.lines)


def test_a_stream_of_nobody_is_not_found_either(world: World) -> None:
    """A resume ends with the same words."""
    invocation = observe("todos")
    answer = decode(world.send(resume(invocation.call_id, 3, "nobody"))["body"])
    assert isinstance(answer, StreamErrorEnvelope)
    assert (answer.stream_id, answer.code) == (invocation.call_id, "actor-not-found")


def test_an_observer_of_nobody_gets_a_stream_that_fails(world: World) -> None:
    """No response to an observe call, whatever happens: a start to match by callID, then the error."""
    invocation = observe("nobody")
    answer = decode(world.send(invocation)["body"])
    [start] = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(answer, StreamErrorEnvelope)
    assert start.call_id == invocation.call_id
    assert (answer.stream_id, answer.code) == (start.stream_id, "actor-not-found")


def test_an_observer_of_nobody_on_a_young_connection_hears_of_it(world: World) -> None:
    """Its filter comes back with the start, as from an actor; a 410 of a young connection is tried again."""

    class Young(InMemoryConnectionSender):
        refusals = 2

        def send(self, connection_id: str, text: str) -> None:
            if self.refusals:
                self.refusals -= 1
                raise ConnectionGoneError("not yet")
            super().send(connection_id, text)

    world.clock = ManualClock(CONNECTED_AT)
    world.use(sender=Young())
    changed = StreamFilter(FilterType.PREDEFINED, "changed")
    answer = decode(world.send(observe("nobody", only=changed))["body"])
    [start] = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert isinstance(answer, StreamErrorEnvelope)
    assert (start.stream_id, start.filter) == (answer.stream_id, changed)


def test_a_function_that_moved_is_looked_up_again(world: World) -> None:
    """Its old address is forgotten, and the same frame reaches the new one; once."""
    registry = Remembering(FUNCTION, SUCCESSOR)
    functions = Answering(SUCCESSOR, {"statusCode": 200, "body": "{}"})
    assert handler(world, registry, functions).handle(message(call("todos", "x")))["body"] == "{}"
    assert (registry.asked, len(functions.events)) == (2, 1)
    assert not any('"ERROR"' in text for text in world.log.lines)


@pytest.mark.parametrize("envelope", [call("todos", "x"), resume(call("todos", "x").call_id, 0, "todos")])
def test_an_entry_that_stays_stale_is_an_error_with_a_name(world: World, envelope: Envelope) -> None:
    """After one more look. The client may try again; the log names the entry and the address."""
    registry = Remembering(FUNCTION, FUNCTION)
    answer = decode(handler(world, registry, InMemoryInvoker()).handle(message(envelope))["body"])
    assert isinstance(answer, ResponseEnvelope | StreamErrorEnvelope)
    assert (answer.code, answer.retryable) == ("stale-entry", True)
    assert "Internal error (ref " in str(answer.error_message)
    assert registry.asked == 2
    failure = loads(world.log.lines[0])
    assert isinstance(failure, dict)
    assert (failure["level"], failure["code"]) == ("ERROR", "stale-entry")
    assert f"'todos' is registered as {FUNCTION}, which does not exist" in str(failure["exception"])


@pytest.mark.parametrize(
    "broken", [ServiceError("timed out"), {"statusCode": "200"}, {}, {"statusCode": 200, "body": 1}]
)
def test_a_function_that_fails_is_called_once(world: World, broken: Any) -> None:
    """Whether it took effect is not known, so only the client may ask again, with the same callID."""
    functions = Answering(FUNCTION, broken)
    answer = decode(handler(world, world.registry, functions).handle(message(call("todos", "x")))["body"])
    assert isinstance(answer, ResponseEnvelope)
    assert (answer.code, answer.retryable, len(functions.events)) == ("unavailable", True, 1)


def test_an_event_of_an_unknown_kind_is_no_route(world: World) -> None:
    """API Gateway sends none; a person's test event may."""
    assert world.handler.handle(socket_event("PING"))["statusCode"] == 404
