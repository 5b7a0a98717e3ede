"""A release from stage to stage, what holds it up, and the way back: with ``trebuche`` and with Pulumi alone."""

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.loop.conftest import Aws, Local
from tests.loop.peer import Peer
from tests.loop.workshop import CHECKOUT, Done, Workshop

STAGES = ("dev", "staging", "production")
UP = ("up", "--yes", "--skip-preview", "--non-interactive")
KEPT = "todos/kept"
TODO_LIST = "lambda_src/actors/todo_list.py"
SMALL = """\
name: small
version: "1"
actors:
  TodoList:
    stateful: true
"""
LOUDER = ("title=_checked(title))", "title=_checked(title).upper())")
RENAMED = (
    ("todos: list[Todo]", "items: list[Todo]"),
    ("self.state.todos.append", "self.state.items.append"),
    ("self.state.todos.remove", "self.state.items.remove"),
    ("in self.state.todos if not", "in self.state.items if not"),
    ("len(self.state.todos)", "len(self.state.items)"),
    ("self.state.todos = open_todos", "self.state.items = open_todos"),
    ("in self.state.todos:", "in self.state.items:"),
)
MIGRATE = '''as ``todos/<name>``."""

    schema = 2

    @classmethod
    def migrate(cls, old: dict[str, list[Todo]]) -> dict[str, list[Todo]]:
        """Lists were called todos."""
        return {"items": old["todos"]}
'''


@dataclass(frozen=True)
class Stages:
    """A checkout of its own with a small application, and a sandbox with three stages of it."""

    local: Local

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.local.workshop.root

    def trebuche(self, *words: str, check: bool = True) -> Done:
        """Run a command in the shell that ``trebuche sandbox env`` makes."""
        return self.local.workshop.trebuche(*words, check=check, variables=self.local.environment)

    def pulumi(self, stage: str, *words: str, check: bool = True) -> Done:
        """Run a Pulumi command on a stage."""
        done: Done = self.local.pulumi(*words, "--stack", stage, check=check)
        return done

    def output(self, stage: str, name: str) -> Any:
        """One output of a stage."""
        return json.loads(self.pulumi(stage, "stack", "output", "--json").stdout)[name]

    def is_silent(self, stage: str) -> bool:
        """Whether a preview finds nothing to do."""
        done = self.pulumi(stage, "preview", "--expect-no-changes", "--non-interactive", check=False)
        return done.returncode == 0

    @contextmanager
    def edited(self, *changes: tuple[str, str], path: str = TODO_LIST) -> Iterator[None]:
        """The checkout with texts of a file replaced."""
        file = self.root / path
        before = file.read_text()
        for old, new in changes:
            self.local.workshop.replace(path, old, new)
        try:
            yield
        finally:
            file.write_text(before)

    def add(self, stage: str, title: str, actor: str = "todos/others") -> str:
        """Add a todo; the title that came back."""

        async def scenario() -> str:
            async with Peer.at(self.output(stage, "wss_endpoint")) as peer:
                return str((await peer.call(actor, "addTodo", title))["title"])

        return asyncio.run(scenario())


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """dev, staging and production, all with the first release; production promotes from staging, as it is shipped."""
    workshop = Workshop.create(tmp_path_factory.mktemp("promotion") / "checkout")
    (workshop.root / "trebuche.yaml").write_text(SMALL)
    (workshop.root / "lambda_src/actors/game_room.py").unlink()
    shutil.copy(CHECKOUT / "Pulumi.production.yaml", workshop.root)
    workshop.trebuche("sandbox", "start")
    try:
        environment = json.loads(workshop.trebuche("sandbox", "env", "--json").stdout)["set"]
        made = Stages(Local(workshop, environment, Aws(environment)))
        for stage in STAGES:
            made.pulumi(stage, "stack", "init", "--no-select")
        made.trebuche("deploy", "--stack", "dev", "--yes")
        made.trebuche("promote", "dev", "staging", "--yes")
        made.trebuche("promote", "staging", "production", "--yes")
        yield made
    finally:
        workshop.trebuche("sandbox", "stop")


