"""``trebuche dev`` as a developer lives with it: ready, edits, mistakes, failures."""

import asyncio
import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loop.peer import CallFailedError, Peer
from tests.loop.workshop import READY_SECONDS, SAID_SECONDS, Development, Workshop, eventually

BOGUS = {
    "AWS_PROFILE": "nobody",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "bogus",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}
ACTOR = "lambda_src/actors/todo_list.py"
FIRST_METHOD = "    @distributed\n    def add_todo"

GREET = '''
    @distributed
    def greet(self, name: str) -> str:
        """Greet."""
        return f"Hi {name}"

'''
FAIL = '''
    @distributed
    def fail(self) -> None:
        """Fail."""
        raise KeyError("secret spot")

'''
COUNTER = '''"""A counter."""

from dataclasses import dataclass

from trebuche import Actor, distributed


@dataclass
class Count:
    """How far it is."""

    value: int = 0


class Counter(Actor[Count], exposed_as="counter"):
    """Counts."""

    @distributed
    def add(self, amount: int) -> int:
        """Count on."""
        self.state.value += amount
        return self.state.value
'''


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A copied checkout whose path holds blanks and a quote."""
    return Workshop.create(tmp_path_factory.mktemp("dev") / "somebody's own checkout")


@pytest.fixture(scope="module")
def running(workshop: Workshop) -> Iterator[Development]:
    """A run that is ready, with bogus keys, a missing profile and a dead proxy around it."""
    development = workshop.develop(**BOGUS)
    try:
        development.record()
        development.says("Ctrl-C stops everything")
        yield development
    finally:
        development.interrupt()


@pytest.fixture
def restored(workshop: Workshop, running: Development) -> Iterator[None]:
    """Puts the sources back after a test has edited them."""
    before = {file: file.read_text() for file in (workshop.root / ACTOR, workshop.root / "trebuche.yaml")}
    yield
    mark = len(running.printed())
    for file, text in before.items():
        if file.read_text() != text:
            file.write_text(text)
    running.says("Deployed in", after=mark)


def _call(endpoint: str, actor: str, method: str, *arguments: object) -> Any:
    async def call() -> Any:
        async with Peer.at(endpoint) as peer:
            return await peer.call(actor, method, *arguments)

    return asyncio.run(call())


def _succeeds(action: Callable[[], Any]) -> Any:
    """Try until it does not fail; returns the result in a list."""

    def attempt() -> list[Any] | None:
        try:
            return [action()]
        except CallFailedError:
            return None

    return eventually(attempt, seconds=READY_SECONDS, what="the call")[0]


def test_printed_commands_paste_into_a_bare_shell(running: Development, workshop: Workshop, tmp_path: Path) -> None:
    """Watch, call and eval work in a shell that has nothing but a PATH, from any folder."""
    watch, call, environment = _printed_commands(running)
    states = tmp_path / "states"
    states.touch()
    with _bare_shell(f"{watch} --count 2 --json > states", tmp_path) as watcher:
        eventually(states.read_text, what="the first state")
        with _bare_shell(call, tmp_path) as caller:
            called, _ = caller.communicate(timeout=SAID_SECONDS)
        assert watcher.wait(SAID_SECONDS) == 0
    assert json.loads(called)["title"] == "Buy milk"
    assert json.loads(states.read_text().splitlines()[-1])["state"]["todos"][-1] == json.loads(called)
    with _bare_shell(f"{environment} && pulumi stack output wss_endpoint --stack sandbox", workshop.root) as pulumi:
        assert pulumi.communicate(timeout=SAID_SECONDS)[0].strip() == running.record()["endpoint"]


@pytest.mark.usefixtures("restored")
def test_keys_and_tickets_are_made_in_a_bare_shell(running: Development, workshop: Workshop, tmp_path: Path) -> None:
    """``--stack sandbox`` is what runs here, without ``eval``; what they open is this run's endpoint."""
    mark = len(running.printed())
    with (workshop.root / "trebuche.yaml").open("a") as file:
        file.write("\nauth: {api_keys: true, tickets: {}}\n")
    running.says("Deployed in", after=mark, seconds=READY_SECONDS)
    trebuche = shlex.quote(str(workshop.root / ".venv/bin/trebuche"))

    def said(words: str, token: str = "") -> tuple[int, str]:
        with _bare_shell(f"TREBUCHE_TOKEN={token} {trebuche} {words}", tmp_path) as shell:
            text, _ = shell.communicate(timeout=SAID_SECONDS)
            return shell.returncode, text.strip()

    call = """call todos/keys addTodo '"Buy milk"' --json"""
    # What was deployed may be what the test before this one has put back.
    eventually(lambda: said(call)[0] or None, seconds=READY_SECONDS, what="a refusal without credentials")
    # A stage refuses before the outputs say what it takes.
    eventually(lambda: said("ticket ada --stack sandbox")[0] == 0, seconds=READY_SECONDS, what="a ticket")
    for words in ("ticket ada --stack sandbox", "keys add billing --stack sandbox"):
        code, token = said(words)
        assert code == 0
        code, answer = said(call, token)
        assert (code, json.loads(answer)["result"]["title"]) == (0, "Buy milk")


