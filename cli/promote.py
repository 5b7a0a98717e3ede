"""The work of ``trebuche promote``: the release of one stage to the next, through a gate, and back when it fails."""

from dataclasses import dataclass

from cli.asking import Asker
from cli.deploy import DeployRequest, Prospect, deploy_prospect, print_prospect, prospect_of, read_program
from cli.deployment import Deployment
from cli.errors import CommandError, LockedError
from cli.frames import calls_of, frames_file, read_calls
from cli.gate import Verdict, judge_candidate
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.releases import Deployed, not_this_checkout, plan_of, rollback_of
from cli.rollback import take_back
from cli.smoke import read_steps, run_smoke
from infra.plan import Plan
from infra.releases import SHORT, Release


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promotion:
    source: PulumiStack
    stack: PulumiStack
    plan: Plan
    before: Deployed


def promote_and_print(
    output: Output, source: PulumiStack, stack: PulumiStack, asker: Asker, *, verbose: bool = False
) -> int:
    """Compare, try, preview, ask, deploy and test; returns 1 when the answer is not yes.

    Raises:
        UsageError: Nobody can be asked.
        CommandError: The checkout is not what runs on the source, the gate refuses, or the stack did not take it; then
            the release before runs again.
    """
    # First of all: where nobody can be asked, the minutes of comparing would be wasted.
    asker.check("promoted")
    app, config = read_program(stack), stack.config() if stack.state() is not None else {}
    plan = plan_of(stack, config)
    check_source(source, plan.release)
    request = DeployRequest(verbose=verbose)
    with prospect_of(output, stack, request, app) as prospect:
        before = Deployed.of(prospect.target.deployment)
    promotion = _Promotion(source=source, stack=stack, plan=plan, before=before)
    _check_not_taken_back(promotion, config)
    verdict = _judge(promotion, prospect)
    print_prospect(output, prospect, verbose=verbose)
    output.tell(f"Release:  {_short(before.release)} → {_short(plan.release)}, as on {source.name}")
    for warning in prospect.changes.warnings:
        output.warning(warning)
    if verdict:
        verdict.print(output)
        verdict.check(stack.name)
    if not asker.agrees(output, f"Promote to account {prospect.target.identity.account}? Type 'yes': "):
        return _cancelled(output, prospect)
    _check_still(promotion)
    seconds = _deploy_and_try(output, promotion, prospect, request)
    _print(output, promotion, prospect, verdict, seconds)
    return OK


def check_source(source: PulumiStack, release: str) -> None:
    """Make sure that this checkout is what runs on the stack to promote from.

    Raises:
        CommandError: It is not deployed, or from another release.
    """
    deployed = Deployed.of(Deployment.of(source.state()))
    if deployed.release is None:
        raise CommandError(f"Stack {source.name} is not deployed, so there is nothing to promote from it.")
    if deployed.release != release:
        deed = f"Deploy it there first (trebuche deploy --stack {source.name}), or promote from that checkout."
        raise not_this_checkout(source, deployed.release, release, deed=deed)


def _check_not_taken_back(promotion: _Promotion, config: dict[str, object]) -> None:
    back = rollback_of(promotion.stack, config)
    if back and back.takenBack == promotion.plan.release:
        name = promotion.stack.name
        raise CommandError(
            f"Release {_short(back.takenBack)} was taken back on {name}. Mend it and promote what mends it; or put "
            f"it live again as it is: trebuche rollback {name} --undo"
        )


def _judge(promotion: _Promotion, prospect: Prospect) -> Verdict | None:
    """What the gate says; None on a stack that has nothing yet."""
    target = prospect.target
    if promotion.before.release is None or target.deployment.is_empty:
        return None
    root = promotion.stack.root
    calls = calls_of(read_steps(root, promotion.plan.actors))
    calls += read_calls(frames_file(root, promotion.source.short_name))
    return judge_candidate(target, promotion.plan, promotion.before, calls)


