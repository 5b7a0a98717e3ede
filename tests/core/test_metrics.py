"""Metrics: what is measured, and the documents that CloudWatch reads out of the log."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.support.world import World, call, message, socket_event, write_state
from trebuche.contract import (
    DIMENSION_ACTOR_TYPE,
    DIMENSION_FUNCTION,
    DIMENSION_STAGE,
    METRIC_BAD_FRAMES,
    METRIC_CONFLICTS,
    METRIC_DELIVERY_LAG,
    METRIC_NAMESPACE,
    METRIC_PUSH_GONE,
    METRIC_PUSH_LATENCY,
    METRIC_PUSH_THROTTLED,
    METRIC_TURNS,
)
from trebuche.documents import loads
from trebuche.effects import CommitTurn, LoadState, Measure, Post
from trebuche.errors import ConnectionGoneError, DeliveryError, ThrottledError
from trebuche.gateway import CloudGateway
from trebuche.metrics import LONGEST_ARRAY, Source, documents, told_by
from trebuche.stored import CallRecord, StoredState, Turn
from trebuche.stream_adapter import DynamoDBStreamAdapter

SOURCE = Source("staging", "my-app-websocket")
NOW_MS = 1_767_225_600_000
POST = Post("c1", "{}")
TURN = Turn(
    previous=None,
    next=StoredState("todos", b"{}", 1, 1, 0),
    call_id=UUID(int=1),
    call=CallRecord("", b"", 1),
    now=0,
    ttl=1,
)


def lines(world: World) -> list[dict[str, Any]]:
    """The log so far, read and emptied."""
    found = [loads(line) for line in world.log.lines]
    world.log.lines.clear()
    return [line for line in found if isinstance(line, dict)]


def metrics(world: World) -> dict[str, Any]:
    """The metrics of the only line that has any."""
    (line,) = [line for line in lines(world) if "_aws" in line]
    return {one["Name"]: line[one["Name"]] for part in line["_aws"]["CloudWatchMetrics"] for one in part["Metrics"]}


class Unreachable:
    """A sender of which nothing gets through."""

    def __init__(self, error: DeliveryError) -> None:
        self._error = error

    def send(self, connection_id: str, text: str) -> None:  # noqa: ARG002
        """Fail."""
        raise self._error

    async def post(self, connection_id: str, text: str) -> None:
        """Fail."""
        self.send(connection_id, text)


def test_a_document_has_the_form_that_cloudwatch_reads() -> None:
    """Namespace, dimensions and units next to the values; the members of two dimension sets in one document."""
    (document,) = documents(
        SOURCE,
        [Measure(METRIC_PUSH_LATENCY, 12), Measure(METRIC_DELIVERY_LAG, 90, "todos"), Measure(METRIC_PUSH_GONE, 1)],
        NOW_MS,
    )
    assert document == {
        "_aws": {
            "Timestamp": NOW_MS,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Trebuche",
                    "Dimensions": [["Stage", "Function"]],
                    "Metrics": [
                        {"Name": "PushLatency", "Unit": "Milliseconds"},
                        {"Name": "PushGone", "Unit": "Count"},
                    ],
                },
                {
                    "Namespace": "Trebuche",
                    "Dimensions": [["Stage", "Function"], ["Stage", "ActorType"]],
                    "Metrics": [{"Name": "DeliveryLag", "Unit": "Milliseconds"}],
                },
            ],
        },
        "Stage": "staging",
        "Function": "my-app-websocket",
        "ActorType": "todos",
        "PushLatency": [12],
        "PushGone": 1,
        "DeliveryLag": [90],
    }


def test_nothing_measured_is_no_document() -> None:
    """A function that has nothing to say pays for nothing."""
    assert documents(SOURCE, [], NOW_MS) == []


def test_counts_are_summed_and_no_array_is_too_long() -> None:
    """Every value is in some document, in order; a count is in one."""
    values = list(range(2 * LONGEST_ARRAY + 50))
    measured = [Measure(METRIC_PUSH_LATENCY, value) for value in values] + [Measure(METRIC_PUSH_GONE, 1)] * 3
    found = documents(SOURCE, measured, NOW_MS)
    arrays: list[Any] = [document[METRIC_PUSH_LATENCY] for document in found]
    assert [len(array) for array in arrays] == [LONGEST_ARRAY, LONGEST_ARRAY, 50]
    assert [value for array in arrays for value in array] == values
    assert [document.get(METRIC_PUSH_GONE) for document in found] == [3, None, None]


def test_a_document_declares_exactly_its_members() -> None:
    """Each declared metric and dimension has a member, and each member is declared."""
    measured = [Measure(METRIC_TURNS, 1)] + [
        Measure(METRIC_DELIVERY_LAG, 5, name) for name in ("todos", "game", "todos")
    ]
    found: list[Any] = documents(SOURCE, measured, NOW_MS)
    assert {document[DIMENSION_ACTOR_TYPE]: document[METRIC_DELIVERY_LAG] for document in found} == {
        "todos": [5, 5],
        "game": [5],
    }
    for document in found:
        directives = document["_aws"]["CloudWatchMetrics"]
        named = {one["Name"] for part in directives for one in part["Metrics"]}
        dimensions = {name for part in directives for group in part["Dimensions"] for name in group}
        assert {part["Namespace"] for part in directives} == {METRIC_NAMESPACE}
        assert dimensions <= {DIMENSION_STAGE, DIMENSION_FUNCTION, DIMENSION_ACTOR_TYPE}
        assert document.keys() == {"_aws", DIMENSION_STAGE, DIMENSION_FUNCTION} | named | dimensions


@pytest.mark.parametrize(
    ("effect", "outcome", "told"),
    [
        (POST, None, Measure(METRIC_PUSH_LATENCY, 7)),
        (POST, ConnectionGoneError("closed"), Measure(METRIC_PUSH_GONE, 1)),
        (POST, ThrottledError("slow down"), Measure(METRIC_PUSH_THROTTLED, 1)),
        (POST, DeliveryError("forbidden"), None),
        (CommitTurn(TURN), True, Measure(METRIC_TURNS, 1)),
        (CommitTurn(TURN), False, Measure(METRIC_CONFLICTS, 1)),
        (CommitTurn(TURN), ValueError("broken"), None),
        (LoadState("todos"), None, None),
    ],
)
def test_an_effect_tells_by_how_it_ended(effect: Any, outcome: object, told: Measure | None) -> None:
    """Posts and commits are counted; nothing else is."""
    assert told_by(effect, outcome, 7) == told


def test_a_call_that_writes_is_a_turn() -> None:
    """On the one line of the actor function's invocation; a call that changes nothing is none."""
    world = World(TodoList)
    world.result("todos", "addTodo", "Milk")
    assert metrics(world) == {METRIC_TURNS: 1}
    world.result("todos", "clearCompleted")
    assert not any("_aws" in line for line in lines(world))


