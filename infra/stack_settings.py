"""Settings of one stack, which is a stage: the ``trebuche:`` and ``aws:`` keys of its file, and the rules for its name.

Fields are named as the stack file writes them, which is Pulumi's way.
"""
# ruff: noqa: N815

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from infra.config import Region, as_tuple
from infra.mistakes import describe, dotted, mistake, rule, show
from infra.naming import PRODUCTION
from infra.yaml_source import KeyPath, YamlSource
from trebuche.errors import ConfigError

_RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""The periods that CloudWatch Logs knows (PutRetentionPolicy)."""
_STACK = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ACTOR_PREFIX = re.compile(r"actor(-|$)")

When = Literal["production", "always", "never"]


def _number(value: Any) -> Any:
    """Pulumi hands numbers over as text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else value


def _retention(value: Any) -> Any:
    days = _number(value)
    if days not in _RETENTIONS:
        raise mistake(f"{show(days)} is not allowed; it must be one of {', '.join(map(str, _RETENTIONS))} (days)")
    return days


def _list(value: Any) -> Any:
    """Pulumi hands lists over as JSON."""
    try:
        return as_tuple(json.loads(value)) if isinstance(value, str) else as_tuple(value)
    except ValueError:
        return value


Choice = Annotated[When, rule("production (only the stack of that name), always or never", get_args(When))]
PerSecond = Annotated[
    int, Field(ge=1, le=1_000_000), rule("a whole number from 1 to 1000000"), BeforeValidator(_number)
]
Text = Annotated[str, Field(min_length=1), rule("a text")]
AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$"), rule("the 12 digits of an AWS account, in quotes")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class StackSettings(_Section):
    """``trebuche:`` keys, with the defaults that Pulumi.yaml declares."""

    logRetentionDays: Annotated[int, BeforeValidator(_retention)] = 14
    protect: Choice = "production"
    pointInTimeRecovery: Choice = "production"
    messagesPerSecond: PerSecond = 10_000
    messageBurst: PerSecond = 5_000


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
    allowedAccountIds: Annotated[tuple[AccountId, ...], BeforeValidator(_list)] = ()
    forbiddenAccountIds: Annotated[tuple[AccountId, ...], BeforeValidator(_list)] = ()
    assumeRoles: Annotated[tuple[AssumedRole, ...], BeforeValidator(_list)] = ()
    sharedConfigFiles: Annotated[tuple[Text, ...], BeforeValidator(_list)] = ()
    sharedCredentialsFiles: Annotated[tuple[Text, ...], BeforeValidator(_list)] = ()


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
