"""Whether a release understands those who are there already: clients by their calls, actors by their stored states."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from cli.account import CLIENT_CONFIG
from cli.deployment import function_name
from cli.errors import CommandError
from cli.output import Output
from cli.rehearse import Ask, Break, Call, Writer, candidate, find_breaks, find_refused, version_of
from cli.releases import Deployed
from cli.samples import take_samples
from cli.target import Target
from infra.compatibility import Difference, Kind, differences, is_allowed
from infra.interface import read_interface
from infra.plan import Plan, PlannedActor
from infra.releases import Release
from trebuche.errors import ConfigError
from trebuche.received import exposed_name


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, and what came of it."""

    differences: tuple[Difference, ...]
    breaks: tuple[Break, ...]
    samples: int
    calls: int
    allowed: Collection[str]
    damaged: tuple[str, ...] = ()
    """Items that no release can read; they hold nothing up."""

    @property
    def refused(self) -> list[str]:
        """What breaks and was not allowed, in words; an item that breaks stands for the difference that explains it."""
        shown = {one.name for one in self.breaks}
        differing = [one for one in self.differences if one.kind is Kind.BREAKING and one.name not in shown]
        named = [(one.name, str(one)) for one in self.breaks] + [(one.name, str(one)) for one in differing]
        return [text for name, text in named if not is_allowed(name, self.allowed)]

    def describe(self) -> dict[str, Any]:
        """For programs."""
        return {
            "samples": self.samples,
            "calls": self.calls,
            "differences": [{"name": one.name, "kind": one.kind, "text": one.text} for one in self.differences],
            "breaks": [{"name": one.name, "item": one.item, "text": one.text} for one in self.breaks],
            "damaged": list(self.damaged),
            "refused": self.refused,
        }

    def print(self, output: Output) -> None:
        """For people."""
        output.tell(f"Gate:     {self.samples} stored states and {self.calls} calls tried")
        for one in self.damaged:
            output.tell(f"  ! {one}: no release can read it")
        for difference in self.differences:
            output.tell(f"  {_mark(difference.kind)} {difference}")
        for broken in self.breaks:
            output.tell(f"  ✗ {broken}")

    def check(self, stack: str) -> None:
        """Go on only when nothing breaks.

        Raises:
            CommandError: Something does; names it, and how to declare that it is meant.
        """
        if refused := self.refused:
            # The second word is the name by which it can be allowed: "breaking: todos.state: …".
            first = refused[0].split()[1].rstrip(":")
            lines = "\n".join(f"  {one}" for one in refused)
            raise CommandError(
                f"This release would not understand what is on stack {stack}. Nothing was changed.\n{lines}\n"
                "Keep it understood (a default, or `schema` and `migrate`: docs/actors.md), or declare that it is "
                f"meant: pulumi config set --path 'trebuche:allowBreaking[0]' '{first}' --stack {stack}"
            )


def judge_candidate(target: Target, plan: Plan, deployed: Deployed, calls: Sequence[Call]) -> Verdict:
    """Hold this checkout's actors against what a stack's clients and tables know.

    Raises:
        CommandError: AWS refuses, or an actor cannot be loaded.
    """
    samples = take_samples(target)
    found: list[Break] = []
    for actor in plan.actors:
        exposed = actor.declared.exposed_as
        ask = candidate(target.stack.root, actor)
        running = _running(target, actor, deployed)
        found += find_breaks(ask, samples.by_type.get(exposed, []), exposed, Writer(deployed.interface, running))
        own = [one for one in calls if exposed_name(one.actor_id) == exposed]
        found += find_refused(ask, running, own, exposed)
    known = deployed.interface is not None
    return Verdict(
        differences=differences(deployed.interface, _interface(target, plan)) if known else (),
        breaks=tuple(found),
        samples=len(samples),
        calls=len(calls),
        allowed=plan.stack.trebuche.allowBreaking,
        damaged=samples.damaged,
    )


def judge_return(target: Target, plan: Plan, deployed: Deployed, back: Release) -> Verdict:
    """Hold the versions of an earlier release, where they are, against the states that the running one stored.

    Raises:
        CommandError: AWS refuses, or a version cannot say.
    """
    samples = take_samples(target)
    client = target.session.client("lambda", config=CLIENT_CONFIG)
    found: list[Break] = []
    for actor in plan.actors:
        exposed, version = actor.declared.exposed_as, back.versions.get(actor.role)
        own = samples.by_type.get(exposed, [])
        if version is not None and own:
            ask = version_of(client, function_name(target.deployment.functions[actor.role]), version)
            running = _running(target, actor, deployed)
            found += _unreadable(find_breaks(ask, own, exposed, Writer(deployed.interface, running)), exposed)
    return Verdict((), tuple(found), len(samples), 0, plan.stack.trebuche.allowBreaking, samples.damaged)


def _unreadable(found: list[Break], exposed: str) -> list[Break]:
    """What older code cannot read; a member that it only carries along does no harm, and it will be there again."""
    return [one for one in found if one.name == f"{exposed}.state"]


def _running(target: Target, actor: PlannedActor, deployed: Deployed) -> Ask | None:
    arn = target.deployment.functions.get(actor.role)
    if arn is None or deployed.interface is None:
        return None
    client = target.session.client("lambda", config=CLIENT_CONFIG)
    # The outputs name aliases: what serves is asked, whatever its number.
    return version_of(client, function_name(arn), arn.rsplit(":", 1)[-1])


def _interface(target: Target, plan: Plan) -> Any:
    try:
        return read_interface(target.stack.root, plan.actors)
    except ConfigError as error:
        raise CommandError(str(error)) from error


def _mark(kind: Kind) -> str:
    return {Kind.COMPATIBLE: "✓", Kind.DECLARED: "!", Kind.BREAKING: "✗"}[kind]
