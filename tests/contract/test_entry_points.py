"""The deployed functions, as Lambda loads and calls them, with events that AWS really sends."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.containers import no_clients

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

EVENTS = Path(__file__).parents[1] / "events"
SOURCES = Path(__file__).parents[2] / "lambda_src"
ENTRY_POINTS = ("websocket_handler", "actor_handler", "stream_processor")
ENVIRONMENT = {
    "STATE_TABLE": "states",
    "CONNECTION_TABLE": "connections",
    "TREBUCHE_SUBSCRIPTION_TABLE": "subscriptions",
    "TREBUCHE_JOURNAL_TABLE": "journal",
    "TREBUCHE_ACTOR": "actors.todo_list:TodoList",
    "NAMESPACE": "my-app-dev",
    "TREBUCHE_STATEFUL": "true",
    "WEBSOCKET_ENDPOINT": "wss://abc123.execute-api.us-east-1.amazonaws.com/production",
}


class Context:
    """What Lambda passes along with an event."""

    def get_remaining_time_in_millis(self) -> int:
        """As much as the page's actors have."""
        return 30_000


def event(name: str) -> Any:
    """A captured event."""
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture
def load(
    dynamodb: "Callable[[], DynamoDBClient]", monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Callable[[Any, object], Any]]]:
    """Loads an entry point afresh, as a new container does."""
    dynamodb()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def fresh(name: str) -> Callable[[Any, object], Any]:
        monkeypatch.delitem(sys.modules, name, raising=False)
        handle: Callable[[Any, object], Any] = importlib.import_module(name).handle
        return handle

    with no_clients():
        yield fresh


Load = Callable[[str], Callable[[Any, object], Any]]


def test_a_connection_comes_and_goes(load: Load, dynamodb: "Callable[[], DynamoDBClient]") -> None:
    """Its row has the page's attributes and the principal, and is gone afterwards."""
    handle = load("websocket_handler")
    assert handle(event("connect"), Context()) == {"statusCode": 200}
    (item,) = dynamodb().scan(TableName="connections")["Items"]
    assert item["connectionId"] == {"S": "DJrFQfyGIAMCJ7w="}
    assert item["connectedAt"] == {"N": "1768857206344"}
    assert item["principal"] == {"S": "user-1"}
    assert handle(event("disconnect"), Context()) == {"statusCode": 200}
    assert dynamodb().scan(TableName="connections")["Items"] == []


def test_a_call_is_written_and_answered(
    load: Load, dynamodb: "Callable[[], DynamoDBClient]", capsys: pytest.CaptureFixture[str]
) -> None:
    """The state table holds it as binary JSON; one line of JSON is the function's log."""
    reply = load("actor_handler")(event("call"), Context())
    response = json.loads(reply["body"])
    assert response["type"] == "response"
    assert response["payload"]["callID"] == "5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3"
    (item,) = dynamodb().scan(TableName="states")["Items"]
    assert item["version"] == {"N": "1"}
    assert json.loads(item["state"]["B"])["todos"][0]["title"] == "Milk"
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["event"] == "call"


def test_a_repeated_call_gets_the_first_answer(load: Load) -> None:
    """Also from a new container."""
    assert load("actor_handler")(event("call"), Context()) == load("actor_handler")(event("call"), Context())


def test_changes_that_nobody_watches_are_done(load: Load) -> None:
    """The stream processor reports nothing to be repeated."""
    assert load("stream_processor")(event("stream"), Context()) == {"batchItemFailures": []}


def test_a_failing_table_is_a_reference_for_the_caller(
    load: Load, dynamodb: "Callable[[], DynamoDBClient]", capsys: pytest.CaptureFixture[str]
) -> None:
    """Retryable, since nobody knows what happened; the log names the table."""
    handle = load("actor_handler")
    dynamodb().delete_table(TableName="states")
    payload = json.loads(handle(event("call"), Context())["body"])["payload"]
    assert payload["errorMessage"] == "Internal error (ref 5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3)"
    assert payload["retryable"] is True
    error = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (error["level"], error["ref"]) == ("ERROR", payload["callID"])
    assert "ResourceNotFoundException" in error["exception"]


@pytest.mark.parametrize("reference", ["", "actors.todo_list", "actors.todo_list:Todo", "actors.todo_list:Nobody"])
def test_a_function_without_actor_class_does_not_start(
    load: Load, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    """The variable that should name it is named."""
    monkeypatch.setenv("TREBUCHE_ACTOR", reference)
    with pytest.raises(Exception, match="TREBUCHE_ACTOR"):
        load("actor_handler")


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_loading_a_function_does_not_load_a_session(name: str) -> None:
    """It takes long, and a warm start of another container does not need it before the first AWS call."""
    program = f"import sys, {name}; sys.exit('botocore.session' in sys.modules or 'boto3' in sys.modules)"
    environment = {**ENVIRONMENT, "PYTHONPATH": str(SOURCES)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_an_entry_point_only_wires(name: str) -> None:
    """Logic is elsewhere."""
    assert len((SOURCES / f"{name}.py").read_text().splitlines()) <= 40


def test_an_actors_function_says_what_it_makes_of_stored_states(
    load: Load, dynamodb: "Callable[[], DynamoDBClient]"
) -> None:
    """A deployed version is asked before it runs again; nothing is written for it, and no client can ask."""
    states = [{"actorId": "todos", "state": state, "schema": 1} for state in ('{"todos":[]}', '{"todos":7}')]
    handle = load("actor_handler")
    answer = handle({"rehearsal": {"states": states}}, Context())
    assert [one["error"] is None for one in answer["states"]] == [True, False]
    forged = event("call")
    forged["body"] = json.dumps({**json.loads(forged["body"]), "rehearsal": {"states": states}})
    assert "states" not in handle(forged, Context())
    assert {item["actorId"]["S"] for item in dynamodb().scan(TableName="states")["Items"]} <= {"todos"}
