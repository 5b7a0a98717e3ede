"""Whether a stack may take a release: it runs in the stage before, and those who are there already understand it.

Only a stack that names ``promotesFrom`` is held to it: where actors are still being written, methods come and go. Only
``up`` refuses; a preview warns of the same, so that it can always be looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.automation import LocalWorkspace

from infra.compatibility import breaking, differences
from infra.interface import read_interface
from infra.plan import Plan
from infra.releases import SHORT, Release, interface_of, read_releases
from trebuche.errors import ConfigError

Outputs = Mapping[str, Any]
_READ = frozenset({"release", "releases", "interfaces"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is about to be deployed.

    Args:
        stack: Where to.
        release: Its digest.
        interface: What its actors look like; None when that is not known.
        source: The stack that it must run on first; None without ``promotesFrom``.
        allowed: Names of breaking differences that are meant.
    """

    stack: str
    release: str
    interface: Any
    source: str | None = None
    allowed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the program knows of its stack before it deploys: its outputs so far, and whether it may go on."""

    outputs: pulumi.Output[Outputs]
    interface: Any = field(default=None)

    @property
    def releases(self) -> pulumi.Output[tuple[Release, ...]]:
        """The releases so far, newest first."""
        return self.outputs.apply(lambda outputs: read_releases(outputs.get("releases")))

    @property
    def interfaces(self) -> pulumi.Output[Mapping[str, str]]:
        """What the newest of them look like."""
        return self.outputs.apply(lambda outputs: dict(outputs.get("interfaces") or {}))


def objections(candidate: Candidate, own: Outputs, source: Outputs) -> list[str]:
    """Why a release must not be deployed; empty when it may. Pure.

    Args:
        candidate: The release.
        own: The stack's outputs; empty before its first deployment.
        source: Those of the stack that it promotes from.
    """
    # What runs here already breaks nobody, whatever runs in the stage before by now.
    if candidate.source is None or own.get("release") == candidate.release:
        return []
    found = []
    running = source.get("release")
    if running is not None and running != candidate.release:
        found.append(
            f"stack {candidate.stack} takes only the release that runs on {candidate.source} (trebuche:promotesFrom), "
            f"which is {running[:SHORT]}; this program is {candidate.release[:SHORT]}. "
            f"Deploy it to {candidate.source} first"
        )
    before = interface_of(own.get("interfaces"), own.get("release"))
    if before is not None and candidate.interface is not None:
        found += [
            f"{one}. Keep it understood (docs/promotion.md), or add {one.name} to trebuche:allowBreaking"
            for one in breaking(differences(before, candidate.interface), candidate.allowed)
        ]
    return found


def examine(root: Path, plan: Plan) -> Standing:
    """Read the stack's own outputs and its source's, and hold the release against them.

    What depends on the outputs waits for the verdict; on ``up`` an objection ends the program there.
    """
    interface = _interface(root, plan)
    settings = plan.stack.trebuche
    candidate = Candidate(
        stack=plan.names.stack,
        release=plan.release,
        interface=interface,
        source=settings.promotesFrom,
        allowed=settings.allowBreaking,
    )

    def judge(both: Sequence[Outputs]) -> Outputs:
        own, source = both
        # A rollback brings back what clients have met already.
        if plan.pin is None:
            _tell(objections(candidate, own, source))
        return own

    own = _outputs_of(plan.names.stack)
    return Standing(pulumi.Output.all(own, _source(root, settings.promotesFrom)).apply(judge), interface)


def _tell(found: Sequence[str]) -> None:
    if found and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError("\n".join(found))
    for one in found:
        pulumi.log.warn(f"pulumi up will refuse this: {one}")


def _interface(root: Path, plan: Plan) -> Any:
    try:
        return read_interface(root, plan.actors)
    except ConfigError as error:
        pulumi.log.warn(f"{error}; whether clients and stored states understand this release is not known")
        return None


def _source(root: Path, name: str | None) -> pulumi.Input[Outputs]:
    """Outputs of the stack to promote from; a reference to one that is not there would fail every preview."""
    if name is None:
        return {}
    short = name.rsplit("/", 1)[-1]
    if not any(one.name.rsplit("/", 1)[-1] == short for one in LocalWorkspace(work_dir=str(root)).list_stacks()):
        pulumi.log.warn(f"trebuche:promotesFrom: there is no stack {name}, so nothing is known of its release")
        return {}
    return _outputs_of(name)


def _outputs_of(stack: str) -> pulumi.Output[Outputs]:
    """A stack's outputs, its own as they are before this deployment."""
    name = stack if "/" in stack else f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    return without_secrets(pulumi.StackReference(f"{stack.rsplit('/', 1)[-1]}-stack", stack_name=name).outputs)


def without_secrets(outputs: pulumi.Output[Outputs | None]) -> pulumi.Output[Outputs]:
    """What a promotion reads of a stack's outputs, in plain text.

    One secret among the outputs makes all that is read with it a secret: without this, so would ``releases`` be, which
    nobody could read then.
    """
    return pulumi.Output.unsecret(outputs).apply(
        lambda found: {key: value for key, value in (found or {}).items() if key in _READ}
    )
