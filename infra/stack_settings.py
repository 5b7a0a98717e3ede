"""Settings of one stack, which is a stage: the ``trebuche:`` and ``aws:`` keys of its file, and the rules for its name.

Fields are named as the stack file writes them, which is Pulumi's way.
"""
# ruff: noqa: N815

import re
from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from infra.config import Region
from infra.mistakes import describe, dotted, nearest, show
from infra.naming import PRODUCTION
from infra.setting_types import (
    AccountId,
    AgeSeconds,
    BatchSize,
    CertificateArn,
    Choice,
    Digest,
    HostName,
    Instances,
    KeyArn,
    MappingKey,
    ParallelBatches,
    Percent,
    PerSecond,
    Reserved,
    RetentionDays,
    Retries,
    Switch,
    Text,
    TopicArn,
    Units,
    Version,
    When,
    WindowSeconds,
    not_below_minimum,
    parsed,
)
from infra.yaml_source import KeyPath, YamlSource
from trebuche.errors import ConfigError

_STACK = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ACTOR_PREFIX = re.compile(r"actor(-|$)")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Capacity(_Section):
    """Provisioned capacity of each table and index, for reads and for writes."""

    minimum: Units = Field(examples=["minimum: 5"])
    maximum: Annotated[Units, AfterValidator(not_below_minimum)] = Field(examples=["maximum: 500"])
    targetPercent: Percent = 70

    @property
    def scales(self) -> bool:
        """Whether there is anything between the two bounds."""
        return self.maximum > self.minimum


class Domain(_Section):
    """A host name of one's own in front of the API."""

    name: HostName = Field(examples=["name: live.example.com"])
    certificateArn: CertificateArn = Field(
        examples=["certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d"]
    )
    mappingKey: MappingKey | None = None


class Rollback(_Section):
    """Written by ``trebuche rollback``: the release that was taken back, and what runs instead."""

    takenBack: Digest
    release: Digest
    versions: Annotated[dict[str, Version], BeforeValidator(parsed)]


class StackSettings(_Section):
    """``trebuche:`` keys, with the defaults that Pulumi.yaml declares."""

    logRetentionDays: RetentionDays = 14
    protect: Choice = "production"
    pointInTimeRecovery: Choice = "production"
    # API Gateway's own quota for an account and Region, so that the stage is no narrower than that.
    messagesPerSecond: PerSecond = 10_000
    messageBurst: PerSecond = 5_000
    tracing: Switch = False
    snapStart: Switch = False
    provisionedConcurrency: Instances = 0
    reservedConcurrency: Annotated[dict[str, Reserved], BeforeValidator(parsed)] = Field(default_factory=dict)
    streamParallelizationFactor: ParallelBatches = 10
    streamBatchSize: BatchSize = 100
    streamBatchWindowSeconds: WindowSeconds = 0
    streamRetries: Retries = 10
    streamMaximumAgeSeconds: AgeSeconds = 300
    accessLogs: Switch = False
    ownAccountLogRole: Switch = False
    capacity: Annotated[Capacity | None, BeforeValidator(parsed)] = None
    encryptionKeyArn: KeyArn | None = None
    alarmTopicArn: TopicArn | None = None
    domain: Annotated[Domain | None, BeforeValidator(parsed)] = None
    allowAnonymous: Switch = False
    promotesFrom: Text | None = None
    allowBreaking: Annotated[tuple[Text, ...], BeforeValidator(parsed)] = ()
    rollback: Annotated[Rollback | None, BeforeValidator(parsed)] = None


class AssumedRole(_Section):
    """A role that the deployer takes."""

    roleArn: Text
    externalId: Text | None = None
    sessionName: Text | None = None


