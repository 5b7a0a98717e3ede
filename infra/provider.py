"""The AWS provider of a stack.

An explicit one instead of Pulumi's default, because its region may come from trebuche.yaml and because what it makes
carries tags.
"""

import pulumi
import pulumi_aws as aws

from infra.plan import Plan
from infra.stack_settings import AssumedRole


def make_provider(plan: Plan, verdict: pulumi.Input[object] = None) -> aws.Provider:
    """The provider that makes all of a stack's resources.

    Args:
        plan: What is deployed.
        verdict: Nothing is made before it is there.
    """
    given = plan.stack.aws
    tags = {"project": plan.config.name, "stage": plan.names.stack}
    return aws.Provider(
        "aws",
        # All resources need the provider, and it needs its region: so nothing is made before the verdict.
        region=pulumi.Output.from_input(verdict).apply(lambda _: plan.region),
        profile=given.profile,
        access_key=_secret(given.accessKey),
        secret_key=_secret(given.secretKey),
        token=_secret(given.token),
        allowed_account_ids=list(given.allowedAccountIds) or None,
        forbidden_account_ids=list(given.forbiddenAccountIds) or None,
        assume_roles=[_assumed(role) for role in given.assumeRoles] or None,
        shared_config_files=list(given.sharedConfigFiles) or None,
        shared_credentials_files=list(given.sharedCredentialsFiles) or None,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags),
    )


def _secret(value: str | None) -> pulumi.Output[str] | None:
    # Marked, or the state would show it.
    return None if value is None else pulumi.Output.secret(value)


def _assumed(role: AssumedRole) -> aws.ProviderAssumeRoleArgs:
    return aws.ProviderAssumeRoleArgs(role_arn=role.roleArn, external_id=role.externalId, session_name=role.sessionName)
