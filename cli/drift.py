"""The work of ``trebuche status --drift``: what AWS has now, held against what was deployed."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from cli.errors import CommandError
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.target import Target, deployed_target

Json = dict[str, Any]

_GONE: Final = "delete"
_WIDTH: Final = 200
"""Characters of a value that are shown to people."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A property that is no longer as it was deployed."""

    property: str
    deployed: object
    now: object


@dataclass(frozen=True, slots=True)
class Drifted:
    """A resource that somebody changed, or removed, behind Pulumi's back."""

    type: str
    name: str
    gone: bool
    differences: tuple[Difference, ...]


def print_drift(output: Output, stack: PulumiStack) -> int:
    """Print what differs; returns 1 when anything does.

    Raises:
        CommandError: The stack is not deployed, or its resources cannot be read.
    """
    target = deployed_target(stack)
    with output.status("Reading every resource back …"):
        run = stack.look("refresh", "--preview-only")
    if not run.ok:
        raise CommandError(f"The stack's resources cannot be read: {run.text}")
    found = list(drift(run.events))
    if output.as_json:
        output.document({**target.describe(), "drift": [asdict(one) for one in found]})
    else:
        _print(output, target, found)
    output.note(f"Pulumi: {stack.command('refresh', '--preview-only', '--diff')}")
    return FAILED if found else OK


def drift(events: Iterable[Json]) -> Iterator[Drifted]:
    """The resources that differ, out of the event log of a refresh that changes nothing."""
    for event in events:
        step = (event.get("resOutputsEvent") or {}).get("metadata") or {}
        old, new = step.get("old") or {}, step.get("new") or {}
        if not str(step.get("type", "")).startswith("aws:"):
            continue
        gone = step.get("op") == _GONE or not new
        differences = () if gone else tuple(_differences(old.get("outputs") or {}, new.get("outputs") or {}))
        # Where the engine sees no update, only what no program sets has moved.
        if gone or (differences and step.get("op") == "update"):
            name = (old.get("inputs") or {}).get("name") or old.get("id") or str(step.get("urn")).rsplit("::", 1)[-1]
            yield Drifted(str(step["type"]).rsplit(":", 1)[-1], str(name), gone, differences)


def _differences(old: Json, new: Json) -> Iterator[Difference]:
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield Difference(key, old.get(key), new.get(key))


def _print(output: Output, target: Target, found: list[Drifted]) -> None:
    for line in target.lines():
        output.line(line)
    if not found:
        output.result("AWS has what was deployed.")
    for one in found:
        output.line(f"✗ {one.type} {one.name}{': it is gone' if one.gone else ''}", style="bold red")
        for difference in one.differences:
            output.line(f"    {difference.property}: {_short(difference.deployed)} → {_short(difference.now)}")
    if found:
        output.note(f"`{target.stack.command('up', '--refresh')}` puts it back as the program says.")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
