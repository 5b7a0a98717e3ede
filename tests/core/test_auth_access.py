"""Who may be here and do that, through both functions and the fan-out: calls, observation and resume alike."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from actors.todo_list import TodoList
from tests.support.world import World, call, message, observe, resume, socket_event
from trebuche.actors import Actor, distributed
from trebuche.adapters.memory import InMemoryConnectionSender
from trebuche.auth.access import Access
from trebuche.auth.rules import Rule, Rules
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
from trebuche.errors import ExpiredError, ThrottledError
from trebuche.reminders import write_reminder
from trebuche.socket_events import Reply, read_socket_event
from trebuche.websocket import WebSocketLambdaHandler

OWN_LISTS = Access(required=True, rules=Rules((Rule("todos/{sub}"), Rule("todos/t/*", claims={"tenant": ("t",)}))))
MANGLED = "$s4main8TodoListC7addTodo5titleAA0E0VSS_tYaKFTE"


class Hall(World):
    """A world behind an authorizer."""

    def __init__(self, rules: Rules = OWN_LISTS.rules) -> None:
        super().__init__(TodoList, access=Access(required=True, rules=rules))
        self.connect("c1", principal="alice")
        self.connect("c2", principal="bob")

    def ask_as(self, principal: str, envelope: Envelope, connection_id: str = "c1", **context: str) -> Reply:
        """Send a frame as somebody; what the function returns."""
        return self.send(envelope, connection_id, principal=principal, context=context)

    def seconds(self, ahead: int = 0) -> str:
        """A moment as the authorizer's context carries it."""
        return str(self.clock.now_ms() // 1000 + ahead)


@pytest.fixture
def hall() -> Hall:
    """A fresh one."""
    return Hall()


def refusal(answer: Reply) -> tuple[str, str | None]:
    """Kind and code of a refusal in a function's answer."""
    frame = decode(answer["body"])
    assert isinstance(frame, ResponseEnvelope | StreamErrorEnvelope), frame
    return type(frame).__name__, frame.code


def test_a_rule_lets_its_principal_do_it(hall: Hall) -> None:
    """A call runs, an observation begins."""
    answer = decode(hall.ask_as("alice", call("todos/alice", "addTodo", "Milk"))["body"])
    assert isinstance(answer, ResponseEnvelope)
    assert answer.error_message is None

    hall.ask_as("alice", observe("todos/alice"))
    assert [type(frame) for frame in hall.frames()] == [StreamStartEnvelope, StreamDataEnvelope]


@pytest.mark.parametrize("method", ["addTodo", "noSuchMethod", MANGLED])
def test_a_call_that_no_rule_allows_is_refused(hall: Hall, method: str) -> None:
    """Nothing runs, nothing is written; whether there is such a method or actor is not told."""
    answer = hall.ask_as("alice", call("todos/bob", method, "Milk"))

    assert refusal(answer) == ("ResponseEnvelope", "forbidden")
    assert hall.states.load("todos/bob") is None


@pytest.mark.parametrize("actor", ["todos/bob", "nosuch/bob", "nosuch"])
def test_a_refusal_does_not_tell_whether_there_is_such_an_actor(hall: Hall, actor: str) -> None:
    """Neither calls nor observations nor resumes do: what is not there is refused as what is."""
    requests: list[Envelope] = [
        call(actor, "addTodo", "Milk", call_id=UUID(int=1)),
        observe(actor),
        resume(UUID(int=7), 0, actor),
    ]
    told = [decode(hall.ask_as("alice", request)["body"]) for request in requests]

    texts = [one.error_message for one in told if isinstance(one, ResponseEnvelope | StreamErrorEnvelope)]
    assert texts == [f"You may not call '{what}' on '{actor}'" for what in ("addTodo", "observeState", "observeState")]


def test_who_may_is_told_that_there_is_none(hall: Hall) -> None:
    """A principal whom a rule allows it; nobody learns more than that."""
    served = Hall(Rules((Rule("nosuch/{sub}"),)))

    assert refusal(served.ask_as("alice", call("nosuch/alice", "addTodo"))) == ("ResponseEnvelope", "actor-not-found")
    assert refusal(hall.ask_as("alice", call("nosuch/alice", "addTodo"))) == ("ResponseEnvelope", "forbidden")


def test_after_the_end_of_a_right_nothing_is_told_about_actors_that_there_are_not(hall: Hall) -> None:
    """The frame is turned away as one for any other actor."""
    reply = hall.ask_as("alice", call("nosuch", "addTodo"), until=hall.seconds(-1))

    assert reply == {"statusCode": 200}
    [told] = hall.frames()
    assert isinstance(told, ResponseEnvelope)
    assert told.code == "expired"
    assert not hall.sender.is_alive("c1")


def test_an_observation_that_no_rule_allows_is_refused(hall: Hall) -> None:
    """It is answered as any stream that cannot begin, and leaves no row."""
    answer = hall.ask_as("alice", observe("todos/bob"))

    assert refusal(answer) == ("StreamErrorEnvelope", "forbidden")
    assert [type(frame) for frame in hall.frames()] == [StreamStartEnvelope]
    assert not hall.subscriptions.attached


def test_a_resume_that_no_rule_allows_is_refused(hall: Hall) -> None:
    """Resumes name any stream and any actor, so they are held to the same rules."""
    answer = hall.ask_as("alice", resume(UUID(int=7), 0, "todos/bob"))

    assert refusal(answer) == ("StreamErrorEnvelope", "forbidden")
    assert not hall.subscriptions.attached


class Names(Actor[None], exposed_as="names"):
    """An actor whose methods answer to several names."""

    @distributed
    def add_name(self) -> None:
        """Known as ``addName``."""

    @distributed(name="deleteAll", aliases=["wipe", "$sWhole"])
    def get_rid(self) -> None:
        """Known under a name that has nothing to do with its own."""


@pytest.mark.parametrize("target", ["deleteAll", "get_rid", "wipe", "$sWhole"])
@pytest.mark.parametrize("named", ["deleteAll", "get_rid", "wipe"])
def test_a_method_is_refused_under_all_its_names(named: str, target: str) -> None:
    """A rule that forbids one forbids the method, whatever a frame calls it."""
    world = World(Names, access=Access(required=True, rules=Rules((Rule(methods=(named,), allow=False), Rule()))))
    world.connect("c1", principal="alice")

    answer = world.send(call("names", target), "c1", principal="alice")
    assert refusal(answer) == ("ResponseEnvelope", "forbidden")
    allowed = decode(world.send(call("names", "add_name"), "c1", principal="alice")["body"])
    assert isinstance(allowed, ResponseEnvelope)
    assert allowed.error_message is None


@pytest.mark.parametrize("target", ["deleteAll", "get_rid", "wipe"])
def test_what_is_allowed_is_allowed_by_its_own_name(target: str) -> None:
    """Who may only read must not find a method that does something else under a name that sounds like it."""
    world = World(Names, access=Access(required=True, rules=Rules((Rule(methods=("get*", "wipe")),))))
    world.connect("c1", principal="alice")

    assert refusal(world.send(call("names", target), "c1", principal="alice"))[1] == "forbidden"


def test_a_stolen_stream_is_not_found(hall: Hall) -> None:
    """Whoever learns a stream's id cannot take it over, even where the rules allow them the actor."""
    shared = json.dumps({"tenant": "t"})
    hall.ask_as("alice", observe("todos/t/1"), claims=shared)
    [start, _] = hall.frames()
    assert isinstance(start, StreamStartEnvelope)

    answer = decode(hall.ask_as("bob", resume(start.stream_id, 1, "todos/t/1"), "c2", claims=shared)["body"])
    assert isinstance(answer, StreamErrorEnvelope)
    assert answer.error_message == f"Stream '{str(start.stream_id).upper()}' not found"
    [row] = hall.subscriptions.attached.values()
    assert row.connection_id == "c1"


def test_claims_of_the_authorizer_count(hall: Hall) -> None:
    """What the token said rides with each frame; what is no JSON says nothing."""
    envelope = call("todos/t/1", "addTodo", "Milk")

    assert refusal(hall.ask_as("alice", envelope)) == ("ResponseEnvelope", "forbidden")
    assert refusal(hall.ask_as("alice", envelope, claims="{")) == ("ResponseEnvelope", "forbidden")
    answer = decode(hall.ask_as("alice", envelope, claims='{"tenant": ["s", "t"]}')["body"])
    assert isinstance(answer, ResponseEnvelope)
    assert answer.error_message is None


@pytest.mark.parametrize("until", [1, "1.7672256E9", "soon", "", True])
def test_an_end_that_nobody_can_read_has_passed(until: Any) -> None:
    """Whatever becomes of it on its way from the authorizer, it must not turn into a right for good."""
    event = socket_event("MESSAGE", "c1", principal="alice", context={"until": until})

    with pytest.raises(ExpiredError):
        Access().check_presence(read_socket_event(event).caller, 1_767_225_600)


def last_frames(world: World, connection_id: str = "c1") -> list[tuple[str, str | None]]:
    """Kinds and codes of what a connection got."""
    return [(type(frame).__name__, getattr(frame, "code", None)) for frame in world.frames(connection_id)]


@pytest.mark.parametrize(
    ("envelope", "frames"),
    [
        (call("todos/alice", "addTodo", "Milk"), [("ResponseEnvelope", "expired")]),
        (observe("todos/alice"), [("StreamStartEnvelope", None), ("StreamErrorEnvelope", "expired")]),
        (resume(UUID(int=7), 0, "todos/alice"), [("StreamErrorEnvelope", "expired")]),
    ],
)
def test_after_its_end_nothing_runs_and_the_connection_is_closed(
    hall: Hall, envelope: Envelope, frames: list[tuple[str, str | None]]
) -> None:
    """Its sender is told first, by a post: what a function returns would come after the close."""
    answer = hall.ask_as("alice", envelope, until=hall.seconds())

    assert answer == {"statusCode": 200}
    assert last_frames(hall) == frames
    assert not hall.sender.is_alive("c1")
    assert hall.states.load("todos/alice") is None
    assert not hall.subscriptions.attached


def test_until_its_last_second_a_right_counts(hall: Hall) -> None:
    """The end itself is not part of it."""
    answer = decode(hall.ask_as("alice", call("todos/alice", "addTodo", "Milk"), until=hall.seconds(1))["body"])

    assert isinstance(answer, ResponseEnvelope)
    assert answer.error_message is None


def test_a_connection_from_before_the_authorizer_is_closed() -> None:
    """It was let in when nobody was asked for anything."""
    world = World(TodoList, access=Access(required=True))
    world.connect()

    assert world.send(call("todos", "addTodo", "Milk")) == {"statusCode": 200}
    assert last_frames(world) == [("ResponseEnvelope", "expired")]
    assert not world.sender.is_alive("c1")


def test_an_unsubscribe_is_always_allowed(hall: Hall) -> None:
    """It only takes away."""
    hall.ask_as("alice", observe("todos/alice"))
    [start, _] = hall.frames()
    assert isinstance(start, StreamStartEnvelope)

    hall.ask_as("alice", StreamEndEnvelope(start.stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED), until=hall.seconds())
    assert not hall.subscriptions.attached


def watched(hall: Hall, lasts: int) -> UUID:
    """A live stream of a connection whose right lasts some seconds; its id."""
    hall.ask_as("alice", observe("todos/alice"), until=hall.seconds(lasts))
    [start, _] = hall.frames()
    assert isinstance(start, StreamStartEnvelope)
    return start.stream_id


class Throttled(InMemoryConnectionSender):
    """A sender that refuses the next value to a connection once."""

    def __init__(self) -> None:
        super().__init__()
        self.refusing = False

    def send(self, connection_id: str, text: str) -> None:
        """Refuse one."""
        if self.refusing and isinstance(decode(text), StreamDataEnvelope):
            self.refusing = False
            raise ThrottledError("slow down")
        super().send(connection_id, text)


@pytest.mark.parametrize("when", ["a change", "a snapshot"])
def test_a_value_that_has_to_wait_is_not_posted_after_the_end(hall: Hall, when: str) -> None:
    """The right was there when the post was tried first, and is over when it would be tried again."""
    sender = Throttled()
    hall.use(sender=sender)
    if when == "a change":
        watched(hall, 60)
        hall.clock.pause(59.95)
        sender.refusing = True
        hall.ask_as("alice", call("todos/alice", "addTodo", "Milk"), "c2")
        hall.pump()
        assert last_frames(hall) == [("StreamErrorEnvelope", "expired")]
        assert not hall.sender.is_alive("c1")
    else:
        until = hall.seconds(60)
        hall.clock.pause(59.95)
        sender.refusing = True
        hall.ask_as("alice", observe("todos/alice"), until=until)
        assert last_frames(hall) == [("StreamStartEnvelope", None), ("StreamErrorEnvelope", "expired")]
    assert not sender.refusing


def test_after_its_end_no_value_is_posted(hall: Hall) -> None:
    """The stream ends with an error that says why, the connection is closed, and a resume finds the stream."""
    stream_id = watched(hall, 60)
    hall.clock.pause(60)
    hall.ask_as("alice", call("todos/alice", "addTodo", "Milk"), "c2")
    hall.pump()

    assert last_frames(hall) == [("StreamErrorEnvelope", "expired")]
    assert not hall.sender.is_alive("c1")
    hall.connect("c3", principal="alice")
    hall.ask_as("alice", resume(stream_id, 1, "todos/alice"), "c3", until=hall.seconds(60))
    [start, value] = hall.frames("c3")
    assert isinstance(start, StreamStartEnvelope)
    assert start.recovered
    assert isinstance(value, StreamDataEnvelope)
    assert value.sequence_number == 2


def test_before_its_end_values_are_posted(hall: Hall) -> None:
    """A right that has an end is a right."""
    watched(hall, 60)
    hall.clock.pause(59)
    hall.ask_as("alice", call("todos/alice", "addTodo", "Milk"), "c2")
    hall.pump()

    assert last_frames(hall) == [("StreamDataEnvelope", None)]


def test_a_worker_brings_nothing_after_the_end(hall: Hall) -> None:
    """A subscriber that was left to it is told, and closed."""
    watched(hall, 60)
    [row] = hall.subscriptions.attached.values()
    assert hall.subscriptions.go_opening(row, row.sent, UUID(int=9))
    hall.ask_as("alice", call("todos/alice", "addTodo", "Milk"), "c2")
    hall.pump()
    hall.clock.pause(60)
    bodies = [write_reminder(reminder) for reminder, _ in hall.catch_ups.sent]

    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    assert hall.gateway.catch_up({"Records": records}) == {"batchItemFailures": []}
    assert last_frames(hall) == [("StreamErrorEnvelope", "expired")]
    assert not hall.sender.is_alive("c1")


def test_a_browsers_sub_protocol_is_echoed_without_its_token() -> None:
    """Browsers drop a connection whose offer is not answered; what else they offer is the token."""
    world = World(TodoList)
    event = message(observe("todos"))
    event["requestContext"]["eventType"] = "CONNECT"
    event["headers"] = {"sec-websocket-protocol": "trebuche, tbk_secret"}

    answer: dict[str, Any] = world.handler.handle(event)
    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "trebuche"}}
    assert not any("tbk_secret" in line for line in world.log.lines)


def test_what_the_authorizer_said_is_on_the_connections_row(hall: Hall) -> None:
    """So that a sweep knows whose connection it is, and until when."""
    hall.connect("c9", principal="alice", context={"until": "1767229200", "credential": "key:a"})

    row = hall.connections.load("c9")
    assert row is not None
    assert (row.principal, row.until, row.credential) == ("alice", 1_767_229_200, "key:a")


class Revoked:
    """Revocations as a set."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def is_revoked(self, *names: str) -> bool:
        """Whether one of them is in it."""
        return bool(self.names & set(names))


@pytest.mark.parametrize("name", ["alice", "key:a"])
def test_who_is_revoked_while_connecting_is_refused(name: str) -> None:
    """The row is written first: whoever revokes then looks for rows, so one of the two sees the other."""
    world, revoked = World(TodoList), Revoked()
    handler = WebSocketLambdaHandler(replace(world.ports, revocations=revoked))
    event = socket_event("CONNECT", "c1", principal="alice", context={"credential": "key:a"})
    assert handler.handle(event) == {"statusCode": 200}

    revoked.names.add(name)
    assert handler.handle(event) == {"statusCode": 403}
    assert world.connections.load("c1") is None
