"""What is uploaded: one archive per function, byte for byte the same wherever it is built.

Stored, not deflated, because two versions of zlib may compress the same bytes differently; names sorted, times and
modes fixed, because a checkout's are an accident.
"""

import ast
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.actors import ActorClass
from trebuche.contract import ACTOR_HANDLER, AUTHORIZER_HANDLER, STREAM_HANDLER, WEBSOCKET_HANDLER

BUILD_FOLDER = Path(".trebuche", "build")

_RUNTIME = "trebuche"
_ACTORS = "actors"
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that the format knows."""
_MODE = 0o100644 << 16
_UNIX = 3
_NOT_DEPLOYED = frozenset({"__pycache__"})

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Archive:
    """A built archive."""

    path: Path
    """Relative to the project's folder, so that no machine's paths get into the stack's state."""
    sha256: str


def pack(files: Files) -> bytes:
    """A zip that depends on names and contents only."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            # Python notes here which system it runs on.
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def store(root: Path, role: str, files: Files) -> Archive:
    """Write the archive of one function, in one step, so that a build that runs beside sees all of it or none."""
    content = pack(files)
    digest = hashlib.sha256(content).hexdigest()
    path = BUILD_FOLDER / f"{role}.zip"
    target = root / path
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{role}.{digest[:12]}.part")
        fresh.write_bytes(content)
        fresh.replace(target)
    return Archive(path, digest)


def websocket_files(source: Path) -> Files:
    """The WebSocket function: its entry point and the runtime."""
    return _entry(source, WEBSOCKET_HANDLER) | _tree(source, _RUNTIME)


def stream_files(source: Path) -> Files:
    """The stream processor: its entry point and the runtime; it knows no user's code."""
    return _entry(source, STREAM_HANDLER) | _tree(source, _RUNTIME)


def authorizer_files(source: Path) -> Files:
    """The authorizer: its entry point and the runtime."""
    return _entry(source, AUTHORIZER_HANDLER) | _tree(source, _RUNTIME)


def actor_files(source: Path, actor: ActorClass, actors: Iterable[ActorClass]) -> Files:
    """An actor's function: entry point, runtime, the actor's module, what it imports, and what no actor owns.

    Other actors' modules stay out, so that a change in one actor leaves the others' functions alone.
    """
    own = _needed({one.module for one in actors}, source / _ACTORS, actor.module)
    owned = {f"{_ACTORS}/{one.module}.py" for one in actors if one.module not in own}
    code = {name: content for name, content in _tree(source, _ACTORS).items() if name not in owned}
    return _entry(source, ACTOR_HANDLER) | _tree(source, _RUNTIME) | code


def _entry(source: Path, handler: str) -> dict[str, bytes]:
    name = f"{handler.partition('.')[0]}.py"
    return {name: (source / name).read_bytes()}


def _tree(source: Path, folder: str) -> dict[str, bytes]:
    return {
        file.relative_to(source).as_posix(): file.read_bytes()
        for file in sorted((source / folder).rglob("*"))
        if file.is_file() and _deployed(file.relative_to(source))
    }


def _deployed(path: Path) -> bool:
    hidden = any(part.startswith(".") or part in _NOT_DEPLOYED for part in path.parts)
    return not hidden and path.suffix != ".pyc"


def _needed(modules: set[str], folder: Path, start: str) -> set[str]:
    """The actor modules that one of them imports, itself among them."""
    reached = {start}
    waiting = [start]
    while waiting:
        tree = ast.parse((folder / f"{waiting.pop()}.py").read_bytes())
        fresh = (set(_imports(tree)) & modules) - reached
        reached |= fresh
        waiting += fresh
    return reached


def _imports(tree: ast.Module) -> Iterator[str]:
    """First name below ``actors`` of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # A relative import is one from the actors: their modules lie side by side.
            package = f"{_ACTORS}.{node.module or ''}" if node.level else node.module or ""
            dotted = [package.rstrip("."), *(f"{package.rstrip('.')}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in dotted:
            parts = name.split(".")
            if parts[0] == _ACTORS and len(parts) > 1:
                yield parts[1]


def release_of(root: Path, archives: Iterable[Archive]) -> str:
    """Identity of a release: what runs, and the program that deploys it; stack files are not part of it."""
    digest = hashlib.sha256()
    for archive in sorted(archives, key=lambda one: one.path.name):
        digest.update(f"{archive.path.name} {archive.sha256}\n".encode())
    for name in _program(root):
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()


def _program(root: Path) -> list[PurePosixPath]:
    sources = [*(root / "infra").rglob("*.py"), root / "__main__.py", root / "trebuche.yaml"]
    return sorted(PurePosixPath(file.relative_to(root).as_posix()) for file in sources)
