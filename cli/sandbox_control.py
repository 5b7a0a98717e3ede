"""The work of ``trebuche sandbox clock``: what the running sandbox is told."""

from datetime import UTC, datetime

from cli.checkout import checkout_root, command_line
from cli.output import OK, Output
from sandbox.durations import show_duration
from sandbox.errors import SandboxError
from sandbox.handle import Handle
from sandbox.record import load


def print_clock(output: Output, at: str | None) -> int:
    """Print the sandbox's clock; returns the exit code.

    Raises:
        SandboxError: No sandbox is running.
    """
    _show_clock(output, running_sandbox(at))
    return OK


def advance_clock(output: Output, at: str | None, duration: str) -> int:
    """Turn the sandbox's clock; returns the exit code.

    Raises:
        SandboxError: No sandbox is running, or the text is no duration.
    """
    running = running_sandbox(at)
    running.clock.advance(duration)
    _show_clock(output, running)
    return OK


def running_sandbox(at: str | None) -> Handle:
    """A handle on the sandbox at an address, or on the one of this checkout.

    Raises:
        SandboxError: None is running.
    """
    if at is not None:
        return Handle(at)
    root = checkout_root()
    record = load(root)
    if record is None:
        start = command_line(root, "sandbox", "start")
        raise SandboxError(f"No sandbox is running here; start one with `{start}` or with `trebuche dev`.")
    return Handle(record.aws_endpoint)


def _show_clock(output: Output, running: Handle) -> None:
    now, offset = running.clock.now(), running.clock.offset()
    if output.as_json:
        output.document({"now": now, "offset": offset})
        return
    ahead = f"{show_duration(offset)} ahead of real time" if offset else "real time"
    output.line(f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC, {ahead}.")
