"""``trebuche call`` and ``trebuche watch`` on what is really deployed."""

import json
import subprocess
from pathlib import Path

from tests.loop.conftest import Deployed
from tests.loop.workshop import SAID_SECONDS, clean_environment, eventually


def test_watcher_prints_what_a_caller_changes(deployed: Deployed, todos: str, tmp_path: Path) -> None:
    """Two terminals: one calls, the other prints each state with rising numbers."""
    workshop, printed = deployed.local.workshop, tmp_path / "states"
    endpoint = {"TREBUCHE_ENDPOINT": deployed.endpoint}
    with printed.open("w") as out:
        watcher = subprocess.Popen(
            [str(workshop.root / ".venv/bin/trebuche"), "watch", todos, "--json", "--count", "3"],
            env=clean_environment(endpoint),
            stdout=out,
        )
    eventually(lambda: printed.read_text().count("\n") == 1, what="the first state")
    called = workshop.trebuche("call", todos, "addTodo", '"Buy milk"', variables=endpoint)
    workshop.trebuche("call", todos, "clearCompleted", variables=endpoint)
    workshop.trebuche("call", todos, "toggleTodo", json.dumps(json.loads(called.stdout)["id"]), variables=endpoint)
    assert watcher.wait(SAID_SECONDS) == 0
    states = [json.loads(line) for line in printed.read_text().splitlines()]
    assert [[todo["completed"] for todo in state["state"]["todos"]] for state in states] == [[], [False], [True]]
    assert [state["sequence"] - states[0]["sequence"] for state in states] == [0, 1, 2]


def test_refused_call_ends_with_1_and_the_actor_s_text(deployed: Deployed, todos: str) -> None:
    """The error of an actor reaches the person at the terminal."""
    endpoint = {"TREBUCHE_ENDPOINT": deployed.endpoint}
    done = deployed.local.workshop.trebuche("call", todos, "toggleTodo", '"7"', check=False, variables=endpoint)
    assert done.returncode == 1
    assert "not found" in done.stderr
    assert done.stdout == ""


def test_running_sandbox_is_told_and_not_disturbed(deployed: Deployed) -> None:
    """A second sandbox, or a run on top of it, is refused in one sentence that says how to stop the first."""
    workshop, where = deployed.local.workshop, deployed.local.environment["AWS_ENDPOINT_URL"]
    second = workshop.trebuche("sandbox", "start", check=False)
    run = workshop.trebuche("dev", check=False)
    status = json.loads(workshop.trebuche("sandbox", "status", "--json").stdout)
    assert (second.returncode, run.returncode) == (1, 1)
    assert f"already running at {where}" in second.stderr
    assert "sandbox stop" in run.stderr
    assert status["aws_endpoint"] == where
