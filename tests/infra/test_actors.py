"""Which actors there are, read from their source."""

from pathlib import Path

import pytest

from infra.actors import find_actors, match
from infra.config import AppConfig, load_config
from tests.infra.project import write
from trebuche.errors import ConfigError

CONFIG = 'name: my-app\nversion: "1"\nactors:\n  TodoList: {stateful: true}\n'


def config(folder: Path, text: str) -> AppConfig:
    """A configuration of this text."""
    return load_config(write(folder, {"trebuche.yaml": text}) / "trebuche.yaml")


def refusal(folder: Path, **files: str) -> list[str]:
    """The mistakes that some actor files are refused with."""
    write(folder, {f"{name}.py": content for name, content in files.items()})
    with pytest.raises(ConfigError) as refused:
        find_actors(folder)
    return str(refused.value).splitlines()


def test_classes_are_found_by_file_and_line(tmp_path: Path) -> None:
    """Actors are recognised however they name their base; other classes are no actors."""
    todo = 'import x\n\n\nclass Todo: ...\n\n\nclass TodoList(Actor[Todos], exposed_as="todos"): ...\n'
    game = 'class GameRoom(trebuche.Actor, exposed_as="game"): ...\nclass Chat(Base, exposed_as="chat"): ...\n'
    write(tmp_path, {"todo_list.py": todo, "game.py": game, "notes.txt": "class X(Actor): ...", "empty.py": ""})

    found = find_actors(tmp_path)

    assert [(one.name, one.exposed_as, one.reference, one.place) for one in found] == [
        ("GameRoom", "game", "actors.game:GameRoom", "lambda_src/actors/game.py:1"),
        ("Chat", "chat", "actors.game:Chat", "lambda_src/actors/game.py:2"),
        ("TodoList", "todos", "actors.todo_list:TodoList", "lambda_src/actors/todo_list.py:7"),
    ]


def test_source_is_read_and_not_run(tmp_path: Path) -> None:
    """An actor file that would fail on import is still understood."""
    write(tmp_path, {"a.py": 'raise SystemExit\nclass A(Actor, exposed_as="a"): ...\n'})

    assert [one.name for one in find_actors(tmp_path)] == ["A"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("x = 1\ny = = 2\n", "a.py:2: not valid Python: invalid syntax", id="syntax error"),
        pytest.param(
            "class A(Actor[S]): ...\n",
            'a.py:1: class A: exposed_as is missing; write class A(Actor[…], exposed_as="…")',
            id="no exposed_as",
        ),
        pytest.param(
            "class A(Actor, exposed_as=NAME): ...\n",
            "a.py:1: class A: exposed_as must be a text written out here; it is read, not run",
            id="exposed_as from a variable",
        ),
        pytest.param(
            "class A(Actor, exposed_as=7): ...\n",
            "a.py:1: class A: exposed_as must be a text written out here; it is read, not run",
            id="exposed_as that is no text",
        ),
        pytest.param(
            'class A(Actor, exposed_as="a/b"): ...\n',
            'a.py:1: class A: exposed_as: "a/b" is not allowed; it must be 1 to 64 letters, digits, hyphens and '
            "underscores",
            id="slash",
        ),
        pytest.param(
            'class A(Actor, exposed_as=""): ...\n',
            'a.py:1: class A: exposed_as: "" is not allowed; it must be 1 to 64 letters, digits, hyphens and '
            "underscores",
            id="empty",
        ),
        pytest.param(
            'class A(Actor, exposed_as="ping"): ...\n',
            'a.py:1: class A: exposed_as: "ping" is reserved for keeping connections open; choose another name',
            id="reserved",
        ),
        pytest.param(
            'def f():\n    class A(Actor, exposed_as="a"): ...\n',
            "a.py:2: class A: an actor must stand at the top level of its file",
            id="inside a function",
        ),
        pytest.param(
            'class A(Actor, exposed_as="a"): ...\nclass A(Actor, exposed_as="b"): ...\n',
            "a.py:2: class A is there twice (first in lambda_src/actors/a.py:1)",
            id="one class name twice",
        ),
    ],
)
def test_mistake_is_named(tmp_path: Path, source: str, message: str) -> None:
    """A mistake gives one line with file, line, class and what to write."""
    assert refusal(tmp_path, a=source) == [f"lambda_src/actors/{message}"]


