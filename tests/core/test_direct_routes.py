"""An actor's function that API Gateway calls by itself, because the frame named the actor as its action."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.support.world import World, call, message, observe, resume
from trebuche.actors import Actor
from trebuche.documents import dumps, loads
from trebuche.envelopes import (
    Envelope,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamStartEnvelope,
    decode,
)
from trebuche.gateway import CloudGateway
from trebuche.socket_events import Reply


@pytest.fixture
def world() -> World:
    """Two actors and a connection."""
    world = World(TodoList, GameRoom)
    world.connect()
    return world


@pytest.fixture
def todos(world: World) -> CloudGateway:
    """The function of the lists alone."""
    gateway = CloudGateway(world.ports)
    gateway.expose(TodoList)
    return gateway


def routed(envelope: Envelope, action: str = "todos") -> dict[str, Any]:
    """The event of a route with the action's name, as API Gateway sends it."""
    event = message(envelope)
    body = loads(event["body"])
    assert isinstance(body, dict)
    event["body"] = dumps({"action": action, **body})
    event["requestContext"] |= {"routeKey": action, "messageId": "m1="}
    return event


def send(gateway: CloudGateway, envelope: Envelope, action: str = "todos") -> Reply:
    """Send a frame on its route."""
    return gateway.handle(routed(envelope, action))


def stream_of(frames: list[Envelope]) -> UUID:
    """The stream that began last."""
    return [frame.stream_id for frame in frames if isinstance(frame, StreamStartEnvelope)][-1]


def test_a_call_is_answered(world: World, todos: CloudGateway) -> None:
    """With what the websocket function would hand back."""
    invocation = call("todos", "addTodo", "Milk")
    direct = send(todos, invocation)
    assert direct["statusCode"] == 200
    assert world.send(invocation) == direct
    answer = decode(direct["body"])
    assert isinstance(answer, ResponseEnvelope)
    assert b"Milk" in (answer.result or b"")


def test_a_subscription_starts_and_goes_on(world: World, todos: CloudGateway) -> None:
    """The start, the state, and then each change."""
    assert send(todos, observe("todos")) == {"statusCode": 200}
    world.result("todos", "addTodo", "Milk")
    world.pump()
    start, *data = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert [frame.sequence_number for frame in data if isinstance(frame, StreamDataEnvelope)] == [1, 2]


def test_a_resume_goes_on_where_the_stream_was(world: World, todos: CloudGateway) -> None:
    """On another connection, with what was missed."""
    send(todos, observe("todos"))
    stream_id = stream_of(world.frames())
    world.disconnect()
    world.connect()
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert send(todos, resume(stream_id, 1, "todos")) == {"statusCode": 200}
    start, *data = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert (start.stream_id, start.recovered) == (stream_id, True)
    assert [frame.sequence_number for frame in data if isinstance(frame, StreamDataEnvelope)] == [2]


@pytest.mark.parametrize("actor", [TodoList, GameRoom])
def test_an_unsubscription_ends_the_stream(world: World, todos: CloudGateway, actor: type[Actor[Any]]) -> None:
    """Whichever function it reaches: it names the stream, not the actor. A second one is fine."""
    send(todos, observe("todos"))
    stream_id = stream_of(world.frames())
    reached = CloudGateway(world.ports)
    reached.expose(actor)
    for _ in range(2):
        farewell = StreamEndEnvelope(stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED)
        assert send(reached, farewell, actor.exposed_as) == {"statusCode": 200}
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert world.frames() == []


def test_a_stream_of_another_connection_is_not_ended(world: World, todos: CloudGateway) -> None:
    """Knowing its id is not enough."""
    world.connect("c2")
    stream_id = world.watch("todos", connection_id="c2")
    send(todos, StreamEndEnvelope(stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED))
    world.result("todos", "addTodo", "Milk")
    world.pump()
    assert [number for number, _ in world.values("c2")] == [1, 2]


@pytest.mark.parametrize("actor", ["game", "game/a", "nobody"])
def test_an_action_opens_no_other_actor(world: World, todos: CloudGateway, actor: str) -> None:
    """The id decides: an actor of another type is not found here, whatever the action says, and nothing is written."""
    answer = decode(send(todos, call(actor, "join", "Ada"))["body"])
    assert isinstance(answer, ResponseEnvelope)
    assert (answer.error_message, answer.code) == (f"Actor '{actor}' not found", "actor-not-found")
    for request in (observe(actor), resume(uuid4(), 0, actor)):
        failure = decode(send(todos, request)["body"])
        assert isinstance(failure, StreamErrorEnvelope)
        assert failure.code == "actor-not-found"
    assert world.states.states == {}
    assert world.subscriptions.attached == {}


def test_the_id_counts_where_the_action_is_wrong(world: World, todos: CloudGateway) -> None:
    """An action of another actor, sent to the right function by whatever route, changes nothing."""
    answer = decode(send(todos, call("todos/a", "addTodo", "Milk"), "game")["body"])
    assert isinstance(answer, ResponseEnvelope)
    assert answer.error_message is None
    assert world.states.states.keys() == {"todos/a"}
