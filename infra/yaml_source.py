"""A YAML file as plain values, with the line of every key.

PyYAML keeps the last of two equal keys and says nothing; here the second one is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from trebuche.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the root of a document to a value."""


@dataclass(frozen=True, slots=True)
class YamlSource:
    """What a file says and where it says it."""

    name: str
    """File name as messages show it."""
    values: object
    lines: Mapping[KeyPath, int]
    """1-based line of each key or list item."""

    def line(self, path: KeyPath) -> int:
        """Line of a key, or of the nearest section above it that is in the file; 0 when there is none."""
        known = (path[:length] for length in range(len(path), 0, -1))
        return next((self.lines[part] for part in known if part in self.lines), 0)

    def where(self, path: KeyPath) -> str:
        """``file:line``, or the file alone when nothing of the path is in it."""
        line = self.line(path)
        return f"{self.name}:{line}" if line else self.name


def read_yaml(path: Path) -> YamlSource:
    """Read one document.

    Raises:
        ConfigError: The file is missing, not UTF-8, not YAML, uses an alias or a key that is not text, or names a
            key twice; with file, line and column.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path.name}: cannot be read ({error.strerror}: {path})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name}: not UTF-8 text (byte {error.start})") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(path.name, root)) if root else {}
        # Read twice, because the loader of values forgets the lines.
        return YamlSource(path.name, yaml.safe_load(text), lines)
    except yaml.YAMLError as error:
        raise ConfigError(_explain(path.name, error)) from error


def _explain(name: str, error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{name}:{mark.line + 1}:{mark.column + 1}: not valid YAML: {error.problem}"
    return f"{name}: not valid YAML: {' '.join(str(error).split())}"


def _lines(name: str, root: yaml.Node) -> Iterator[tuple[KeyPath, int]]:
    """Walk the tree; an alias shows as a node that comes twice, and is refused (it may contain itself)."""
    seen: set[int] = set()
    waiting: list[tuple[yaml.Node, KeyPath]] = [(root, ())]
    while waiting:
        node, path = waiting.pop()
        if id(node) in seen:
            raise ConfigError(f"{_at(name, node)}: anchors and aliases are not supported; write the value out")
        seen.add(id(node))
        for child, place, line in _children(name, node, path):
            yield place, line
            waiting.append((child, place))


def _at(name: str, node: yaml.Node) -> str:
    return f"{name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _children(name: str, node: yaml.Node, path: KeyPath) -> list[tuple[yaml.Node, KeyPath, int]]:
    if isinstance(node, yaml.SequenceNode):
        return [(item, (*path, at), item.start_mark.line + 1) for at, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return []
    first: dict[str, int] = {}
    children = []
    for key, value in node.value:
        line = key.start_mark.line + 1
        # To YAML `on` and `yes` are flags, and 1 is a number.
        if key.tag != "tag:yaml.org,2002:str":
            written = key.value if isinstance(key, yaml.ScalarNode) else "this key"
            raise ConfigError(f"{_at(name, key)}: {written} is not a text key; put it in quotes")
        if key.value in first:
            raise ConfigError(f"{_at(name, key)}: {key.value} is there twice (first on line {first[key.value]})")
        first[key.value] = line
        children.append((value, (*path, key.value), line))
    return children
