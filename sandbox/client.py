"""Start a sandbox from another program, and stop it."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from sandbox.errors import SandboxError
from sandbox.record import SandboxRecord, parse

CHECKOUT: Final = Path(__file__).resolve().parents[1]
STOP_SECONDS: Final = 10.0


class RunningSandbox:
    """A sandbox in a process of its own; it ends with this object's process, however that ends.

    A context manager: leaving it stops the sandbox.
    """

    def __init__(self, process: subprocess.Popen[str], record: SandboxRecord) -> None:
        self.process = process
        self.record = record

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def failure(self) -> str | None:
        """Why it ended on its own; None while it runs."""
        if self.process.poll() is None:
            return None
        return _error_of(self.process) or f"The sandbox ended with status {self.process.returncode}."

    def stop(self) -> None:
        """Stop it and wait until nothing of it runs any more."""
        if self.process.stdin is not None:
            # The end of its input is its order to stop, because it runs with --parent-pipe.
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(root: Path, *, port: int = 0, pulumi: bool = True, messages: IO[str] | int | None = None) -> RunningSandbox:
    """Start a sandbox and wait until it is ready.

    Args:
        root: The checkout; its ``.trebuche/`` is used.
        port: Of the AWS address; 0 takes a free one.
        pulumi: Also lay out what the Pulumi CLI needs.
        messages: Where its standard error goes; ours by default.

    Raises:
        SandboxError: It cannot start; the text says why.
    """
    command = [sys.executable, "-m", "sandbox", "serve", "--root", str(root), "--port", str(port), "--parent-pipe"]
    process = subprocess.Popen(
        command if pulumi else [*command, "--no-pulumi"],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=messages,
        text=True,
        # Ctrl-C is for the caller, who decides when the sandbox goes.
        start_new_session=True,
    )
    # The first line is the record of a running sandbox, or the reason why there is none.
    assert process.stdout is not None
    line = process.stdout.readline()
    record = parse(line)
    if record is not None:
        return RunningSandbox(process, record)
    process.wait()
    raise SandboxError(_read_error(line) or f"The sandbox ended with status {process.returncode} before it was ready.")


def _error_of(process: subprocess.Popen[str]) -> str | None:
    return _read_error(process.stdout.readline()) if process.stdout is not None else None


def _read_error(line: str) -> str | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    return None if error is None else str(error)
