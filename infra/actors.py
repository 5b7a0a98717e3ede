"""Which actors there are, learned by reading their source; nothing of it is imported or run."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infra.config import AppConfig
from infra.mistakes import nearest, show
from trebuche.errors import ConfigError

ACTORS_FOLDER = "lambda_src/actors"
RESERVED_NAMES = frozenset({"ping"})
"""Actions that never reach an actor: clients send them to keep a connection open."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME_RULE = "1 to 64 letters, digits, hyphens and underscores"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorClass:
    """An actor class as its source declares it."""

    name: str
    exposed_as: str
    module: str
    """Below the actors folder: ``todo_list``."""
    place: str
    """``lambda_src/actors/todo_list.py:12``."""

    @property
    def reference(self) -> str:
        """What the deployed function loads: ``actors.todo_list:TodoList``."""
        return f"actors.{self.module}:{self.name}"


@dataclass(slots=True)
class _Findings:
    actors: list[ActorClass] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


def find_actors(folder: Path) -> tuple[ActorClass, ...]:
    """The actor classes of a folder, by file and line.

    Raises:
        ConfigError: A file that does not parse, an ``exposed_as`` that is missing, not a plain text or not a valid
            name, two actors with one exposed name or one class name; one line each with file and line.
    """
    found = _Findings()
    for file in sorted(folder.glob("*.py")):
        _read(file, f"{ACTORS_FOLDER}/{file.name}", found)
    found.mistakes += _twice(found.actors)
    if found.mistakes:
        raise ConfigError("\n".join(found.mistakes))
    return tuple(found.actors)


def match(config: AppConfig, actors: tuple[ActorClass, ...]) -> None:
    """Hold trebuche.yaml against the classes.

    Raises:
        ConfigError: An actor that only one of the two knows; one line each.
    """
    classes = {actor.name: actor for actor in actors}
    mistakes = [
        f"{config.where('actors', name)}: actors.{name}: no class of this name in {ACTORS_FOLDER}/"
        f"{nearest(name, classes) or _known(classes)}"
        for name in config.actors
        if name not in classes
    ]
    mistakes += [
        f"{actor.place}: class {actor.name} is not under actors in trebuche.yaml"
        f"{nearest(actor.name, config.actors) or '; add it there'}"
        for actor in actors
        if actor.name not in config.actors
    ]
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def _known(classes: dict[str, ActorClass]) -> str:
    return f"; there are {', '.join(classes)}" if classes else "; there are none"


def _read(file: Path, shown: str, found: _Findings) -> None:
    try:
        # Bytes, so that a coding line in the file counts.
        tree = ast.parse(file.read_bytes(), filename=shown)
    except SyntaxError as error:
        found.mistakes.append(f"{shown}:{error.lineno or 1}: not valid Python: {error.msg}")
        return
    except ValueError as error:
        found.mistakes.append(f"{shown}: not valid Python: {error}")
        return
    # Nested classes, too: one that cannot be deployed is told of, not passed over.
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and _is_actor(node):
            place = f"{shown}:{node.lineno}"
            mistake = _mistake(node, file.stem, top_level=node in tree.body)
            if mistake:
                found.mistakes.append(f"{place}: class {node.name}: {mistake}")
            else:
                exposed = _exposed_name(node)
                found.actors.append(ActorClass(name=node.name, exposed_as=exposed, module=file.stem, place=place))


def _is_actor(node: ast.ClassDef) -> bool:
    # By name, since the source is not run: what the base really is shows when the function loads it.
    return _exposed(node) is not None or any(_base_name(base) == "Actor" for base in node.bases)


def _base_name(base: ast.expr) -> str:
    if isinstance(base, ast.Subscript):
        base = base.value
    if isinstance(base, ast.Attribute):
        return base.attr
    return base.id if isinstance(base, ast.Name) else ""


def _exposed(node: ast.ClassDef) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg == "exposed_as"), None)


def _exposed_name(node: ast.ClassDef) -> str:
    value = _exposed(node)
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _mistake(node: ast.ClassDef, module: str, *, top_level: bool) -> str | None:
    value = _exposed(node)
    if not top_level:
        return "an actor must stand at the top level of its file"
    if not module.isidentifier():
        return f'{module}.py cannot be imported; name it "{re.sub(r"[^a-z0-9]+", "_", module.lower())}.py"'
    if value is None:
        return f'exposed_as is missing; write class {node.name}(Actor[…], exposed_as="…")'
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return "exposed_as must be a text written out here; it is read, not run"
    if not _NAME.fullmatch(value.value):
        return f"exposed_as: {show(value.value)} is not allowed; it must be {_NAME_RULE}"
    if value.value in RESERVED_NAMES:
        return f"exposed_as: {show(value.value)} is reserved for keeping connections open; choose another name"
    return None


def _twice(actors: list[ActorClass]) -> Iterator[str]:
    names: dict[str, ActorClass] = {}
    exposed: dict[str, ActorClass] = {}
    for actor in actors:
        if actor.name in names:
            yield f"{actor.place}: class {actor.name} is there twice (first in {names[actor.name].place})"
        elif actor.exposed_as in exposed:
            other = exposed[actor.exposed_as]
            yield (
                f"{actor.place}: class {actor.name}: exposed_as: {show(actor.exposed_as)} is taken by {other.name} "
                f"({other.place})"
            )
        names.setdefault(actor.name, actor)
        exposed.setdefault(actor.exposed_as, actor)
