"""A small project on disk, as the program finds one."""

from collections.abc import Mapping
from pathlib import Path

from infra.archives import Archive
from infra.function import LambdaFunction, LambdaFunctionArgs, Operation

CONFIG = """\
name: my-app
version: "1"
defaults:
  region: eu-west-1
  timeout: 20
actors:
  TodoList:
    memory: 1024
    stateful: true
  GameRoom:
    timeout: 10
"""
TODO_LIST = 'class TodoList(Actor[Todos], exposed_as="todos"):\n    """A shared list."""\n'
GAME_ROOM = 'from trebuche import Actor\n\n\nclass GameRoom(Actor, exposed_as="game"):\n    """A room."""\n'
SOURCES = {
    "__main__.py": "program",
    "infra/app.py": "components",
    "lambda_src/websocket_handler.py": "websocket",
    "lambda_src/actor_handler.py": "actor",
    "lambda_src/stream_processor.py": "stream",
    "lambda_src/authorizer_handler.py": "authorizer",
    "lambda_src/trebuche/__init__.py": "",
    "lambda_src/trebuche/gateway.py": "gateway",
    "lambda_src/trebuche/adapters/dynamodb.py": "dynamodb",
    "lambda_src/actors/__init__.py": "",
    "lambda_src/actors/rules.py": "helper = 1\n",
    "lambda_src/actors/todo_list.py": TODO_LIST,
    "lambda_src/actors/game_room.py": GAME_ROOM,
}


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def make_project(root: Path, config: str = CONFIG) -> Path:
    """A project with two actors, complete enough to be planned."""
    return write(root, {**SOURCES, "trebuche.yaml": config})


def small_function(name: str = "f", operation: Operation | None = None) -> LambdaFunction:
    """A function ``my-<name>`` that may do nothing."""
    args = LambdaFunctionArgs(
        function_name=f"my-{name}",
        handler="m.handle",
        archive=Archive(Path("f.zip"), "0"),
        memory_mb=128,
        timeout_seconds=1,
        operation=operation or Operation(log_retention_days=1),
        environment={},
        grants=(),
    )
    return LambdaFunction(name, args)
