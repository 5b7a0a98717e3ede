"""The work of ``trebuche undeploy``."""

from cli.asking import Asker
from cli.deployment import Deployment, Resource
from cli.errors import CommandError
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.running import run_engine
from cli.target import Target, deployed_target

_TABLE = "dynamodb/table:Table"


def undeploy_and_print(output: Output, stack: PulumiStack, asker: Asker) -> int:
    """List what goes, ask, and destroy it; returns the exit code, 1 when the answer is not yes.

    Raises:
        UsageError: Nobody can be asked.
        CommandError: The stack is not deployed, is protected, or not all of it could be removed.
    """
    asker.check("removed")
    target = deployed_target(stack)
    _refuse_protected(target)
    _print_list(output, target)
    if not asker.agrees(output, "Are you sure? Type 'yes' to confirm: "):
        output.tell("Cancelled. Nothing was touched.")
        if output.as_json:
            output.document({**target.describe(), "cancelled": True})
        return FAILED
    run_engine(output, "Removing", lambda report: stack.destroy(report, target.deployment.size))
    left = Deployment.of(stack.state())
    if not left.is_empty:
        raise CommandError(f"{len(left.resources)} resources are still there; undeploy again.")
    _print_gone(output, target)
    return OK


def _refuse_protected(target: Target) -> None:
    protected, stack = target.deployment.protected, target.stack
    if not protected:
        return
    words = f"--stack {stack.name}"
    raise CommandError(
        f"Stack {stack.name} is protected: {', '.join(one.label for one in protected)}. Nothing was touched. "
        f"To take it down on purpose: `{stack.command('config', 'set', 'trebuche:protect', 'never')}`, "
        f"`trebuche deploy {words}`, `trebuche undeploy {words}`."
    )


def _print_list(output: Output, target: Target) -> None:
    for line in [*target.lines(), "This will destroy:", *map(_bullet, target.deployment.resources)]:
        output.tell(line)


def _bullet(resource: Resource) -> str:
    return f"  • {resource.label}{' and everything stored in it' if resource.kind == _TABLE else ''}"


def _print_gone(output: Output, target: Target) -> None:
    removed = len(target.deployment.resources)
    if output.as_json:
        output.document({**target.describe(), "removed": removed})
    else:
        output.result(f"Removed: {removed} resources of stack {target.stack.name}")
    output.note(f"Pulumi: {target.stack.command('destroy')}")
    output.note(f"The empty stack and its history stay; `pulumi stack rm {target.stack.name}` forgets them.")
