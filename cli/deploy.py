"""The work of ``trebuche deploy``."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from cli.asking import Asker
from cli.changes_tree import Changes
from cli.deployment import Deployment, function_arn
from cli.errors import CommandError, LockedError
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.releases import Deployed, forget_rollback, rollback_of
from cli.running import run_engine
from cli.target import Target, make_target, read_config
from infra.actors import ACTORS_FOLDER, find_actors, match
from infra.config import AppConfig
from infra.plan import STREAM_PROCESSOR, WEBSOCKET
from infra.releases import SHORT
from infra.stack_settings import check_stack_name, load_settings

REGION_KEY = "aws:region"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """What was asked for."""

    region: str | None = None
    dry_run: bool = False
    verbose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What a deploy would do."""

    target: Target
    config: AppConfig
    changes: Changes
    is_new: bool


def deploy_and_print(output: Output, stack: PulumiStack, request: DeployRequest, asker: Asker) -> int:
    """Preview, ask, deploy, and print what is there now; returns the exit code.

    Raises:
        UsageError: Nobody can be asked.
        CommandError: Anything that keeps the stack from being deployed.
    """
    # First: nobody is to wait for a preview whose question cannot be asked.
    if not request.dry_run:
        asker.check("deployed")
    config = read_program(stack)
    with prospect_of(output, stack, request, config) as prospect:
        if request.dry_run:
            _print_dry_run(output, prospect, verbose=request.verbose)
            return OK
    print_prospect(output, prospect, verbose=request.verbose)
    question = f"Deploy to account {prospect.target.identity.account} in {prospect.target.region}? Type 'yes': "
    # Where nothing changes there is nothing to ask.
    if prospect.changes.counts and not asker.agrees(output, question):
        return _cancelled(output, prospect.target)
    deploy_prospect(output, stack, request, prospect)
    print_deployed(output, prospect.target, Deployment.of(stack.state()), prospect.changes)
    output.note(f"Pulumi: {stack.command('up')}")
    return OK


def result_lines(deployment: Deployment) -> list[str]:
    """The page's lines about a deployed stack."""
    outputs, functions = deployment.outputs, deployment.functions
    shown = [functions[WEBSOCKET]] if WEBSOCKET in functions else list(functions.values())
    lines = [f"Lambda: {function_arn(arn)}" for arn in shown]
    if endpoint := outputs.get("wss_endpoint"):
        lines.append(f"API Gateway: {endpoint}")
    lines += [f"DynamoDB: {outputs[key]}" for key in ("state_table", "connections_table") if outputs.get(key)]
    streams = bool(outputs.get("stream_enabled")) and (STREAM_PROCESSOR in functions or not outputs.get("wss_endpoint"))
    return [*lines, f"DynamoDB Streams: {'Enabled' if streams else 'Disabled'}"]


def read_program(stack: PulumiStack) -> AppConfig:
    """What can be wrong without asking AWS or Pulumi is told first."""
    check_stack_name(stack.short_name)
    config = read_config(stack)
    match(config, find_actors(stack.root / ACTORS_FOLDER))
    return config


@contextmanager
def prospect_of(output: Output, stack: PulumiStack, request: DeployRequest, config: AppConfig) -> Iterator[Prospect]:
    """Preview on a draft of the stack: a no, or a mistake, leaves neither a stack nor a changed stack file behind."""
    state = stack.state()
    wanted = {REGION_KEY: request.region} if request.region else {}
    with stack.draft(is_new=state is None, settings=wanted) as draft:
        settings = load_settings(stack.short_name, draft.config()).aws
        region = settings.region or config.defaults.region
        target = make_target(stack, Deployment.of(state), settings, region)
        with output.status("Finding out what would change …"):
            changes = Changes.of(draft.preview())
        yield Prospect(target=target, config=config, changes=changes, is_new=state is None)


def deploy_prospect(output: Output, stack: PulumiStack, request: DeployRequest, prospect: Prospect) -> None:
    """Do what a preview said, and take a rollback of another release out of the stack file.

    Raises:
        LockedError: Somebody else is at work on the stack; the engine did nothing.
        CommandError: The engine did not do all of it.
    """
    if prospect.is_new:
        stack.create()
    if request.region:
        stack.set_config(REGION_KEY, request.region)
    try:
        work = partial(stack.up, expected=len(prospect.changes.steps))
        run_engine(output, "Deploying", work, verbose=request.verbose)
    except LockedError:
        # Nothing was made that could stay.
        raise
    except CommandError as error:
        raise CommandError(
            f"{error}\nWhat was made stays, and Pulumi knows it; mend the cause and deploy again."
        ) from error
    _forget_rollback(output, stack)


def _forget_rollback(output: Output, stack: PulumiStack) -> None:
    back = rollback_of(stack, stack.config())
    if back is None:
        return
    if Deployed.of(Deployment.of(stack.state())).release == back.release:
        output.warning(
            f"Release {back.takenBack[:SHORT]} was taken back on {stack.name} and stays so; to put it live again: "
            f"trebuche rollback {stack.name} --undo"
        )
    else:
        forget_rollback(stack)


def _cancelled(output: Output, target: Target) -> int:
    output.tell("Cancelled. Nothing was deployed.")
    if output.as_json:
        output.document({**target.describe(), "cancelled": True})
    return FAILED


def _heading(prospect: Prospect) -> list[str]:
    sizes = {name: prospect.config.actor(name) for name in prospect.config.actors}
    actors = ", ".join(f"{name} ({one.memory} MB, {one.timeout} s)" for name, one in sizes.items())
    return [
        *prospect.target.lines(),
        f"Actors:   {actors or 'none'}",
        f"Changes:  {prospect.changes.summary}",
    ]


def print_prospect(output: Output, prospect: Prospect, *, verbose: bool) -> None:
    """Tell what a deploy would do, and where."""
    for line in [*_heading(prospect), *(prospect.changes.tree() if verbose else ())]:
        output.tell(line)


def _print_dry_run(output: Output, prospect: Prospect, *, verbose: bool) -> None:
    changes = prospect.changes
    for warning in changes.warnings:
        output.warning(warning)
    if output.as_json:
        steps = [{"operation": step.operation, "type": step.kind, "name": step.name} for step in changes.steps]
        document = {**prospect.target.describe(), "dryRun": True, "changes": changes.counts}
        output.document({**document, "steps": steps} if verbose else document)
    else:
        for line in ["Dry run - would deploy:", *_heading(prospect), *(changes.tree() if verbose else ())]:
            output.line(line)
    output.note(f"Pulumi: {prospect.target.stack.command('preview')}")


def print_deployed(output: Output, target: Target, deployment: Deployment, changes: Changes) -> None:
    """Print what is there after a deploy."""
    if output.as_json:
        output.document({**target.describe(), "changes": changes.counts, "outputs": deployment.outputs})
        return
    for line in result_lines(deployment):
        output.result(line)