def _printed_commands(running: Development) -> list[str]:
    return [line.strip() for line in running.printed().splitlines() if "bin/trebuche" in line]


def _bare_shell(script: str, folder: Path) -> subprocess.Popen[str]:
    bare = {"PATH": "/usr/bin:/bin"}
    return subprocess.Popen(["sh", "-c", script], cwd=folder, env=bare, stdout=subprocess.PIPE, text=True)


def test_record_says_where_everything_is(running: Development) -> None:
    """``dev.json`` is for other programs."""
    record = running.record()
    assert set(record) == {"endpoint", "aws_endpoint", "console", "stack", "pid"}
    assert record["stack"] == "sandbox"
    assert record["endpoint"].startswith("ws://127.0.0.1:")
    assert record["console"].startswith("http://127.0.0.1:")
    assert f"Console:  {record['console']}" in running.printed()


def test_second_run_names_the_first(running: Development, workshop: Workshop) -> None:
    """Two runs in one checkout would fight: the second one says who is there."""
    done = workshop.trebuche("dev", check=False)
    assert done.returncode == 1
    assert f"(process {running.record()['pid']})" in done.stderr


@pytest.mark.usefixtures("restored")
def test_new_method_is_callable_after_a_save(running: Development, workshop: Workshop) -> None:
    """Saving an actor's file deploys it; nothing is restarted."""
    workshop.replace(ACTOR, FIRST_METHOD, GREET + FIRST_METHOD)
    assert _succeeds(lambda: _call(running.record()["endpoint"], "todos", "greet", "Ada")) == "Hi Ada"


def test_third_actor_needs_no_restart(running: Development, workshop: Workshop) -> None:
    """A class and two lines of yaml are callable and observable while everything runs on."""
    endpoint = running.record()["endpoint"]
    (workshop.root / "lambda_src/actors/counter.py").write_text(COUNTER)
    workshop.replace("trebuche.yaml", "actors:\n", "actors:\n  Counter:\n    stateful: true\n")

    async def watch() -> list[Any]:
        async with Peer.at(endpoint) as peer:
            stream = await peer.observe("counter")
            await peer.call("counter", "add", 2)
            return await stream.until(2)

    start = _succeeds(lambda: _call(endpoint, "counter", "add", 1))
    assert start >= 1
    assert [value["value"] for value in asyncio.run(watch())] == [start, start + 2]


@pytest.mark.usefixtures("restored")
def test_traceback_is_shown_with_the_ref_that_the_client_got(running: Development, workshop: Workshop) -> None:
    """What the client may not see, the developer does."""
    broken = (
        '    @distributed\n    def fail(self) -> None:\n        """Fail."""\n        raise KeyError("secret spot")\n\n'
    )
    workshop.replace(ACTOR, FIRST_METHOD, broken + FIRST_METHOD)
    endpoint = running.record()["endpoint"]

    def refused() -> str | None:
        try:
            _call(endpoint, "todos", "fail")
        except CallFailedError as error:
            return str(error) if "ref" in str(error) else None
        return None

    message = eventually(refused, seconds=READY_SECONDS, what="the failure")
    reference = message.split("(ref ")[1].rstrip(")")
    assert message == f"Internal error (ref {reference})"
    assert reference in running.says(reference)
    # It is printed line by line after the reference, the error last.
    assert "Traceback" in running.says("secret spot")


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(
    ("path", "old", "new", "text"),
    [
        ("trebuche.yaml", "memory: 1024", "memory: plenty", "memory"),
        (ACTOR, "class TodoList", "class class TodoList", "todo_list.py"),
    ],
)
def test_mistake_is_told_and_the_old_version_keeps_serving(
    running: Development, workshop: Workshop, path: str, old: str, new: str, text: str
) -> None:
    """A file that cannot be deployed is named; what was deployed before still answers."""
    mark = len(running.printed())
    workshop.replace(path, old, new)
    told = running.says("keeps serving", after=mark)
    assert "The deploy failed" in told
    assert text in told
    assert "Traceback" not in told
    assert _call(running.record()["endpoint"], "todos", "addTodo", "still there")["title"] == "still there"


def test_path_of_the_printed_commands_is_quoted(running: Development, workshop: Workshop) -> None:
    """The blanks and the quote of the path survive a shell."""
    first, *_ = _printed_commands(running)
    assert shlex.split(first)[0] == str(workshop.root / ".venv/bin/trebuche")
