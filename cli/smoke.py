"""A few calls over the socket that say whether a stage works: what smoke.yaml lists, else a look at each actor type.

    - {actor: todos/smoke, method: addTodo, arguments: ["Milk"], expect: {title: Milk}}
    - {actor: todos/smoke, expect: {todos: []}}       # without a method: its state is observed

``expect`` is held against the answer: an object may have more members, anything else is equal. Without a file nothing
is called that could change something: each stateful actor type is observed, under an id of its own. A stack with
``auth`` is shown the token in TREBUCHE_TOKEN.
"""

import asyncio
import json
import os
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

import yaml

from cli.endpoint import TOKEN_VARIABLE, connected
from cli.errors import CommandError
from cli.output import Output
from infra.plan import PlannedActor
from trebuche_client import ClientError, TrebuchetClient

SMOKE_FILE: Final = "smoke.yaml"
STEP_SECONDS: Final = 30.0
_KEY: Final = "trebuche-smoke"
_MEMBERS: Final = frozenset({"actor", "method", "arguments", "expect"})
_WHOLE: Final = "state"
_OBSERVE: Final = "observeState"
_SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One call, or a look at a state."""

    actor: str
    method: str | None = None
    arguments: tuple[Any, ...] = ()
    expect: Any = field(default=None, hash=False)
    place: str = ""

    @property
    def target(self) -> str:
        """What travels as the target."""
        return self.method or _OBSERVE

    def __str__(self) -> str:
        return f"{self.actor} {self.target}"


class SmokeError(CommandError):
    """A stage does not answer as it should."""

    code = "smoke"


def read_steps(root: Path, actors: Iterable[PlannedActor]) -> list[Step]:
    """What to do.

    Raises:
        CommandError: smoke.yaml is there and is wrong; names the place.
    """
    path = root / SMOKE_FILE
    if not path.exists():
        return [Step(f"{one.declared.exposed_as}/{_KEY}") for one in actors if one.settings.stateful]
    try:
        document = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise CommandError(f"{SMOKE_FILE} is not YAML: {error}") from error
    if not isinstance(document, list):
        raise CommandError(f"{SMOKE_FILE}: it must be a list of steps, each with actor, and method or expect")
    return [_step(entry, f"{SMOKE_FILE}: step {number}") for number, entry in enumerate(document, start=1)]


def _step(entry: Any, place: str) -> Step:
    if not isinstance(entry, dict) or not isinstance(entry.get("actor"), str):
        raise CommandError(f"{place}: it must be a mapping with actor, such as {{actor: todos/smoke}}")
    if unknown := sorted(set(map(str, entry)) - _MEMBERS):
        raise CommandError(f"{place}: unknown key {unknown[0]}; allowed here: {', '.join(sorted(_MEMBERS))}")
    arguments = entry.get("arguments", [])
    if not isinstance(arguments, list):
        raise CommandError(f'{place}: arguments: it must be a list, such as ["Milk", 2]')
    return Step(entry["actor"], entry.get("method"), tuple(arguments), entry.get("expect"), place)


def run_smoke(output: Output, endpoint: str, steps: Iterable[Step]) -> float:
    """Do all steps; how many seconds they took.

    Raises:
        SmokeError: The first step that failed, and why.
    """
    started = monotonic()
    asyncio.run(_run(output, endpoint, list(steps)))
    return monotonic() - started


async def _run(output: Output, endpoint: str, steps: list[Step]) -> None:
    try:
        async with connected(endpoint, token=os.environ.get(TOKEN_VARIABLE)) as client:
            output.tell("  ✓ connected")
            for step in steps:
                await _do(client, step)
                output.tell(f"  ✓ {step}")
    except SmokeError:
        raise
    except CommandError as error:
        raise SmokeError(f"connecting failed: {error}") from error


async def _do(client: TrebuchetClient, step: Step) -> None:
    try:
        async with asyncio.timeout(STEP_SECONDS):
            answer = await _answer(client, step)
    except TimeoutError as error:
        raise SmokeError(f"{step}: no answer within {STEP_SECONDS:g} s") from error
    except ClientError as error:
        raise SmokeError(f"{step}: {error}") from error
    if not fits(step.expect, answer):
        shown = json.dumps(answer, ensure_ascii=False)[:_SHOWN_CHARACTERS]
        raise SmokeError(f"{step}: expected {json.dumps(step.expect, ensure_ascii=False)}, got {shown}")


async def _answer(client: TrebuchetClient, step: Step) -> Any:
    if step.method is None:
        async with aclosing(client.resolve(step.actor).observe(_WHOLE).values()) as values:
            async for value in values:
                return value.value
        raise SmokeError(f"{step}: the stream ended without a state")
    result = await client.call(step.actor, step.method, [json.dumps(one).encode() for one in step.arguments])
    return json.loads(result) if result else None


def fits(expected: Any, answer: Any) -> bool:
    """Whether an answer holds what was expected; None expects nothing."""
    if expected is None:
        return True
    if isinstance(expected, dict) and isinstance(answer, dict):
        return all(key in answer and fits(content, answer[key]) for key, content in expected.items())
    return bool(expected == answer)
