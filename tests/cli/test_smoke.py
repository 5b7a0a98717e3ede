"""The smoke test: its steps, and what its answers are held against."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from cli.errors import CommandError
from cli.output import Output
from cli.smoke import SmokeError, Step, fits, read_steps, run_smoke
from infra.plan import make_plan
from tests.infra.project import make_project
from tests.support.endpoint import Peer, as_data

STREAM = "9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D"


def steps_of(root: Path, text: str) -> list[Step]:
    """The steps of a smoke.yaml."""
    (root / "smoke.yaml").write_text(text)
    return read_steps(root, ())


def test_without_a_file_each_stateful_actor_is_looked_at(tmp_path: Path) -> None:
    """Under an id that nobody uses, and without a call that could change something."""
    plan = make_plan(make_project(tmp_path), "dev", {})

    assert read_steps(tmp_path, plan.actors) == [Step("todos/trebuche-smoke")]


def test_file_is_read(tmp_path: Path) -> None:
    """Calls with arguments and expectations, and looks at states."""
    text = "- {actor: todos/x, method: addTodo, arguments: [Milk, 2], expect: {title: Milk}}\n- {actor: game}\n"
    call, look = steps_of(tmp_path, text)

    assert (call.actor, call.target, call.arguments, call.expect) == (
        "todos/x",
        "addTodo",
        ("Milk", 2),
        {"title": "Milk"},
    )
    assert (look.actor, look.target, look.place) == ("game", "observeState", "smoke.yaml: step 2")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("actor: todos", "must be a list of steps"),
        ("- [todos]", "step 1: it must be a mapping with actor"),
        (
            "- {actor: todos, metod: addTodo}",
            "step 1: unknown key metod; allowed here: actor, arguments, expect, method",
        ),
        ("- {actor: todos, method: addTodo, arguments: Milk}", "arguments: it must be a list"),
        ("- {actor: [", "is not YAML"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    """Nothing is deployed for a smoke test that cannot be run."""
    with pytest.raises(CommandError, match="smoke") as refused:
        steps_of(tmp_path, text)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("expected", "answer", "fitting"),
    [
        (None, 7, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": 1}, {"b": 1}, False),
        ([1], [1, 2], False),
        ({"a": 1}, 1, False),
    ],
)
def test_objects_may_hold_more_than_expected(expected: Any, answer: Any, fitting: bool) -> None:
    """Everything else is equal."""
    assert fits(expected, answer) is fitting


async def answering(peer: Peer) -> None:
    """Answer calls and observations until the client goes away."""
    with suppress(ConnectionClosed):
        while True:
            await answer(peer, await peer.receive())


async def answer(peer: Peer, frame: dict[str, Any]) -> None:
    """A state without todos, and a loud todo for each call."""
    payload = frame["payload"]
    if payload.get("targetIdentifier") == "observeState":
        await peer.start_stream(frame, STREAM)
        await peer.state(STREAM, 1, {"todos": []})
    elif frame["type"] == "invocation":
        await peer.send("response", callID=payload["callID"], result=as_data({"title": "MILK"}))


def test_steps_are_done_over_the_socket(serving: Any) -> None:
    """Connected, observed and called, each told."""
    out = Output()
    endpoint = serving(answering)

    run_smoke(out, endpoint.url, [Step("todos"), Step("todos", "addTodo", ("Milk",), {"title": "MILK"})])

    targets = [frame["payload"].get("targetIdentifier") for frame in endpoint.received]
    assert [one for one in targets if one] == ["observeState", "addTodo"]


def test_unexpected_answer_names_the_step(serving: Any) -> None:
    """With what was expected and what came."""
    with pytest.raises(SmokeError, match=r'todos addTodo: expected \{"title": "Milk"\}, got \{"title": "MILK"\}'):
        run_smoke(Output(), serving(answering).url, [Step("todos", "addTodo", ("Milk",), {"title": "Milk"})])


def test_nobody_there_fails_the_first_step() -> None:
    """The connection is a step of its own."""
    with pytest.raises(SmokeError, match="connecting failed"):
        run_smoke(Output(), "ws://127.0.0.1:9/stage", [])
