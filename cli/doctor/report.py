"""The work of ``trebuche doctor``: what is looked at, and how it is printed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from cli.deployment import Deployment
from cli.doctor import canary
from cli.doctor.configured import as_configured, as_configured_now
from cli.doctor.findings import PROGRAM, RUNNING, Finding, of_stack
from cli.doctor.live import LIVE_RULES, examine_live
from cli.doctor.program import EMPTIED, KEPT, KEPT_SOURCES, examine_program
from cli.doctor.programmed import as_programmed
from cli.doctor.snapshot import read_stack
from cli.errors import CommandError
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.target import deployed_target
from infra.stack_settings import check_stack_name
from policies.model import ERROR, ROUTE, Node
from policies.rules import RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was asked for."""

    program: bool = True
    running: bool = True
    canary: bool = True
    strict: bool = False
    token: str | None = field(default=None, repr=False)
    """Shown at the door of a stage that asks for credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A rule as it is listed."""

    id: str
    title: str
    severity: str
    on: tuple[str, ...]
    sources: tuple[str, ...]


def all_rules() -> list[Listed]:
    """Every rule of the doctor."""
    both, program, running = (PROGRAM, RUNNING), (PROGRAM,), (RUNNING,)
    listed = [
        Listed(id=one.id, title=one.title, severity=one.severity, on=on, sources=one.sources)
        for on, rules in ((both, (*RULES, as_configured({}))), (program, (as_programmed({}),)))
        for one in rules
    ]
    listed.append(Listed(id=EMPTIED, title=KEPT, severity=ERROR, on=program, sources=KEPT_SOURCES))
    listed += [
        Listed(id=one.id, title=one.title, severity=one.severity, on=running, sources=one.sources) for one in LIVE_RULES
    ]
    return listed + [
        Listed(id=rule, title=title, severity=severity, on=running, sources=sources)
        for rule, title, severity, sources in canary.RULES
    ]


def print_rules(output: Output) -> int:
    """Print every rule, with where it is from."""
    for rule in all_rules():
        if output.as_json:
            output.document(asdict(rule))
        else:
            output.line(f"{rule.id}  ({rule.severity}; {', '.join(rule.on)})", style="bold")
            output.line(f"  {rule.title}")
            for source in rule.sources:
                output.line(f"  source: {source}", style="dim")
    return OK


def examine_and_print(output: Output, stack: PulumiStack, wanted: Examination) -> int:
    """Look at the program and at the running stack, and print what is wrong; returns the exit code.

    Raises:
        CommandError: The program cannot be previewed, or AWS cannot be asked.
    """
    check_stack_name(stack.short_name)
    state = stack.state()
    deployed = not Deployment.of(state).is_empty
    if not wanted.program and not deployed:
        raise CommandError(f"Stack {stack.name} is not deployed: there is only its program to look at.")
    findings: list[Finding] = []
    parts: list[str] = []
    if wanted.program:
        parts.append(PROGRAM)
        with output.status("Previewing the program …"):
            findings += examine_program(stack, is_new=state is None, root=stack.root)
    if wanted.running and deployed:
        parts.append(RUNNING)
        with output.status("Looking at the running stack …"):
            findings += _examine_running(output, stack, wanted)
    elif wanted.running:
        output.note(
            f"Stack {stack.name} is not deployed: its permissions and the like are known after `trebuche deploy`."
        )
    return _tell(output, stack, parts, list(dict.fromkeys(findings)), strict=wanted.strict)


def _examine_running(output: Output, stack: PulumiStack, wanted: Examination) -> list[Finding]:
    target = deployed_target(stack)
    resources = read_stack(target)
    rules = [*RULES, *as_configured_now(stack.root, stack.short_name, stack.config())]
    findings = [*of_stack(rules, resources, RUNNING), *examine_live(target, resources)]
    endpoint = target.deployment.outputs.get("wss_endpoint")
    if not wanted.canary or not isinstance(endpoint, str):
        return findings
    if not any(_asks_who_comes(route) for route in resources.all(ROUTE)):
        return [*findings, *canary.send_canary(endpoint)]
    findings += canary.try_door(endpoint)
    if wanted.token is None:
        output.note("No message was sent: $connect asks for credentials. With TREBUCHE_TOKEN one is.")
        return findings
    return [*findings, *canary.send_canary(endpoint, wanted.token)]


def _asks_who_comes(route: Node) -> bool:
    return route.get("authorizationType") not in (None, "", "NONE") or route.get("apiKeyRequired") is True


def _tell(
    output: Output, stack: PulumiStack, parts: Sequence[str], findings: Sequence[Finding], *, strict: bool
) -> int:
    failed = any(one.is_error or strict for one in findings)
    if output.as_json:
        document = {"stack": stack.name, "looked_at": list(parts), "healthy": not failed}
        output.document({**document, "findings": [asdict(one) for one in findings]})
    else:
        _tell_people(output, parts, findings)
    return FAILED if failed else OK


def _tell_people(output: Output, parts: Sequence[str], findings: Sequence[Finding]) -> None:
    for rule in all_rules():
        mine = [one for one in findings if one.rule == rule.id]
        if not mine and set(rule.on) & set(parts):
            output.line(f"✓ {rule.id:<24} {rule.title}", style="green")
        elif mine:
            mark = "✗" if mine[0].is_error else "!"
            output.line(f"{mark} {rule.id:<24} {rule.title}", style="bold red" if mine[0].is_error else "bold yellow")
        for one in mine:
            _tell_finding(output, one)
    for one in (one for one in findings if one.rule not in {rule.id for rule in all_rules()}):
        mark, style = ("✗", "bold red") if one.is_error else ("!", "bold yellow")
        output.line(f"{mark} {one.rule:<24} The engine takes the program", style=style)
        _tell_finding(output, one)
    errors = sum(one.is_error for one in findings)
    output.line(f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')} ({' and '.join(parts)})")


def _tell_finding(output: Output, one: Finding) -> None:
    output.line(f"    {one.part}, {one.where}: {one.what}")
    output.line(f"      mend:   {one.mend}")
    output.line(f"      source: {'; '.join(one.sources)}", style="dim")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