def test_a_lost_write_is_a_conflict() -> None:
    """Another call commits between a turn's read and its write: one conflict, then the turn."""
    world = World(TodoList)
    commit, others = world.states.commit, iter([True])

    def contested(turn: Turn) -> bool:
        if next(others, False):
            write_state(world, "todos", {"todos": []})
        return commit(turn)

    world.states.commit = contested  # type: ignore[method-assign]
    world.gateway.handle(message(call("todos", "addTodo", "Milk")))
    assert metrics(world) == {METRIC_CONFLICTS: 1, METRIC_TURNS: 1}


def test_the_lag_runs_from_the_write_to_the_post() -> None:
    """The stream processor says it per actor type, in milliseconds."""
    world = World(TodoList, GameRoom)
    world.connect()
    world.watch("todos/a")
    world.watch("todos/b")
    world.watch("game")
    world.pump()
    for actor in ("todos/a", "todos/b"):
        world.result(actor, "addTodo", "Milk")
    world.result("game", "join", "Ada")
    lines(world)
    world.clock.pause(0.25)
    world.pump()
    found = {line["ActorType"]: line[METRIC_DELIVERY_LAG] for line in lines(world) if METRIC_DELIVERY_LAG in line}
    assert found == {"todos": [250, 250], "game": [250]}


def test_a_write_that_does_not_say_when_it_was_made_has_no_lag() -> None:
    """Something else than the runtime wrote the item; its frame is posted all the same."""
    world = World(TodoList)
    world.connect()
    world.watch("todos")
    world.result("todos", "addTodo", "Milk")
    records = world.records()
    del records[0]["dynamodb"]["NewImage"]["updatedAt"]
    lines(world)
    world.processor.handle({"Records": records})
    assert metrics(world).keys() == {METRIC_PUSH_LATENCY}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionGoneError("closed"), {METRIC_PUSH_GONE: 1}),
        (ThrottledError("slow"), {METRIC_PUSH_THROTTLED: 2}),
    ],
)
def test_posts_that_fail_are_counted(error: DeliveryError, expected: dict[str, int]) -> None:
    """A closed connection once, a throttled one at every attempt."""
    world = World(TodoList)
    world.connect()
    world.watch("todos")
    world.result("todos", "addTodo", "Milk")
    lines(world)
    world.clock.pause(60)
    sender: Any = Unreachable(error)
    DynamoDBStreamAdapter(replace(world.ports, sender=sender)).handle({"Records": world.records()})
    assert metrics(world) == expected


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        '{"type":"response","payload":{"callID":"5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3","result":""}}',
        '{"type":"invocation","payload":{"callID":"5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3"}}',
    ],
)
def test_frames_that_nobody_should_send_are_counted(text: str) -> None:
    """Undecodable and misdirected ones, answered or not; a call that fails is none."""
    world = World(TodoList)
    world.handler.handle(socket_event("MESSAGE", body=text))
    assert metrics(world) == {METRIC_BAD_FRAMES: 1}
    world.handler.handle(message(call("todos", "noSuchMethod")))
    assert not any("_aws" in line for line in lines(world))


def test_a_function_without_a_stage_writes_no_metrics() -> None:
    """An empty dimension would be refused."""
    world = World(TodoList)
    gateway = CloudGateway(replace(world.ports, source=None))
    gateway.expose(TodoList)
    assert gateway.handle(message(call("todos", "addTodo", "Milk")))["statusCode"] == 200
    (line,) = lines(world)
    assert line["event"] == "call"
    assert not line.keys() & {"_aws", DIMENSION_STAGE, METRIC_TURNS}
