"""The stack that a command is about: what it holds, its settings, its region, and whose credentials there are."""

from dataclasses import dataclass

import boto3

from cli.account import Identity, check_account, open_session, who_asks
from cli.deployment import Deployment
from cli.errors import CommandError
from cli.pulumi_stack import PulumiStack
from infra.config import CONFIG_FILE, AppConfig, load_config
from infra.stack_settings import AwsSettings, check_stack_name, load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A stack, ready to be worked on."""

    stack: PulumiStack
    deployment: Deployment
    settings: AwsSettings
    session: boto3.Session
    identity: Identity
    region: str

    def describe(self) -> dict[str, object]:
        """The first members of every document for programs."""
        return {"stack": self.stack.name, "account": self.identity.account, "region": self.region}

    def lines(self) -> list[str]:
        """The same for people."""
        allowed = ", ".join(self.settings.allowedAccountIds)
        return [
            f"Stack:    {self.stack.name}",
            f"Account:  {self.identity.account}{f' (allowed: {allowed})' if allowed else ''} as {self.identity.arn}",
            f"Region:   {self.region}",
        ]


def read_config(stack: PulumiStack) -> AppConfig:
    """trebuche.yaml.

    Raises:
        CommandError: There is none.
        ConfigError: It is wrong; one line per mistake.
    """
    path = stack.root / CONFIG_FILE
    if not path.exists():
        raise CommandError("No trebuche.yaml found. Run 'trebuche init' to create one.")
    return load_config(path)


def deployed_target(stack: PulumiStack) -> Target:
    """A stack that is in AWS.

    Raises:
        CommandError: It is not deployed, or the credentials are not for it.
    """
    check_stack_name(stack.short_name)
    deployment = Deployment.of(stack.state())
    if deployment.is_empty:
        raise CommandError(
            f"Stack {stack.name} is not deployed. Deploy it with `trebuche deploy --stack {stack.name}`, "
            "or name another with --stack."
        )
    settings = load_settings(stack.short_name, stack.config()).aws
    return make_target(stack, deployment, settings, deployment.region or read_config(stack).defaults.region)


def make_target(stack: PulumiStack, deployment: Deployment, settings: AwsSettings, region: str) -> Target:
    """Find out who asks, and hold it and the region against what is deployed.

    Raises:
        CommandError: The stack is in another region or account, or its file does not allow this account.
    """
    if deployment.region is not None and deployment.region != region:
        keep = stack.command("config", "set", "aws:region", deployment.region)
        raise CommandError(
            f"Stack {stack.name} is deployed in {deployment.region} and cannot move to {region}: its tables would be "
            f"made anew, empty. Keep the region (`{keep}`), or make another stack for {region}."
        )
    session = open_session(settings, region)
    identity = who_asks(session)
    check_account(identity, settings, stack.short_name)
    if deployment.account not in (None, identity.account):
        raise CommandError(
            f"Stack {stack.name} is deployed in account {deployment.account}, and your credentials are of "
            f"{identity.account}. Nothing was touched; use credentials of that account."
        )
    return Target(
        stack=stack, deployment=deployment, settings=settings, session=session, identity=identity, region=region
    )
