"""AWS as the stack's own settings and the environment say: who is asking, and where."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from cli.errors import CommandError
from infra.stack_settings import AwsSettings

_SESSION_NAME = "trebuche"
CLIENT_CONFIG = Config(connect_timeout=10, retries={"mode": "standard", "max_attempts": 3})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the credentials belong to."""

    account: str
    arn: str


@contextmanager
def speaking_to_aws() -> Iterator[None]:
    """Turn what boto3 raises into one sentence.

    Raises:
        CommandError: AWS refuses, cannot be reached, or there are no credentials.
    """
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise CommandError(
            f"There are no AWS credentials ({str(error).rstrip('.')}). Configure some with `aws configure` or "
            'AWS_PROFILE, or use the sandbox: eval "$(trebuche sandbox env)"'
        ) from error
    except EndpointConnectionError as error:
        raise CommandError(f"AWS cannot be reached: {error} Is a sandbox meant that has been stopped?") from error
    except ClientError as error:
        details = error.response.get("Error", {})
        what = f"{error.operation_name}: {details.get('Code', 'error')}: {details.get('Message', '')}"
        raise CommandError(f"AWS refuses {what}".rstrip(": ")) from error
    except BotoCoreError as error:
        raise CommandError(f"AWS cannot be asked: {error}") from error


def open_session(settings: AwsSettings, region: str) -> boto3.Session:
    """A session with the credentials that the stack deploys with.

    Raises:
        CommandError: There are none, or a role cannot be taken.
    """
    with speaking_to_aws():
        session = boto3.Session(
            profile_name=settings.profile,
            aws_access_key_id=settings.accessKey,
            aws_secret_access_key=settings.secretKey,
            aws_session_token=settings.token,
            region_name=region,
        )
        for role in settings.assumeRoles:
            session = _as_role(session, role.roleArn, role.sessionName, role.externalId)
    return session


def who_asks(session: boto3.Session) -> Identity:
    """The account and the principal of a session (STS GetCallerIdentity).

    Raises:
        CommandError: AWS does not know the credentials, or cannot be reached.
    """
    with speaking_to_aws():
        answer = session.client("sts", config=CLIENT_CONFIG).get_caller_identity()
    return Identity(answer["Account"], answer["Arn"])


def check_account(identity: Identity, settings: AwsSettings, stack: str) -> None:
    """Hold the account against the stack file.

    Raises:
        CommandError: The stack is not for this account.
    """
    allowed, forbidden = settings.allowedAccountIds, settings.forbiddenAccountIds
    if allowed and identity.account not in allowed:
        raise CommandError(
            f"Your credentials are of account {identity.account}, and Pulumi.{stack}.yaml allows "
            f"{', '.join(allowed)} only (aws:allowedAccountIds). Nothing was touched; use credentials of that account."
        )
    if identity.account in forbidden:
        raise CommandError(
            f"Your credentials are of account {identity.account}, which Pulumi.{stack}.yaml forbids "
            "(aws:forbiddenAccountIds). Nothing was touched."
        )


def _as_role(session: boto3.Session, arn: str, session_name: str | None, external_id: str | None) -> boto3.Session:
    sts = session.client("sts", config=CLIENT_CONFIG)
    name = session_name or _SESSION_NAME
    if external_id is None:
        answer = sts.assume_role(RoleArn=arn, RoleSessionName=name)
    else:
        answer = sts.assume_role(RoleArn=arn, RoleSessionName=name, ExternalId=external_id)
    given = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        region_name=session.region_name,
    )