def _check_still(promotion: _Promotion) -> None:
    """Nobody else has deployed while the question was open."""
    now = Deployed.of(Deployment.of(promotion.stack.state())).release
    if now != promotion.before.release:
        raise CommandError(
            f"Somebody else deployed release {_short(now)} to {promotion.stack.name} meanwhile. Nothing was changed by "
            "you; look at it, and promote again if you still want to."
        )


def _deploy_and_try(output: Output, promotion: _Promotion, prospect: Prospect, request: DeployRequest) -> float:
    try:
        deploy_prospect(output, promotion.stack, request, prospect)
        return _smoke(output, promotion)
    except LockedError:
        raise  # What runs now is somebody else's deployment: not ours to take back.
    except CommandError as error:
        raise _gone_back(output, promotion, prospect, error) from error
    except KeyboardInterrupt:
        output.failure(_interrupted(promotion))
        raise


def _interrupted(promotion: _Promotion) -> str:
    """What runs after a Ctrl-C, and the two ways on."""
    name, release = promotion.stack.name, promotion.plan.release
    if Deployed.of(Deployment.of(promotion.stack.state())).release == release:
        return (
            f"Interrupted: release {_short(release)} runs on {name}, and its smoke test did not end. "
            f"Back: trebuche rollback {name}"
        )
    return (
        f"Interrupted: {name} may have release {_short(release)} in part; Pulumi knows what it has. Promote it again; "
        f"or go back to {_short(promotion.before.release)}: trebuche deploy --stack {name} from its checkout."
    )


def _smoke(output: Output, promotion: _Promotion) -> float:
    endpoint = Deployment.of(promotion.stack.state()).outputs.get("wss_endpoint")
    if not endpoint:
        return 0.0
    output.tell("Smoke test:")
    return run_smoke(output, str(endpoint), read_steps(promotion.stack.root, promotion.plan.actors))


def _gone_back(output: Output, promotion: _Promotion, prospect: Prospect, error: CommandError) -> CommandError:
    """Put live again what ran before; what failed, and what runs now."""
    back = next(iter(promotion.before.releases), None)
    if back is None:
        return CommandError(
            f"{error}\nNothing ran on {promotion.stack.name} before, so there is nothing to go back to."
        )
    name, digest = promotion.stack.name, _short(back.digest)
    deployment = Deployment.of(promotion.stack.state())
    now = Deployed.of(deployment).release
    if now not in (promotion.plan.release, promotion.before.release):
        return CommandError(
            f"{error}\nSomebody else deployed release {_short(now)} to {name} meanwhile; it was left as it is."
        )
    if _runs(deployment, back):
        return CommandError(f"{error}\nRelease {digest} runs on {name} as before.")
    output.failure(str(error))
    seconds = take_back(output, prospect.target, promotion.plan.release, back)
    return CommandError(f"{error}\nWent back by itself: release {digest} runs on {name} again ({seconds:.0f} s).")


def _runs(deployment: Deployment, release: Release) -> bool:
    """Whether every alias names the version of a release."""
    return all(deployment.live_versions.get(role) == version for role, version in release.versions.items())


def _cancelled(output: Output, prospect: Prospect) -> int:
    output.tell("Cancelled. Nothing was deployed.")
    if output.as_json:
        output.document({**prospect.target.describe(), "cancelled": True})
    return FAILED


def _print(output: Output, promotion: _Promotion, prospect: Prospect, verdict: Verdict | None, seconds: float) -> None:
    stack, release = promotion.stack, promotion.plan.release
    if output.as_json:
        document = {**prospect.target.describe(), "from": promotion.source.name, "release": release}
        before = {"before": promotion.before.release, "changes": prospect.changes.counts}
        output.document(
            {**document, **before, "gate": verdict and verdict.describe(), "smokeSeconds": round(seconds, 1)}
        )
    else:
        output.result(f"Release {_short(release)} runs on {stack.name}, as on {promotion.source.name}")
    back = f". Back: trebuche rollback {stack.name}" if promotion.before.releases else ""
    output.note(f"Pulumi: {stack.command('up')}{back}")


def _short(release: str | None) -> str:
    return release[:SHORT] if release else "nothing"
