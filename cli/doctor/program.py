"""The policy pack on a program: a preview, and what the engine says of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from cli.doctor.configured import as_configured, wanted_of
from cli.doctor.findings import PROGRAM, Finding, of_stack
from cli.errors import CommandError
from cli.pulumi_stack import PulumiStack
from infra.plan import OPEN_TO_ALL
from policies.model import ERROR, WARNING, Node, Stack
from policies.pack import MEND, SOURCE
from policies.rules import BY_ID

PACK: Final = "policies"
REFUSED: Final = "preview"
"""Stands for a rule where the engine, or AWS's provider, refuses the program by itself."""
ANONYMOUS: Final = "anonymous-production"
"""Stands for one where the program warns that production asks nobody for credentials."""
_FOLLOW_UPS: Final = ("preview failed", "update failed")

Json = dict[str, Any]


def examine_program(stack: PulumiStack, *, is_new: bool, root: Path) -> list[Finding]:
    """Preview a stack with the policy pack; a stack that is not there yet is made for that, and leaves no trace.

    Raises:
        CommandError: The program cannot be previewed at all.
    """
    if not is_new:
        return _preview(stack, root)
    with stack.draft(is_new=True, settings={}) as draft:
        return _preview(draft, root)


def _preview(stack: PulumiStack, root: Path) -> list[Finding]:
    run = stack.look("preview", "--policy-pack", str(root / PACK))
    found = list(findings(run.events))
    if not run.ok and not found:
        raise CommandError(run.text)
    asked = Stack(stack.short_name, tuple(nodes(run.events)))
    return [*found, *of_stack([as_configured(wanted_of(root, stack.short_name))], asked, PROGRAM)]


def nodes(events: Iterable[Json]) -> Iterator[Node]:
    """The resources that a program asks for, as far as the engine came; what is not known yet is a text of its own."""
    for event in events:
        step = (event.get("resourcePreEvent") or {}).get("metadata") or {}
        if step.get("new") and str(step.get("type")).startswith("aws:"):
            yield Node(urn=step["urn"], type=step["type"], props=step["new"].get("inputs") or {})


def findings(events: Iterable[Json]) -> Iterator[Finding]:
    """The violations of our rules in an event log of the engine, and what it refuses by itself."""
    for event in events:
        violation, diagnostic = event.get("policyEvent"), event.get("diagnosticEvent")
        if violation and violation.get("policyName") in BY_ID:
            yield _violation(violation)
        elif diagnostic and diagnostic.get("severity") == "error":
            text = str(diagnostic.get("message", "")).strip()
            if text and text not in _FOLLOW_UPS:
                yield _refusal(str(diagnostic.get("urn") or ""), text)
        elif diagnostic and diagnostic.get("severity") == "warning":
            yield from _warning(str(diagnostic.get("message", "")).strip())


def _violation(event: Json) -> Finding:
    rule = BY_ID[event["policyName"]]
    # The engine puts the rule's title before it; the text itself is policies.pack.text_of's.
    _, _, text = str(event["message"]).partition("\n")
    said, _, rest = text.partition(f"\n{MEND}")
    where, _, what = said.partition(": ")
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        part=PROGRAM,
        where=where,
        what=what,
        mend=rest.partition(f"\n{SOURCE}")[0].strip(),
        sources=rule.sources,
    )


def _warning(text: str) -> Iterator[Finding]:
    """What the program itself warns of and the doctor is asked about; its other warnings are about what is meant."""
    if text.startswith(OPEN_TO_ALL):
        _, _, rest = text.partition(": ")
        what, _, mend = rest.partition(". ")
        yield Finding(
            rule=ANONYMOUS,
            severity=WARNING,
            part=PROGRAM,
            where="$connect",
            what=what,
            mend=mend,
            sources=("docs/auth.md",),
        )


def _refusal(urn: str, text: str) -> Finding:
    name = urn.rsplit("::", 1)[-1] if "pulumi:pulumi:Stack" not in urn else ""
    mend = "mend it as the text says; rules about the whole stack are looked at when the preview succeeds"
    return Finding(
        rule=REFUSED,
        severity=ERROR,
        part=PROGRAM,
        where=name or "the program",
        what=text,
        mend=mend,
        sources=("Pulumi",),
    )
