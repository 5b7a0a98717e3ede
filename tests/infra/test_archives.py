"""What is uploaded, and the identity of a release."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.actors import find_actors
from infra.archives import Files, actor_files, pack, store, stream_files, websocket_files
from infra.plan import make_plan
from tests.infra.conftest import plan_project
from tests.infra.project import make_project, write


@pytest.fixture
def odd_umask() -> Iterator[None]:
    """Files made here are readable by their owner only."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def digests(root: Path) -> dict[str, str]:
    """sha256 of each built archive, by role, as the file has it."""
    plan = plan_project(root)
    read = {role: hashlib.sha256((root / one.path).read_bytes()).hexdigest() for role, one in plan.archives.items()}
    assert read == {role: one.sha256 for role, one in plan.archives.items()}
    return read


def digests_now(root: Path) -> dict[str, str]:
    """Digests of the archives of what is there now."""
    return {role: one.sha256 for role, one in make_plan(root, "dev", {}).archives.items()}


def actor_names(root: Path, name: str) -> set[str]:
    """Files of one actor's function."""
    actors = find_actors(root / "lambda_src/actors")
    [actor] = [one for one in actors if one.name == name]
    return set(actor_files(root / "lambda_src", actor, actors))


RUNTIME = {"trebuche/__init__.py", "trebuche/gateway.py", "trebuche/adapters/dynamodb.py"}


@pytest.mark.usefixtures("odd_umask")
def test_two_copies_build_the_same_bytes(tmp_path: Path) -> None:
    """Path, umask, times and leftovers of a checkout do not reach the archives."""
    first, second = make_project(tmp_path / "one"), make_project(tmp_path / "and another with spaces")
    write(second, {"lambda_src/trebuche/__pycache__/x.pyc": "x", "lambda_src/actors/.hidden": "x"})
    for file in second.rglob("*.py"):
        os.utime(file, (1, 1))
        file.chmod(0o755)

    built = digests(first)

    assert built == digests(second)
    assert set(built) == {"websocket", "stream-processor", "actor-todo-list", "actor-game-room"}
    assert plan_project(first).release == plan_project(second).release


def test_known_content_has_a_known_digest() -> None:
    """The format itself does not drift between versions of Python."""
    content = pack({"b.py": b"2", "a.py": b"1"})

    assert hashlib.sha256(content).hexdigest() == "e7bdb788d94a8de09b9fcf7e845a6031072b42c9eb009db68232fb3fe106fdbd"


def test_entries_are_plain() -> None:
    """Stored, sorted, of a fixed time, readable by everybody (Lambda runs as another user)."""
    with zipfile.ZipFile(io.BytesIO(pack({"b.py": b"2", "a.py": b"1"}))) as archive:
        entries = archive.infolist()

    assert [entry.filename for entry in entries] == ["a.py", "b.py"]
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_functions_hold_what_they_need(tmp_path: Path) -> None:
    """Each function has its entry point and the runtime; actors' code only where an actor runs."""
    source = make_project(tmp_path) / "lambda_src"

    assert set(websocket_files(source)) == RUNTIME | {"websocket_handler.py"}
    assert set(stream_files(source)) == RUNTIME | {"stream_processor.py"}
    assert actor_names(tmp_path, "TodoList") == RUNTIME | {
        "actor_handler.py",
        "actors/__init__.py",
        "actors/rules.py",
        "actors/todo_list.py",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "from actors.game_room import Player",
        "from actors import game_room",
        "import actors.game_room as g",
        "from .game_room import Player",
        "from . import game_room",
    ],
)
def test_imported_actor_comes_along(tmp_path: Path, statement: str) -> None:
    """An actor's module that another one imports is part of that one's function."""
    make_project(tmp_path)
    todo = tmp_path / "lambda_src/actors/todo_list.py"
    todo.write_text(f"{statement}\n{todo.read_text()}")

    assert "actors/game_room.py" in actor_names(tmp_path, "TodoList")
    assert "actors/todo_list.py" not in actor_names(tmp_path, "GameRoom")


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Roles whose archive is another one."""
    return {role for role in before if before[role] != after[role]}


def test_changed_actor_changes_its_own_archive_only(tmp_path: Path) -> None:
    """One byte in one actor leaves the other functions alone."""
    make_project(tmp_path)
    before = digests(tmp_path)
    sources = tmp_path / "lambda_src/actors/todo_list.py"
    sources.write_text(sources.read_text() + "#")

    assert changed(before, digests_now(tmp_path)) == {"actor-todo-list"}


def test_changed_runtime_changes_all(tmp_path: Path) -> None:
    """The runtime is part of every function."""
    make_project(tmp_path)
    before = digests(tmp_path)
    write(tmp_path, {"lambda_src/trebuche/gateway.py": "other"})

    assert changed(before, digests_now(tmp_path)) == set(before)


def test_stored_archive_is_written_once(tmp_path: Path) -> None:
    """An archive that is there already is left as it is, and nothing else is left beside it."""
    files: Files = {"a.py": b"1"}
    first = store(tmp_path, "websocket", files)
    stamp = (tmp_path / first.path).stat().st_ino

    second = store(tmp_path, "websocket", files)

    assert first == second
    assert first.path == Path(".trebuche/build/websocket.zip")
    assert (tmp_path / first.path).stat().st_ino == stamp
    assert [file.name for file in (tmp_path / ".trebuche/build").iterdir()] == ["websocket.zip"]


@pytest.mark.parametrize("name", ["lambda_src/actors/todo_list.py", "infra/app.py", "__main__.py", "trebuche.yaml"])
def test_release_changes_with_what_is_deployed(tmp_path: Path, name: str) -> None:
    """Code, program and configuration identify a release."""
    make_project(tmp_path)
    before = make_plan(tmp_path, "dev", {}).release
    file = tmp_path / name
    file.write_text(file.read_text() + "# changed\n")

    assert make_plan(tmp_path, "dev", {}).release != before


def test_release_is_the_same_on_every_stack(tmp_path: Path) -> None:
    """Stack files and what follows from the stage are not part of a release."""
    make_project(tmp_path)
    write(tmp_path, {"Pulumi.dev.yaml": "config: {}", "Pulumi.production.yaml": "config: {a:b: c}"})

    development = make_plan(tmp_path, "dev", {"trebuche:logRetentionDays": "1"}).release

    assert development == make_plan(tmp_path, "production", {}).release
