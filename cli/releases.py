"""The release of this checkout, and those of deployed stacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli.deployment import Deployment
from cli.errors import CommandError
from cli.pulumi_stack import PulumiStack
from infra.plan import Plan, make_plan
from infra.releases import SHORT, Release, interface_of, read_releases
from infra.stack_settings import Rollback, load_settings

ROLLBACK_KEY = "trebuche:rollback"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a stack's outputs say of its releases."""

    release: str | None
    releases: tuple[Release, ...]
    interface: Any
    """What the running release looks like to clients; None when it is not known."""

    @classmethod
    def of(cls, deployment: Deployment) -> "Deployed":
        """Read the outputs; a stack that was never deployed has none."""
        outputs = deployment.outputs
        release = outputs.get("release")
        return cls(
            str(release) if release else None,
            read_releases(outputs.get("releases")),
            interface_of(outputs.get("interfaces"), release),
        )


def plan_of(stack: PulumiStack, config: dict[str, object]) -> Plan:
    """What this checkout deploys on a stack.

    Raises:
        ConfigError: It cannot be deployed.
    """
    return make_plan(stack.root, stack.short_name, config)


def rollback_of(stack: PulumiStack, config: dict[str, object]) -> Rollback | None:
    """The rollback that a stack file holds."""
    return load_settings(stack.short_name, config).trebuche.rollback


def forget_rollback(stack: PulumiStack) -> None:
    """Take a rollback out of a stack file."""
    stack.remove_config(ROLLBACK_KEY)


def write_rollback(stack: PulumiStack, taken_back: str, back: Release) -> None:
    """Have the program of one release run the functions of another."""
    # Setting members only adds to a rollback that is there already.
    stack.remove_config(ROLLBACK_KEY)
    values = {"takenBack": taken_back, "release": back.digest}
    values |= {f"versions.{role}": version for role, version in back.versions.items()}
    stack.set_config_paths({f"{ROLLBACK_KEY}.{path}": value for path, value in values.items()})


def not_this_checkout(stack: PulumiStack, release: str, own: str, *, deed: str) -> CommandError:
    """The refusal when a stack's release is not the checkout's, with the commit that has it where Pulumi knows it."""
    environment = (stack.last_update() or {}).get("environment") or {}
    where = ""
    if commit := str(environment.get("git.head") or "")[:SHORT]:
        where = f" (commit {commit}: git worktree add ../{commit} {commit})"
        if environment.get("git.dirty") == "true":
            where = f" (commit {commit} with changes that were not committed: only that checkout has it)"
    return CommandError(
        f"Stack {stack.name} is deployed from release {release[:SHORT]}{where}, and this checkout is release "
        f"{own[:SHORT]}. {deed}"
    )


def names(releases: Sequence[Release]) -> str:
    """The beginnings of their digests."""
    return ", ".join(one.digest[:SHORT] for one in releases) or "none"
