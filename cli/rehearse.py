"""Ask code what it would make of samples and frames: the candidate here, a deployed version where it is."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.account import speaking_to_aws
from cli.errors import CommandError
from cli.samples import Sample
from infra.compatibility import Interface
from infra.plan import PlannedActor
from infra.type_changes import Side, declares
from trebuche.contract import REHEARSAL

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

Json = dict[str, Any]
Ask = Callable[[Json], Json]

_BATCH_CHARACTERS: Final = 2_000_000
"""Half of what an invocation takes may be quotes that JSON escapes (6 MB, Lambda quota)."""
_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Call:
    """A recorded call or observation.

    Args:
        actor_id: Whom it was for.
        target: The method, or ``observe…``.
        arguments: JSON documents.
        where: Where it was recorded: ``frames/staging.jsonl:12``.
    """

    actor_id: str
    target: str
    arguments: tuple[str, ...]
    where: str

    def __str__(self) -> str:
        return f"call of {self.actor_id} {self.target} ({self.where})"


@dataclass(frozen=True, slots=True)
class Break:
    """Something that is there already, and that the code does not understand.

    Args:
        name: By which it can be allowed.
        item: What was looked at.
        text: What is wrong with it.
    """

    name: str
    item: str
    text: str

    def __str__(self) -> str:
        return f"breaking: {self.name}: {self.item}: {self.text}"


def candidate(root: Path, actor: PlannedActor) -> Ask:
    """The code of this checkout, in a process of its own."""
    kept = "stateful" if actor.settings.stateful else "stateless"
    source = root / "lambda_src"

    def ask(request: Json) -> Json:
        done = subprocess.run(
            # Nothing is left behind (-B): what is held against a stack must not write into its own source.
            [sys.executable, "-B", "-m", "trebuche.rehearsal", f"{actor.declared.reference}={kept}"],
            input=json.dumps(request), cwd=source, capture_output=True, text=True, check=False, timeout=_SECONDS,
            env={**os.environ, "PYTHONPATH": str(source)},
        )  # fmt: skip
        if done.returncode:
            reason = (done.stderr.strip() or "no output").splitlines()[-1]
            raise CommandError(f"{actor.declared.place}: the class cannot be loaded: {reason}")
        answer: Json = json.loads(done.stdout)
        return answer

    return ask


class SilentVersionError(CommandError):
    """A published version cannot say what it makes of states and calls: it is broken, or too old to be asked."""


def version_of(client: "LambdaClient", function: str, version: str) -> Ask:
    """A published version, by invoking it."""

    def ask(request: Json) -> Json:
        with speaking_to_aws():
            answer = client.invoke(
                FunctionName=function, Qualifier=version, Payload=json.dumps({REHEARSAL: request}).encode()
            )
            document: Json = json.loads(answer["Payload"].read())
        if answer.get("FunctionError") or "states" not in document:
            raise SilentVersionError(
                f"{function} version {version} cannot say what it makes of stored states: {document}"
            )
        return document

    return ask


@dataclass(frozen=True, slots=True)
class Writer:
    """What runs, and so has stored the samples.

    Args:
        interface: What it declares; a member that it does not know either is nobody's loss. None when not known.
        ask: The running version; None when it cannot be asked.
    """

    interface: Interface | None = None
    ask: Ask | None = None


def find_breaks(ask: Ask, samples: Sequence[Sample], exposed: str, writer: Writer) -> list[Break]:
    """What of the samples the code does not understand, one of each name.

    Args:
        ask: The code.
        samples: Stored states of its actor type.
        exposed: The type's exposed name.
        writer: What has stored them; what it cannot read itself says nothing about other code.
    """
    found = [one for batch in _batches(samples) for one in _judge_states(ask, batch, exposed, writer)]
    return _one_of_each_name(found)


def find_refused(ask: Ask, running: Ask | None, calls: Sequence[Call], exposed: str) -> list[Break]:
    """What of the calls the code refuses although the running version takes it, one of each name.

    Recorded texts are masked, so that a call may be refused by both.
    """
    if not calls:
        return []
    request = {"calls": [{"target": one.target, "arguments": list(one.arguments)} for one in calls]}
    now = _asked(running, request, "calls") or [{"error": None}] * len(calls)
    found = [
        Break(f"{exposed}.{call.target}", str(call), answer["error"])
        for call, answer, today in zip(calls, ask(request)["calls"], now, strict=True)
        if answer["error"] and not today["error"]
    ]
    return _one_of_each_name(found)


def _judge_states(ask: Ask, batch: Sequence[Sample], exposed: str, writer: Writer) -> Iterator[Break]:
    answers = ask({"states": [one.request() for one in batch]})["states"]
    failed = [sample for sample, answer in zip(batch, answers, strict=True) if answer["error"]]
    damaged = _unreadable(writer.ask, failed)
    for sample, answer in zip(batch, answers, strict=True):
        if answer["error"] and sample not in damaged:
            yield Break(f"{exposed}.state", str(sample), answer["error"])
        for path in answer["lost"]:
            if _is_known(writer.interface, exposed, tuple(path)):
                name = "".join("[]" if isinstance(one, int) else f".{one}" for one in path)
                yield Break(
                    f"{exposed}.state{name}", str(sample), f"this release does not know the member {path[-1]!r}"
                )


def _one_of_each_name(found: Sequence[Break]) -> list[Break]:
    first: dict[str, Break] = {}
    for one in found:
        first.setdefault(one.name, one)
    return list(first.values())


def _unreadable(ask: Ask | None, samples: Sequence[Sample]) -> list[Sample]:
    if not samples:
        return []
    answers = _asked(ask, {"states": [one.request() for one in samples]}, "states") or [{"error": None}] * len(samples)
    return [sample for sample, answer in zip(samples, answers, strict=True) if answer["error"]]


def _asked(running: Ask | None, request: Json, part: str) -> list[Json]:
    """What the running version says; nothing when it cannot: what mends a broken release must get through the gate."""
    try:
        answers: list[Json] = running(request)[part] if running else []
    except SilentVersionError:
        return []
    return answers


def _is_known(writer: Interface | None, exposed: str, path: tuple[str | int, ...]) -> bool:
    if writer is None or exposed not in writer["actors"]:
        return True
    return declares(Side(writer["actors"][exposed]["state"], writer["types"]), path)


def _batches(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    batch: list[Sample] = []
    size = 0
    for sample in samples:
        if batch and size + len(sample.state) > _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
        batch.append(sample)
        size += len(sample.state)
    if batch:
        yield batch
