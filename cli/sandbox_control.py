"""The work of ``trebuche sandbox clock``, ``faults`` and ``meter``: what the running sandbox is told and asked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cli.checkout import checkout_root, command_line
from cli.errors import UsageError
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


def print_faults(output: Output, at: str | None) -> int:
    """List the sandbox's faults; returns the exit code.

    Raises:
        SandboxError: No sandbox is running.
    """
    faults = running_sandbox(at).faults.describe()
    if output.as_json:
        output.document({"faults": faults})
        return OK
    width = max(len(fault["name"]) for fault in faults)
    for fault in faults:
        output.line(f"{fault['name']:{width}}  {'on ' if fault['set'] else 'off'}  {fault['description']}")
        output.line(f"{'':{width}}       {_details(fault)}", style="dim")
    return OK


def set_fault(output: Output, at: str | None, name: str, common: Mapping[str, Any], settings: Sequence[str]) -> int:
    """Switch a fault on; returns the exit code.

    Raises:
        SandboxError: No sandbox is running, or the fault cannot be set so.
        UsageError: A setting is not KEY=VALUE.
    """
    told: dict[str, Any] = dict(_setting(text) for text in settings)
    running_sandbox(at).faults.set(name, **common, **told)
    output.success(f"{name} is on.")
    return OK


def clear_faults(output: Output, at: str | None, name: str | None) -> int:
    """Switch one fault off, or all; returns the exit code.

    Raises:
        SandboxError: No sandbox is running, or there is no such fault.
    """
    running_sandbox(at).faults.clear(name)
    output.success(f"{name} is off." if name else "All faults are off.")
    return OK


def print_meter(output: Output, at: str | None) -> int:
    """Print what AWS would have billed for; returns the exit code.

    Raises:
        SandboxError: No sandbox is running.
    """
    reading = running_sandbox(at).meter.read()
    if output.as_json:
        output.document(reading)
        return OK
    lines = [
        (one["unit"], f"{one['amount']:,.6g}", one["resource"], one.get("cause", "per month"))
        for one in [*reading["counts"], *reading["standing"]]
    ]
    output.line(f"In {show_duration(reading['now'] - reading['since'])} of the sandbox's clock:")
    widths = [max((len(line[column]) for line in lines), default=0) for column in range(3)]
    for unit, amount, resource, cause in lines:
        output.line(f"{unit:{widths[0]}}  {amount:>{widths[1]}}  {resource:{widths[2]}}  {cause}")
    return OK


def reset_meter(output: Output, at: str | None) -> int:
    """Have the meter begin at zero; returns the exit code.

    Raises:
        SandboxError: No sandbox is running.
    """
    running_sandbox(at).meter.reset()
    output.success("The meter is at zero.")
    return OK


def _details(fault: Mapping[str, Any]) -> str:
    """What a fault takes, or how it is set."""
    how = fault["set"]
    if how is None:
        return " ".join([*(f"{key}=…" for key in fault["filters"]), *_pairs(fault["parameters"])])
    most = "" if how["count"] is None else f" of at most {how['count']}"
    told = " ".join([*_pairs(how["filters"]), *_pairs(how["parameters"])])
    return f"rate {how['rate']:g}, seed {how['seed']}, struck {how['taken']}{most} ({how['seen']} seen) {told}".rstrip()


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items()]


def _setting(text: str) -> tuple[str, str | float]:
    key, equals, value = text.partition("=")
    if not key or not equals or key in ("rate", "count", "seed"):
        raise UsageError(f"{text!r} is no KEY=VALUE such as table=todo-*; rate, count and seed are options.")
    try:
        return key, float(value) if key in ("seconds", "writes") else value
    except ValueError as error:
        raise UsageError(f"{text!r}: {key} is a number.") from error


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