def test_one_exposed_name_for_two_actors_is_refused(tmp_path: Path) -> None:
    """Two actors with one exposed name are named, both with their place."""
    found = refusal(
        tmp_path, a='class A(Actor, exposed_as="todos"): ...\n', b='class B(Actor, exposed_as="todos"): ...\n'
    )

    assert found == [
        'lambda_src/actors/b.py:1: class B: exposed_as: "todos" is taken by A (lambda_src/actors/a.py:1)',
    ]


def test_all_mistakes_are_listed(tmp_path: Path) -> None:
    """A broken file does not hide the mistakes of the others."""
    found = refusal(tmp_path, a="class A(Actor): ...\n", b="def\n", c='class C(Actor, exposed_as="?"): ...\n')

    assert [line.split(": ")[0] for line in found] == [f"lambda_src/actors/{name}.py:1" for name in "abc"]


def test_file_name_must_be_importable(tmp_path: Path) -> None:
    """A file that Python cannot import is refused with a name that it can."""
    write(tmp_path, {"todo-list.py": 'class A(Actor, exposed_as="a"): ...\n'})

    with pytest.raises(ConfigError, match=r'todo-list\.py cannot be imported; name it "todo_list\.py"'):
        find_actors(tmp_path)


def test_zero_bytes_are_refused(tmp_path: Path) -> None:
    """A binary file with Python's suffix is named."""
    (tmp_path / "a.py").write_bytes(b"\x00")

    with pytest.raises(ConfigError, match=r"^lambda_src/actors/a\.py.*: not valid Python: "):
        find_actors(tmp_path)


@pytest.mark.parametrize(
    ("actors", "sources", "messages"),
    [
        pytest.param(
            "TodoList: {}, TodoLst: {}",
            {"a.py": 'class TodoList(Actor, exposed_as="todos"): ...\n'},
            ['trebuche.yaml:3: actors.TodoLst: no class of this name in lambda_src/actors/; did you mean "TodoList"?'],
            id="no class, a near one",
        ),
        pytest.param(
            "Game: {}",
            {},
            ["trebuche.yaml:3: actors.Game: no class of this name in lambda_src/actors/; there are none"],
            id="no class at all",
        ),
        pytest.param(
            "",
            {"a.py": 'class TodoList(Actor, exposed_as="todos"): ...\n'},
            ["lambda_src/actors/a.py:1: class TodoList is not under actors in trebuche.yaml; add it there"],
            id="class that is not configured",
        ),
        pytest.param(
            "Todolist: {}",
            {"a.py": 'class TodoList(Actor, exposed_as="todos"): ...\n'},
            [
                "trebuche.yaml:3: actors.Todolist: no class of this name in lambda_src/actors/; "
                'did you mean "TodoList"?',
                "lambda_src/actors/a.py:1: class TodoList is not under actors in trebuche.yaml; "
                'did you mean "Todolist"?',
            ],
            id="both sides",
        ),
    ],
)
def test_file_and_classes_must_agree(tmp_path: Path, actors: str, sources: dict[str, str], messages: list[str]) -> None:
    """An actor that only one side knows is refused, with the nearest name of the other side."""
    loaded = config(tmp_path, f'name: my-app\nversion: "1"\nactors: {{{actors}}}\n')
    folder = write(tmp_path / "actors", sources)

    with pytest.raises(ConfigError) as refused:
        match(loaded, find_actors(folder))

    assert str(refused.value).splitlines() == messages


def test_file_and_classes_that_agree_pass(tmp_path: Path) -> None:
    """The same names on both sides are fine."""
    folder = write(tmp_path / "actors", {"a.py": 'class TodoList(Actor, exposed_as="todos"): ...\n'})
    actors = find_actors(folder)

    match(config(tmp_path, CONFIG), actors)

    assert len(actors) == 1
