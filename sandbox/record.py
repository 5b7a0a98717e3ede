"""What is known about the running sandbox of a checkout, and how to get rid of one that was killed."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

from sandbox.engine.salts import remove_salts
from sandbox.errors import SandboxError

FOLDER: Final = ".trebuche"


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    """A running sandbox.

    Args:
        pid: The sandbox's process.
        emulator_pid: The emulator's process and process group.
        aws_endpoint: The one AWS address.
        emulator_endpoint: The emulator's own address.
        directory: Where the run keeps its files.
        started: Seconds since the epoch.
    """

    pid: int
    emulator_pid: int
    aws_endpoint: str
    emulator_endpoint: str
    directory: str
    started: float

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


def sandbox_directory(root: Path) -> Path:
    """The folder of a run; removed when it starts and when it ends."""
    return root.resolve() / FOLDER / "sandbox"


def record_path(root: Path) -> Path:
    """Where the record of the checkout's sandbox is."""
    return root.resolve() / FOLDER / "sandbox.json"


def write(root: Path, record: SandboxRecord) -> None:
    """Publish a record: readers see it whole or not at all."""
    path = record_path(root)
    draft = path.with_suffix(".new")
    draft.write_text(record.to_json() + "\n")
    draft.replace(path)


def parse(text: str) -> SandboxRecord | None:
    """A record from its JSON; None when it is not one."""
    try:
        return SandboxRecord(**json.loads(text))
    except (ValueError, TypeError):
        return None


def load(root: Path) -> SandboxRecord | None:
    """The record of the sandbox that runs in this checkout; None when there is none, or only a stale record."""
    try:
        record = parse(record_path(root).read_text())
    except OSError:
        return None
    return record if record is not None and _is_sandbox(record.pid) else None


def clean_stale(root: Path) -> list[int]:
    """End what a killed sandbox has left running and remove its files; a live one is left alone.

    Returns:
        The ids of the processes that were ended.
    """
    if load(root) is not None:
        return []
    ended = [pid for pid in _orphans(root) if _kill(pid)]
    record_path(root).unlink(missing_ok=True)
    remove_directory(root)
    return ended


def remove_directory(root: Path) -> None:
    """Remove a run's files, and what it left in the stack files."""
    # The salts first: which of them are this sandbox's stands in its state.
    remove_salts(root, sandbox_directory(root))
    shutil.rmtree(sandbox_directory(root), ignore_errors=True)


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the checkout's lock; it is released by the system however the process ends.

    Raises:
        SandboxError: Another sandbox runs in this checkout.
    """
    folder = root.resolve() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    # Opened without cutting it: until the lock is ours it holds its owner's number.
    with (folder / "sandbox.lock").open("a+") as lock:
        _take(lock)
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _take(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        pid = lock.read() or "unknown"
        raise SandboxError(f"A sandbox is already running in this checkout (process {pid}); stop it first.") from error


def _is_sandbox(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # The system may have given the number of a dead sandbox to another program.
    return b"sandbox" in command and b"serve" in command


def _orphans(root: Path) -> list[int]:
    """The emulator and its workers carry the run's folder as their home, and nothing else does."""
    mark = f"HOME={sandbox_directory(root) / 'emulator'}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