class AwsSettings(_Section):
    """``aws:`` keys that reach the provider."""

    region: Region | None = None
    profile: Text | None = None
    accessKey: Text | None = None
    secretKey: Text | None = None
    token: Text | None = None
    allowedAccountIds: Annotated[tuple[AccountId, ...], BeforeValidator(parsed)] = ()
    forbiddenAccountIds: Annotated[tuple[AccountId, ...], BeforeValidator(parsed)] = ()
    assumeRoles: Annotated[tuple[AssumedRole, ...], BeforeValidator(parsed)] = ()
    sharedConfigFiles: Annotated[tuple[Text, ...], BeforeValidator(parsed)] = ()
    sharedCredentialsFiles: Annotated[tuple[Text, ...], BeforeValidator(parsed)] = ()


class StackConfig(_Section):
    """A stack's configuration, without the namespaces that are none of ours."""

    trebuche: StackSettings
    aws: AwsSettings


def applies(choice: When, stack: str) -> bool:
    """Whether a choice means this stack."""
    return choice == "always" or (choice == "production" and stack == PRODUCTION)


def load_settings(stack: str, config: Mapping[str, object]) -> StackConfig:
    """Check a stack's settings.

    Args:
        stack: Name of the stack.
        config: The stack's whole configuration, ``namespace:key`` to value.

    Raises:
        ConfigError: One line per mistake, with the stack file, the key and what is allowed.
    """
    values: dict[str, dict[str, object]] = {namespace: {} for namespace in StackConfig.model_fields}
    for key, value in config.items():
        namespace, _, name = key.partition(":")
        if namespace in values:
            values[namespace][name] = value
    try:
        return StackConfig.model_validate(values)
    except ValidationError as error:
        source = YamlSource(f"Pulumi.{stack}.yaml", values, {})
        raise ConfigError("\n".join(describe(error, source, StackConfig, _written))) from None


def _written(path: KeyPath) -> str:
    return f"{path[0]}:{dotted(path[1:])}"


def check_roles(stack: str, settings: StackSettings, roles: Collection[str]) -> None:
    """Hold the functions that the settings name against those that there are.

    Args:
        stack: Name of the stack.
        settings: The stack's settings.
        roles: Roles of the functions that the stack has.

    Raises:
        ConfigError: A function that does not exist, or one with less room than it keeps warm; one line each.
    """
    mistakes = []
    for role, reserved in settings.reservedConcurrency.items():
        if role not in roles:
            known = nearest(role, roles) or f"; there are {', '.join(sorted(roles))}"
            mistakes.append(f"trebuche:reservedConcurrency.{role}: no function of this role{known}")
        elif reserved < settings.provisionedConcurrency:
            warm = f"provisionedConcurrency ({settings.provisionedConcurrency})"
            mistakes.append(
                f"trebuche:reservedConcurrency.{role}: {reserved} is not allowed; it must not be below {warm}"
            )
    if mistakes:
        raise ConfigError("\n".join(f"Pulumi.{stack}.yaml: {one}" for one in mistakes))


def check_regions(stack: str, settings: StackSettings, region: str) -> None:
    """Hold what the settings refer to against the region, in which AWS demands it; it would refuse after half a deploy.

    Args:
        stack: Name of the stack.
        settings: The stack's settings.
        region: Where the stack is deployed.

    Raises:
        ConfigError: A key, a topic or a certificate of another region; one line each.
    """
    arns = {
        "encryptionKeyArn": settings.encryptionKeyArn,
        "alarmTopicArn": settings.alarmTopicArn,
        "domain.certificateArn": settings.domain and settings.domain.certificateArn,
    }
    mistakes = [
        f"Pulumi.{stack}.yaml: trebuche:{key}: it is in {arn.split(':')[3]}; it must be in the stack's region, {region}"
        for key, arn in arns.items()
        if arn and arn.split(":")[3] != region
    ]
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def check_stack_name(stack: str) -> None:
    """A stack's name becomes the stage in the endpoint and the suffix of every resource.

    Raises:
        ConfigError: The name cannot be used for both.
    """
    if not _STACK.fullmatch(stack):
        raise ConfigError(
            f"stack {show(stack)}: the name becomes the API's stage; it must be 1 to 64 letters, digits, hyphens and "
            "underscores"
        )
    if _ACTOR_PREFIX.match(stack):
        raise ConfigError(f"stack {show(stack)}: names that start with actor- belong to the actors' functions")