@pytest.fixture
def first(stages: Stages) -> Iterator[Stages]:
    """The stages; afterwards each runs the first release again."""
    before = {stage: stages.output(stage, "release") for stage in STAGES}
    files = {stage: stages.root / f"Pulumi.{stage}.yaml" for stage in STAGES}
    contents = {stage: file.read_bytes() for stage, file in files.items() if file.exists()}
    yield stages
    for stage, file in files.items():
        file.unlink(missing_ok=True)
        if stage in contents:
            file.write_bytes(contents[stage])
        if stages.output(stage, "release") != before[stage]:
            stages.pulumi(stage, *UP)


def test_one_digest_goes_through_all_stages(stages: Stages) -> None:
    """What was deployed to dev is, byte for byte, what staging and production run."""
    assert len({stages.output(stage, "release") for stage in STAGES}) == 1
    # By their aliases: after a rollback $LATEST is what was taken back.
    running = (stages.output(stage, "functions")["actor-todo-list"] for stage in STAGES)
    functions = stages.local.aws.functions
    digests = [functions.get_function_configuration(FunctionName=alias)["CodeSha256"] for alias in running]
    assert len(set(digests)) == 1


def test_release_that_is_not_in_staging_is_refused_by_plain_up(first: Stages) -> None:
    """``up`` changes nothing and says which release staging runs; a preview works and warns."""
    before = first.output("production", "release")
    with first.edited(LOUDER):
        preview = first.pulumi("production", "preview", "--non-interactive")
        refused = first.pulumi("production", *UP, check=False)
        promoted = first.trebuche("promote", "staging", "production", "--yes", check=False)

    assert "pulumi up will refuse this: stack production takes only the release that runs on staging" in preview.stdout
    assert refused.returncode != 0
    assert f"which is {before[:12]}" in refused.stdout + refused.stderr
    assert "updated" not in refused.stdout
    assert promoted.returncode == 1
    assert "Deploy it there first" in promoted.stderr
    assert first.output("production", "release") == before


def test_missing_source_only_warns(first: Stages) -> None:
    """A stage whose source does not exist is deployed, with a warning."""
    first.pulumi("dev", "config", "set", "trebuche:promotesFrom", "nowhere")
    with first.edited(LOUDER):
        done = first.pulumi("dev", *UP)
        release = first.output("dev", "release")

    assert "there is no stack nowhere" in done.stdout + done.stderr
    assert release != first.output("production", "release")


def test_renamed_field_is_refused_with_the_item_and_passes_with_migrate(first: Stages) -> None:
    """Without a migration the stored list would be lost; with one it is all there under its new name."""
    first.add("production", "Milk", KEPT)
    try:
        with first.edited(*RENAMED):
            first.trebuche("deploy", "--stack", "staging", "--yes")
            refused = first.trebuche("promote", "staging", "production", "--yes", check=False)
        with first.edited(*RENAMED, ('as ``todos/<name>``."""\n', MIGRATE)):
            first.trebuche("deploy", "--stack", "staging", "--yes")
            passed = first.trebuche("promote", "staging", "production", "--yes")
            first.add("production", "Bread", KEPT)
            back = first.trebuche("rollback", "production", "--yes", check=False)
            state = asyncio.run(_state(first.output("production", "wss_endpoint"), KEPT))
    finally:
        _forget_everything(first)

    assert refused.returncode == 1
    assert re.search(r"breaking: todos\.state\.todos: state of todos/\w+, version \d+ \(schema 1\)", refused.stderr)
    assert "declared: todos.state has schema 2 instead of 1" in passed.stderr
    assert [item["title"] for item in state["items"]] == ["Milk", "Bread"]
    assert back.returncode == 1
    assert "stored under schema 2, and this code knows 1" in back.stderr


