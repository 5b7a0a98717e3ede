"""The work of ``trebuche status``."""

from dataclasses import asdict
from typing import Any

from cli.health import HEALTHY, FunctionHealth, Health, examine
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.target import Target, deployed_target


def print_stack_status(output: Output, stack: PulumiStack) -> int:
    """Print how a deployed stack is; returns 1 when something is missing, not active, or in alarm.

    Raises:
        CommandError: The stack is not deployed, or AWS cannot be asked.
    """
    target = deployed_target(stack)
    with output.status("Asking AWS …"):
        health = examine(target)
    update = _last_update(stack)
    if output.as_json:
        output.document(_document(target, health, update))
    else:
        for line in _lines(target, health, update):
            output.line(line)
    output.note(f"Pulumi: {stack.command('stack', 'output')}")
    return OK if health.is_good else FAILED


def _last_update(stack: PulumiStack) -> dict[str, Any] | None:
    found = stack.last_update()
    return found and {
        "kind": found.get("kind"),
        "result": found.get("result"),
        "at": found.get("endTime") or found.get("startTime"),
    }


def _document(target: Target, health: Health, update: dict[str, Any] | None) -> dict[str, object]:
    outputs = target.deployment.outputs
    return {
        **target.describe(),
        "endpoint": outputs.get("wss_endpoint"),
        "release": outputs.get("release"),
        "update": update,
        "functions": [asdict(one) for one in health.functions],
        "tables": [asdict(one) for one in health.tables],
        "streams": [
            {"function": one.function, "state": one.state, "lastResult": one.last_result} for one in health.mappings
        ],
        "alarms": list(health.alarms),
        "healthy": health.is_good,
    }


def _lines(target: Target, health: Health, update: dict[str, Any] | None) -> list[str]:
    outputs = target.deployment.outputs
    last = f"{update['at']} ({update['kind']} {update['result']})" if update else "unknown"
    return [
        *target.lines(),
        f"Endpoint: {outputs.get('wss_endpoint') or 'none (websocket.enabled: false)'}",
        f"Release:  {str(outputs.get('release') or 'unknown')[:12]}",
        f"Updated:  {last}",
        "Functions:",
        *map(_function_line, health.functions),
        "Tables:",
        *(f"  {_mark(one.state)} {one.name}: {one.state}" for one in health.tables),
        *(["Streams:"] if health.mappings else []),
        *(
            f"  {_mark(one.state)} to {one.function}: {one.state}{f', last: {one.last_result}' * bool(one.last_result)}"
            for one in health.mappings
        ),
        *(["Alarms:"] if health.alarms else []),
        *(f"  ✗ {name}" for name in health.alarms),
    ]


def _function_line(one: FunctionHealth) -> str:
    size = f", {one.memory} MB, version {one.version}" if one.memory else ""
    return f"  {_mark(one.state)} {one.name}: {one.state}{size}"


def _mark(state: str) -> str:
    return "✓" if state in HEALTHY else "✗"
