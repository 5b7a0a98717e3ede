"""The parts of ``trebuche dev`` that need no sandbox: events, logs, file filter, lock, leftovers, ports."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from watchfiles import Change

from cli.dev.changes import SourceFilter
from cli.dev.events import Progress
from cli.dev.lock import holder, only_one
from cli.dev.logs import LogReader, parse_failure
from cli.errors import CommandError
from cli.processes import MARK, end_leftovers
from cli.sandbox_process import check_port
from sandbox.errors import SandboxError

URN = "urn:pulumi:sandbox::my-streaming-app::aws:dynamodb/table:Table::state"


def _line(**event: object) -> str:
    return json.dumps({"sequence": 1, **event})


def test_progress_counts_resources_and_names_changes() -> None:
    """What has begun, what is done and what was changed are told apart."""
    progress = Progress(expected=3)
    for urn, operation in ((URN, "create"), (URN + "2", "same")):
        progress.read(_line(resourcePreEvent={"metadata": {"urn": urn, "op": operation}}))
        progress.read(_line(resOutputsEvent={"metadata": {"urn": urn, "op": operation}}))
    assert (len(progress.done), progress.total) == (2, 3)
    assert progress.changed == {URN: "create"}


def test_each_step_tells_how_long_it_took() -> None:
    """A resource that is made, one that fails, and none for what stays as it is."""
    times = iter([10.0, 11.5, 20.0, 24.0, 30.0])
    progress = Progress(clock=lambda: next(times))
    for event, operation in (("resourcePreEvent", "create"), ("resOutputsEvent", "create")):
        progress.read(_line(**{event: {"metadata": {"urn": URN, "op": operation}}}))
    for event, operation in (("resourcePreEvent", "update"), ("resOpFailedEvent", "update")):
        progress.read(_line(**{event: {"metadata": {"urn": URN + "2", "op": operation}}}))
    progress.read(_line(resOutputsEvent={"metadata": {"urn": URN + "3", "op": "same"}}))
    assert [str(step) for step in progress.steps] == [
        "state  aws:dynamodb/table:Table  created (1.5 s)",
        "state2  aws:dynamodb/table:Table  failed (4.0 s)",
    ]


def test_errors_name_their_resource_without_colours() -> None:
    """An error names the resource; the engine's own summary of failure is left out."""
    progress = Progress()
    progress.read(
        _line(diagnosticEvent={"severity": "error", "urn": URN, "message": "<{%reset%}>no such key<{%reset%}>"})
    )
    progress.read(_line(diagnosticEvent={"severity": "error", "message": "update failed"}))
    progress.read(_line(diagnosticEvent={"severity": "info", "message": "hello"}))
    assert progress.errors == ["state: no such key"]


def test_half_a_line_is_no_event() -> None:
    """A line that is still being written changes nothing."""
    progress = Progress()
    progress.read('{"resOutputsEvent": {"meta')
    assert progress == Progress()


def test_error_line_of_an_actor_is_a_failure_with_its_reference() -> None:
    """The ref that the client got leads to the traceback."""
    line = json.dumps(
        {"level": "ERROR", "ref": "AB-1", "actorId": "todos", "target": "addTodo", "exception": "Traceback …\nKeyError"}
    )
    failure = parse_failure("app-actor-todo-list", line)
    assert failure is not None
    assert failure.title == "todos addTodo failed (ref AB-1)"
    assert failure.detail == "Traceback …\nKeyError"


@pytest.mark.parametrize(
    ("line", "title"),
    [
        (
            "2026-03-04T09:15:00Z 1f Task timed out after 3.00 seconds\n",
            "2026-03-04T09:15:00Z 1f Task timed out after 3.00 seconds",
        ),
        ("[ERROR] KeyError: 'x'\nTraceback …", "[ERROR] KeyError: 'x'"),
    ],
)
def test_platform_failures_are_seen(line: str, title: str) -> None:
    """Timeouts and crashes outside an actor are failures too."""
    failure = parse_failure("app-websocket", line)
    assert failure is not None
    assert failure.title == title


@pytest.mark.parametrize("line", ['{"level":"INFO"}', "START RequestId: 1", "[]", "hello"])
def test_ordinary_lines_are_no_failures(line: str) -> None:
    """What functions print every day is not shown."""
    assert parse_failure("app-websocket", line) is None


@pytest.mark.parametrize("names", [["eventId"], ["logStreamName"]])
def test_each_log_line_is_shown_once(names: list[str]) -> None:
    """Lines that are read again because they may have come late are not shown again, event ids or not."""
    events: list[dict[str, Any]] = [{**dict.fromkeys(names, "1"), "timestamp": 1_000, "message": "[ERROR] one"}]

    async def logs(action: str, request: dict[str, Any]) -> dict[str, Any]:
        if action == "DescribeLogGroups":
            return {"logGroups": [{"logGroupName": "/aws/lambda/f"}]}
        return {"events": [event for event in events if event["timestamp"] >= request["startTime"]]}

    clock: Iterator[int] = iter(range(1_000, 9_000, 1_000))
    reader = LogReader(logs, lambda: next(clock))

    async def read() -> list[list[str]]:
        first = [failure.title for failure in await reader.failures()]
        events.append({**dict.fromkeys(names, "2"), "timestamp": 1_500, "message": "[ERROR] two"})
        return [first, *[[failure.title for failure in await reader.failures()] for _ in range(2)]]

    assert asyncio.run(read()) == [["[ERROR] one"], ["[ERROR] two"], []]


@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("lambda_src/actors/todo_list.py", True),
        ("infra/tables.py", True),
        ("trebuche.yaml", True),
        ("__main__.py", True),
        ("Pulumi.yaml", True),
        ("Pulumi.sandbox.yaml", False),
        ("README.md", False),
        ("lambda_src/__pycache__/x.cpython-311.pyc", False),
        ("lambda_src/actors/.todo_list.py.swp", False),
        (".trebuche/dev.json", False),
        ("sub/trebuche.yaml", False),
    ],
)
def test_only_sources_cause_a_deploy(tmp_path: Path, path: str, matters: bool) -> None:
    """Caches, editors' leftovers and our own records do not."""
    assert SourceFilter(tmp_path)(Change.modified, str(tmp_path / path)) is matters


def test_second_run_names_the_first(tmp_path: Path) -> None:
    """One run per checkout; the message names the process that holds it."""
    with only_one(tmp_path):
        assert holder(tmp_path) == os.getpid()
        with pytest.raises(CommandError, match=str(os.getpid())), only_one(tmp_path):
            pass
    assert holder(tmp_path) is None


def test_leftovers_are_known_by_their_mark(tmp_path: Path) -> None:
    """What a killed deploy left running is ended; processes of other checkouts are not."""
    command = [sys.executable, "-c", "print('up', flush=True); input()"]
    ours, theirs = (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, MARK: str(root)})
        for root in (tmp_path, tmp_path / "other")
    )
    with ours, theirs:
        for process in (ours, theirs):
            assert process.stdout is not None
            process.stdout.readline()
        assert end_leftovers(tmp_path) == [ours.pid]
        assert ours.wait(60) < 0
        assert theirs.poll() is None
        theirs.kill()


def test_taken_port_is_one_sentence() -> None:
    """A port in use is told with its mend before anything is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"Port {port} is in use"):
            check_port(port)