async def _state(endpoint: str, actor: str) -> Any:
    async with Peer.at(endpoint) as peer:
        return (await (await peer.observe(actor)).until(1))[0]


def _forget_everything(stages: Stages) -> None:
    """The first release cannot read what the second one stored."""
    for stage in ("staging", "production"):
        stages.local.aws.dynamodb.delete_item(
            TableName=stages.output(stage, "state_table"), Key={"actorId": {"S": KEPT}}
        )
        stages.pulumi(stage, "config", "set", "--path", "trebuche:allowBreaking[0]", "todos")
        stages.pulumi(stage, "config", "rm", "trebuche:promotesFrom")
        stages.pulumi(stage, *UP)


def test_failing_smoke_call_goes_back_by_itself(first: Stages) -> None:
    """The release before runs again, the command says so and fails, and a preview is silent."""
    before = first.output("production", "release")
    smoke = first.root / "smoke.yaml"
    with first.edited(LOUDER):
        first.trebuche("deploy", "--stack", "staging", "--yes")
        smoke.write_text("- {actor: todos/smoke, method: addTodo, arguments: [Milk], expect: {title: Milk}}\n")
        failed = first.trebuche("promote", "staging", "production", "--yes", check=False)
        smoke.unlink()
        title = first.add("production", "quiet")
        silent = first.is_silent("production")
        release = first.output("production", "release")

    assert failed.returncode == 1
    assert 'todos/smoke addTodo: expected {"title": "Milk"}, got' in failed.stderr
    assert "Went back by itself" in failed.stderr
    assert (title, release, silent) == ("quiet", before, True)


def test_rollback_while_a_socket_observes(first: Stages) -> None:
    """The socket stays open and gets the next change from the older code; preview and the way forward are plain."""

    async def scenario() -> tuple[list[str], int]:
        async with Peer.at(first.output("production", "wss_endpoint")) as peer:
            stream = await peer.observe("todos/live")
            await peer.call("todos/live", "addTodo", "loud")
            await stream.until_true(lambda values: len(values[-1:]) and values[-1]["todos"])
            await asyncio.to_thread(first.trebuche, "rollback", "production", "--yes")
            await peer.call("todos/live", "addTodo", "quiet")
            values = await stream.until_true(lambda values: len(values[-1]["todos"]) == 2)
            return [todo["title"] for todo in values[-1]["todos"]], len(stream.numbers)

    before = first.output("production", "release")
    with first.edited(LOUDER):
        first.trebuche("deploy", "--stack", "staging", "--yes")
        first.trebuche("promote", "staging", "production", "--yes")
        titles, frames = asyncio.run(scenario())
        rolled_back = first.output("production", "release")
        silent = first.is_silent("production")
        first.trebuche("rollback", "production", "--undo", "--yes")
        forward = first.add("production", "forward")

    assert titles == ["LOUD", "quiet"]
    assert frames == 3
    assert (rolled_back, silent) == (before, True)
    assert forward == "FORWARD"


def test_of_two_people_one_wins_and_the_other_is_told(first: Stages) -> None:
    """The second one learns who deploys, and that nothing was changed by them."""
    locks = Path(first.local.environment["PULUMI_BACKEND_URL"].removeprefix("file://").replace("%20", " "))
    folder = locks / ".pulumi/locks/organization/trebuche/dev"
    folder.mkdir(parents=True, exist_ok=True)
    lock = {"pid": 4242, "username": "ada", "hostname": "desk", "timestamp": "2026-03-04T09:15:00Z"}
    held = folder / "0a1b.json"
    held.write_text(json.dumps(lock))
    try:
        done = first.trebuche("deploy", "--stack", "dev", "--yes", check=False)
    finally:
        held.unlink()

    assert done.returncode == 1
    assert "Somebody else is deploying this stack right now (ada@desk, process 4242" in done.stderr
    assert "You changed nothing" in done.stderr
