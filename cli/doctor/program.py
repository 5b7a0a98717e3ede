"""The policy pack on a program: a preview, and what the engine says of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cli.doctor.configured import as_configured, wanted_of
from cli.doctor.expected import Answers, Key, answers_of, expected_nodes, key_of, known, name_of
from cli.doctor.findings import PROGRAM, Finding, of_stack
from cli.doctor.log_role import with_log_role
from cli.doctor.programmed import as_digested, as_programmed
from cli.errors import CommandError
from cli.pulumi_stack import PulumiStack
from infra.plan import OPEN_TO_ALL, make_plan
from policies.model import ERROR, TABLE, WARNING, Node, Stack
from policies.pack import MEND, SOURCE
from policies.rules import BY_ID, RULES
from trebuche.errors import ConfigError

PACK: Final = "policies"
REFUSED: Final = "preview"
"""Stands for a rule where the engine, or AWS's provider, refuses the program by itself."""
ANONYMOUS: Final = "anonymous-production"
"""Stands for one where the program warns that production asks nobody for credentials."""
EMPTIED: Final = "table-replaced"
"""Stands for one where the engine would make a table anew."""
KEPT: Final = "Tables stay where they are"
KEPT_SOURCES: Final = ("docs/upgrade.md", "Pulumi documentation: what has a name is deleted before it is made anew")
_REPLACE: Final = "replace"
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
    try:
        settings = stack.config()
        plan = make_plan(root, stack.short_name, settings)
    except ConfigError:
        # The preview has said so.
        return found
    asked = Stack(stack.short_name, tuple(nodes(run.events)))
    answers = answers_of(((stack.state() or {}).get("deployment") or {}).get("resources") or ())
    expected = expected_nodes(plan, answers)
    own = [as_configured(wanted_of(root, stack.short_name)), as_programmed(expected), as_digested(expected)]
    found += of_stack(own, asked, PROGRAM)
    found += replaced(run.events)
    if any(one.rule == REFUSED for one in found):
        # The engine has not come to the rules about the whole stack.
        whole = combined(asked, expected, answers)
        found += of_stack([rule for rule in RULES if not rule.types], whole, PROGRAM)
    return list(with_log_role(found, plan.stack.aws, plan.region))


def nodes(events: Iterable[Json]) -> Iterator[Node]:
    """The resources that a program asks for, as far as the engine came."""
    found = {}
    for event in events:
        step = (event.get("resourcePreEvent") or {}).get("metadata") or {}
        if step.get("new") and str(step.get("type")).startswith("aws:"):
            # Of what is replaced there are several.
            props = known(step["new"].get("inputs") or {})
            found[step["urn"]] = Node(urn=step["urn"], type=step["type"], props=props)
    yield from found.values()


def combined(asked: Stack, expected: Mapping[Key, Node], answers: Answers) -> Stack:
    """All of a stack where the engine has come to a part of it: the rest is as the components ask for it."""
    given = {key_of(node): node.props for node in asked.nodes}
    whole = [replace(node, urn=name_of(node.urn)) for node in asked.nodes if key_of(node) not in expected]
    for key, node in expected.items():
        there = answers.get(key)
        props = {**(there.outputs if there else {}), **given.get(key, node.props)}
        whole.append(replace(node, props={**props, "id": there.id} if there else props))
    return replace(asked, nodes=tuple(whole))


def replaced(events: Iterable[Json]) -> Iterator[Finding]:
    """Tables that the engine would make anew."""
    for event in events:
        step = (event.get("resourcePreEvent") or {}).get("metadata") or {}
        if step.get("type") == TABLE and step.get("op") == _REPLACE:
            yield Finding(
                rule=EMPTIED,
                severity=ERROR,
                part=PROGRAM,
                where=f"Table {name_of(step['urn'])}",
                what=f"it would be made anew ({', '.join(step.get('diffs') or ())}), and what is in it lost",
                mend="keep its name and its keys; move what is in it before they change",
                sources=KEPT_SOURCES,
            )


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
    mend = "mend it as the text says"
    return Finding(
        rule=REFUSED,
        severity=ERROR,
        part=PROGRAM,
        where=name or "the program",
        what=text,
        mend=mend,
        sources=("Pulumi",),
    )
