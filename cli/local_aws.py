"""The work of ``trebuche sandbox …``."""

import os
import signal
import subprocess
from dataclasses import asdict
from pathlib import Path

from cli.checkout import STACK, checkout_root, command_line
from cli.dev.lock import holder
from cli.output import FAILED, OK, Output
from cli.sandbox_process import start_detached, wait_until_gone
from sandbox.environment import child_environment, pulumi_environment, shell_exports, unset_names
from sandbox.errors import SandboxError
from sandbox.record import SandboxRecord, clean_stale, load


def start_and_print(output: Output, port: int | None) -> int:
    """Start a detached sandbox; returns the exit code.

    Raises:
        SandboxError: One is running already, or it did not get ready.
    """
    root = checkout_root()
    if (record := load(root)) is not None:
        raise SandboxError(f"A sandbox is already running at {record.aws_endpoint} (process {record.pid}).")
    record = _start(root, port)
    output.success(f"Local AWS at {record.aws_endpoint} (process {record.pid}).")
    output.note(f'Use it with: eval "$({command_line(root, "sandbox", "env")})"')
    return OK


def _start(root: Path, port: int | None) -> SandboxRecord:
    """A detached sandbox with the stack that is meant for it, selected: `pulumi up` needs no further step."""
    record = start_detached(root, port)
    command = ["pulumi", "stack", "select", "--create", STACK, "--non-interactive"]
    environment = child_environment(root, record)
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SandboxError(f"Pulumi cannot make stack {STACK}:\n{result.stderr.strip() or result.stdout.strip()}")
    return record


def stop_and_print(output: Output) -> int:
    """Stop the detached sandbox; returns the exit code.

    Raises:
        SandboxError: It belongs to a running ``trebuche dev``, or does not stop.
    """
    root = checkout_root()
    if (owner := holder(root)) is not None:
        raise SandboxError(f"The sandbox belongs to `trebuche dev` (process {owner}); stop that with Ctrl-C.")
    record = load(root)
    clean_stale(root)
    if record is None:
        output.note("No sandbox is running.")
        return OK
    os.kill(record.pid, signal.SIGTERM)
    if not wait_until_gone(record.pid):
        raise SandboxError(f"The sandbox (process {record.pid}) does not stop; end it with: kill -9 {record.pid}")
    clean_stale(root)
    output.success("Stopped.")
    return OK


def print_status(output: Output) -> int:
    """Print where the sandbox is; returns 1 when none is running."""
    record = load(checkout_root())
    if output.as_json:
        output.document(None if record is None else {key: str(value) if key == "directory" else value
                                                     for key, value in asdict(record).items()})  # fmt: skip
    elif record is None:
        output.line("No sandbox is running.")
    else:
        output.line(f"Local AWS at {record.aws_endpoint} (process {record.pid}).")
    return FAILED if record is None else OK


def print_environment(output: Output) -> int:
    """Print shell commands that point Pulumi at the sandbox, starting one when none is running.

    Raises:
        SandboxError: It did not get ready.
    """
    root = checkout_root()
    record = load(root)
    if record is None:
        output.note("No sandbox is running; starting one in the background …")
        record = _start(root, None)
        output.success(f"Local AWS at {record.aws_endpoint}; stop it with: {command_line(root, 'sandbox', 'stop')}")
    if output.as_json:
        output.document({"set": pulumi_environment(root, record), "unset": unset_names()})
    else:
        output.line(shell_exports(root, record).rstrip())
    return OK
