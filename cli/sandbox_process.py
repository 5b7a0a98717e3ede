"""Starting the sandbox: as a child that dies with us, or detached."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cli.checkout import command_line, record_folder
from sandbox.engine.locks import is_alive
from sandbox.errors import SandboxError
from sandbox.front.server import listen
from sandbox.record import SandboxRecord, clean_stale, load

_READY_SECONDS = 90.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05
_SHOWN_LOG_LINES = 15


def log_path(root: Path) -> Path:
    """Where the sandbox's own output goes."""
    return record_folder(root) / "sandbox.log"


def check_port(port: int | None) -> None:
    """Make sure that a wanted port can be had.

    Raises:
        SandboxError: Somebody else listens there.
    """
    if port is not None:
        listen(port).close()


@asynccontextmanager
async def attached(root: Path, port: int | None) -> AsyncIterator[tuple[SandboxRecord, asyncio.subprocess.Process]]:
    """Run the sandbox as a child that stops when this process ends, however it ends.

    Raises:
        SandboxError: It did not get ready.
    """
    with log_path(root).open("wb") as log:
        # In a session of its own: Ctrl-C is for this process, which then stops it in good order.
        process = await asyncio.create_subprocess_exec(
            *_command(port), "--parent-pipe", cwd=root, stdin=subprocess.PIPE,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield await asyncio.to_thread(_wait_until_ready, root, process.pid), process
    finally:
        await _stop(process)
        await asyncio.to_thread(clean_stale, root)


def start_detached(root: Path, port: int | None) -> SandboxRecord:
    """Start a sandbox that goes on when this process ends.

    Raises:
        SandboxError: It did not get ready, or the port is taken.
    """
    check_port(port)
    clean_stale(root)
    with log_path(root).open("wb") as log:
        process = subprocess.Popen(
            _command(port), cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    return _wait_until_ready(root, process.pid)


def take_over(root: Path) -> None:
    """Make way for a new sandbox: end what a killed run left, refuse to end what somebody started on purpose.

    Raises:
        SandboxError: A detached sandbox is running.
    """
    clean_stale(root)
    record = load(root)
    if record is None:
        return
    if not _belongs_to_a_run(record.pid):
        raise SandboxError(
            f"A sandbox is already running here (process {record.pid}); "
            f"stop it with `{command_line(root, 'sandbox', 'stop')}` first."
        )
    with suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    if not wait_until_gone(record.pid):
        os.kill(record.pid, signal.SIGKILL)
    clean_stale(root)


def _belongs_to_a_run(pid: int) -> bool:
    """Whether a sandbox was started by ``trebuche dev``: the caller holds its lock, so that run is dead."""
    try:
        return b"--parent-pipe" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def wait_until_gone(pid: int) -> bool:
    """Wait for a process that was told to stop; False when it is still there."""
    deadline = time.monotonic() + _STOP_SECONDS
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def last_words(root: Path) -> str:
    """Why a sandbox ended, in its own words: its error if it told one, else the last lines of its output."""
    try:
        lines = log_path(root).read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        with suppress(ValueError, TypeError, KeyError):
            return str(json.loads(line)["error"])
    return "\n".join(lines[-_SHOWN_LOG_LINES:])


def _command(port: int | None) -> list[str]:
    words = [sys.executable, "-m", "sandbox", "serve"]
    return words if port is None else [*words, "--port", str(port)]


def _wait_until_ready(root: Path, pid: int) -> SandboxRecord:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        record = load(root)
        # The record may be that of a sandbox before.
        if record is not None and record.pid == pid:
            return record
        if _has_ended(pid):
            raise SandboxError(f"The sandbox did not start: {last_words(root)}")
        time.sleep(_POLL_SECONDS)
    raise SandboxError(f"The sandbox was not ready within {_READY_SECONDS:g} s; its output is in {log_path(root)}.")


def _has_ended(pid: int) -> bool:
    """Whether a child has ended, without taking its exit code from whoever waits for it."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
