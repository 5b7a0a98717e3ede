"""The work of ``trebuche rollback``: what ran before runs again, by an operation of Pulumi's."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic

from cli.asking import Asker
from cli.errors import CommandError
from cli.gate import judge_return
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.releases import (
    Deployed,
    forget_rollback,
    names,
    not_this_checkout,
    plan_of,
    rollback_of,
    write_rollback,
)
from cli.running import run_engine
from cli.smoke import read_steps, run_smoke
from cli.target import Target, deployed_target
from infra.plan import Plan
from infra.releases import SHORT, Release, before

_SAME_CHECKOUT = (
    "A rollback switches the functions and leaves the rest as the program has it, so it starts from the same program: "
    "run it there. (Deploying an older checkout is a way back, too, but a slower one.)"
)


def rollback_and_print(
    output: Output, stack: PulumiStack, asker: Asker, *, wanted: str | None = None, undo: bool = False
) -> int:
    """Put the release before, or the wanted one, live again; returns 1 when the answer is not yes.

    Args:
        output: Where to.
        stack: The stack.
        asker: Asks.
        wanted: How the release's digest begins.
        undo: Whether to take a rollback back instead.

    Raises:
        UsageError: Nobody can be asked.
        CommandError: There is no way back, or stored states would not be understood.
    """
    asker.check("rolled back")
    target, config = deployed_target(stack), stack.config()
    plan, deployed = plan_of(stack, config), Deployed.of(target.deployment)
    pinned = rollback_of(stack, config)
    # While a rollback is in force the outputs name what runs, and the program is what was taken back.
    program = pinned.takenBack if pinned and pinned.release == deployed.release else deployed.release
    if program != plan.release:
        raise not_this_checkout(stack, str(program), plan.release, deed=_SAME_CHECKOUT)
    if undo:
        return _undo(output, target, asker, plan)
    back = _find(deployed, stack, wanted)
    verdict = judge_return(target, plan, deployed, back)
    for line in [
        *target.lines(),
        f"Release:  {str(deployed.release)[:SHORT]} is taken back, {back.digest[:SHORT]} runs",
    ]:
        output.tell(line)
    verdict.print(output)
    for note in _notes(plan, back):
        output.warning(note)
    verdict.check(stack.name)
    if not asker.agrees(output, f"Put release {back.digest[:SHORT]} live again on {stack.name}? Type 'yes': "):
        return _cancelled(output, target)
    seconds = take_back(output, target, plan.release, back)
    _check(output, target, plan)
    _print(output, target, back.digest, seconds)
    return OK


def take_back(output: Output, target: Target, taken_back: str, back: Release) -> float:
    """Have the aliases name the versions of an earlier release; how many seconds it took.

    Raises:
        CommandError: The engine did not do all of it; the stack file is as it was.
    """
    started = monotonic()
    with _restoring(target.stack):
        write_rollback(target.stack, taken_back, back)
        run_engine(output, "Going back", partial(target.stack.up, expected=target.deployment.size))
    return monotonic() - started


@contextmanager
def _restoring(stack: PulumiStack) -> Iterator[None]:
    before = stack.settings_file.read_bytes() if stack.settings_file.exists() else None
    try:
        yield
    # A Ctrl-C as well: else the next `up`, whoever types it, would go on with the rollback.
    except BaseException:
        if before is None:
            stack.settings_file.unlink(missing_ok=True)
        else:
            stack.settings_file.write_bytes(before)
        raise


def _undo(output: Output, target: Target, asker: Asker, plan: Plan) -> int:
    stack = target.stack
    if plan.pin is None:
        raise CommandError(f"Nothing was rolled back on stack {stack.name}.")
    question = f"Put release {plan.release[:SHORT]}, which was taken back, live again on {stack.name}? Type 'yes': "
    if not asker.agrees(output, question):
        return _cancelled(output, target)
    started = monotonic()
    with _restoring(stack):
        forget_rollback(stack)
        run_engine(output, "Deploying", partial(stack.up, expected=target.deployment.size))
    _print(output, target, plan.release, monotonic() - started)
    return OK


def _find(deployed: Deployed, stack: PulumiStack, wanted: str | None) -> Release:
    back = before(deployed.releases, wanted)
    if back is None:
        raise CommandError(
            f"Stack {stack.name} has no release {wanted or 'before this one'} to go back to; there are: "
            f"{names(deployed.releases[1:])}. Any other one comes back by deploying its checkout."
        )
    return back


def _notes(plan: Plan, back: Release) -> Iterator[str]:
    roles = set(plan.archives)
    for role in sorted(roles - set(back.versions)):
        yield f"Function {role} is new in the release that is taken back, and stays."
    for role in sorted(set(back.versions) - roles):
        yield f"Function {role} is gone since; only a deployment of the older checkout brings it back."


def _check(output: Output, target: Target, plan: Plan) -> None:
    if endpoint := target.deployment.outputs.get("wss_endpoint"):
        output.tell("Smoke test:")
        run_smoke(output, str(endpoint), read_steps(target.stack.root, plan.actors))


def _cancelled(output: Output, target: Target) -> int:
    output.tell("Cancelled. Nothing was changed.")
    if output.as_json:
        output.document({**target.describe(), "cancelled": True})
    return FAILED


def _print(output: Output, target: Target, release: str, seconds: float) -> None:
    if output.as_json:
        output.document({**target.describe(), "release": release, "seconds": round(seconds, 1)})
    else:
        output.result(f"Release {release[:SHORT]} runs on {target.stack.name} ({seconds:.0f} s)")
    output.note(
        f"Pulumi: trebuche:rollback in {target.stack.settings_file.name}, then {target.stack.command('up')}. "
        "Commit the stack file; the next deploy of another release removes the key."
    )
