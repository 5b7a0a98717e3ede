"""A stack's own settings and its name."""

import json
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from infra.config import ActorConfig, AppConfig
from infra.setting_types import When
from infra.stack_settings import (
    AwsSettings,
    StackSettings,
    applies,
    check_roles,
    check_stack_name,
    load_settings,
)
from trebuche.errors import ConfigError

ROOT = Path(__file__).parents[2]
MODELS: dict[str, type[BaseModel]] = {"trebuche": StackSettings, "aws": AwsSettings}


def handed_over(value: object) -> str:
    """A value of a stack file as Pulumi hands it to a program."""
    return value if isinstance(value, str) else json.dumps(value)


def refusal(**config: object) -> list[str]:
    """The mistakes that a stack's configuration is refused with; ``a__b`` stands for ``a:b``."""
    with pytest.raises(ConfigError) as refused:
        load_settings("dev", {key.replace("__", ":"): value for key, value in config.items()})
    return str(refused.value).splitlines()


def test_defaults_are_the_schemas() -> None:
    """Pulumi.yaml declares every setting with the default that the program has."""
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]

    declared = {key.removeprefix("trebuche:"): entry["default"] for key, entry in schema.items()}

    settings = load_settings("dev", {}).trebuche.model_dump()
    assert declared == {key: value for key, value in settings.items() if value not in (None, {}, ())}
    assert all(entry["description"] for entry in schema.values())


@pytest.mark.parametrize("stage", ["dev", "staging", "production"])
def test_shipped_stack_files_are_read(stage: str) -> None:
    """The stack files in this repository hold values that the program takes, and nothing else."""
    document = yaml.safe_load((ROOT / f"Pulumi.{stage}.yaml").read_text())

    settings = load_settings(stage, {key: handed_over(value) for key, value in document["config"].items()}).trebuche

    assert list(document) == ["config"]
    assert settings.model_fields_set


def test_numbers_come_as_text() -> None:
    """Pulumi hands every value over as text."""
    settings = load_settings("dev", {"trebuche:logRetentionDays": "30", "trebuche:messageBurst": "100"}).trebuche

    assert (settings.logRetentionDays, settings.messageBurst) == (30, 100)


def test_lists_come_as_json() -> None:
    """Lists of the AWS settings are read, and other namespaces left alone."""
    config = {"aws:allowedAccountIds": '["111122223333"]', "aws:region": "eu-west-1", "pulumi:tags": "{}"}

    assert load_settings("dev", config).aws.allowedAccountIds == ("111122223333",)
    as_pulumi_writes_it = {"aws:allowedAccountIds": "[111122223333]"}
    assert load_settings("dev", as_pulumi_writes_it).aws.allowedAccountIds == ("111122223333",)
    assert load_settings("dev", config).aws.region == "eu-west-1"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "trebuche__logRetention",
            "14",
            'trebuche:logRetention: unknown key; did you mean "logRetentionDays"? allowed here: '
            + ", ".join(sorted(StackSettings.model_fields)),
        ),
        (
            "trebuche__logRetentionDays",
            "15",
            "trebuche:logRetentionDays: 15 is not allowed; it must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, "
            "180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 (days)",
        ),
        (
            "trebuche__protect",
            "true",
            'trebuche:protect: "true" is not allowed; it must be production (only the stack of that name), always or '
            "never",
        ),
        (
            "trebuche__messagesPerSecond",
            "0",
            "trebuche:messagesPerSecond: 0 is not allowed; it must be a whole number from 1 to 1000000",
        ),
        (
            "trebuche__tracing",
            "yes",
            'trebuche:tracing: "yes" is not allowed; it must be true or false',
        ),
        (
            "trebuche__streamParallelizationFactor",
            "11",
            "trebuche:streamParallelizationFactor: 11 is not allowed; it must be a whole number from 1 to 10",
        ),
        (
            "trebuche__streamMaximumAgeSeconds",
            "-1",
            'trebuche:streamMaximumAgeSeconds: "-1" is not allowed; it must be a whole number of seconds from 60 to '
            "86400",
        ),
        (
            "trebuche__capacity",
            '{"minimum": 5, "maximum": 4}',
            "trebuche:capacity.maximum: 4 is not allowed; it must not be below minimum (5)",
        ),
        (
            "trebuche__capacity",
            '{"minimum": 5}',
            "trebuche:capacity.maximum: missing; for example maximum: 500",
        ),
        (
            "trebuche__capacity",
            "provisioned",
            'trebuche:capacity: "provisioned" is not allowed; it must be a mapping with the keys maximum, minimum, '
            "targetPercent",
        ),
        (
            "trebuche__reservedConcurrency",
            '{"websocket": 0}',
            "trebuche:reservedConcurrency.websocket: 0 is not allowed; it must be a whole number from 1 to 100000",
        ),
        (
            "trebuche__encryptionKeyArn",
            "alias/mine",
            'trebuche:encryptionKeyArn: "alias/mine" is not allowed; it must be the ARN of a KMS key (not of an '
            "alias), such as arn:aws:kms:us-east-1:111122223333:key/…",
        ),
        (
            "trebuche__alarmTopicArn",
            "me@example.com",
            'trebuche:alarmTopicArn: "me@example.com" is not allowed; it must be the ARN of an SNS topic, such as '
            "arn:aws:sns:us-east-1:111122223333:alarms",
        ),
        (
            "trebuche__domain",
            '{"name": "https://live.example.com", "certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/0"'
            "}",
            'trebuche:domain.name: "https://live.example.com" is not allowed; it must be a host name in small letters, '
            "such as live.example.com",
        ),
        (
            "aws__allowedAccountIds",
            "[1]",
            "aws:allowedAccountIds[0]: 1 is not allowed; it must be the 12 digits of an AWS account, in quotes",
        ),
        (
            "aws__allowedAccountIds",
            "111122223333",
            "aws:allowedAccountIds: 111122223333 is not allowed; it must be a list",
        ),
        (
            "aws__assumeRoles",
            '[{"roleArn": "x", "rolArn": "y"}]',
            'aws:assumeRoles[0].rolArn: unknown key; did you mean "roleArn"? allowed here: externalId, roleArn, '
            "sessionName",
        ),
        (
            "aws__region",
            "Frankfurt",
            'aws:region: "Frankfurt" is not allowed; it must be the name of an AWS region, such as us-east-1',
        ),
        (
            "aws__regoin",
            "eu-west-1",
            'aws:regoin: unknown key; did you mean "region"? allowed here: accessKey, allowedAccountIds, assumeRoles, '
            "forbiddenAccountIds, profile, region, secretKey, sharedConfigFiles, sharedCredentialsFiles, token",
        ),
    ],
)
def test_mistake_is_named(key: str, value: str, message: str) -> None:
    """A mistake gives one line: stack file, key, what was given, what is allowed."""
    assert refusal(**{key: value}) == [f"Pulumi.dev.yaml: {message}"]


@pytest.mark.parametrize("snap_start", ["true", "false"])
def test_both_kinds_of_warm_start_are_refused(snap_start: str) -> None:
    """Lambda offers one or the other; each alone is taken."""
    config = {"trebuche__snapStart": snap_start, "trebuche__provisionedConcurrency": "2"}
    if snap_start == "false":
        load_settings("dev", {key.replace("__", ":"): value for key, value in config.items()})
        return

    assert refusal(**config) == [
        "Pulumi.dev.yaml: trebuche:provisionedConcurrency: snapStart and provisionedConcurrency exclude each other "
        "(Lambda offers one or the other); keep one"
    ]


@pytest.mark.parametrize(
    ("reserved", "message"),
    [
        ({"websocket": 10}, None),
        ({"websocket": 2}, "websocket: 2 is not allowed; it must not be below provisionedConcurrency (3)"),
        ({"websockets": 9}, 'websockets: no function of this role; did you mean "websocket"?'),
        ({"x": 9}, "x: no function of this role; there are actor-todo-list, websocket"),
    ],
)
def test_concurrency_is_reserved_for_functions_that_exist(reserved: dict[str, int], message: str | None) -> None:
    """And with room for what is kept warm, as Lambda demands."""
    settings = StackSettings(reservedConcurrency=reserved, provisionedConcurrency=3)
    roles = ("websocket", "actor-todo-list")
    if message is None:
        check_roles("dev", settings, roles)
        return

    with pytest.raises(ConfigError) as refused:
        check_roles("dev", settings, roles)

    assert str(refused.value) == f"Pulumi.dev.yaml: trebuche:reservedConcurrency.{message}"


@pytest.mark.parametrize(
    ("choice", "on_production", "elsewhere"),
    [("production", True, False), ("always", True, True), ("never", False, False)],
)
def test_choice_depends_on_the_stack(choice: When, on_production: bool, elsewhere: bool) -> None:
    """``production`` means the stack of that name only."""
    assert applies(choice, "production") is on_production
    assert applies(choice, "staging") is elsewhere


def test_protection_is_on_by_default() -> None:
    """Nobody has to remember to protect production."""
    assert applies(StackSettings().protect, "production")
    assert applies(StackSettings().pointInTimeRecovery, "production")


@pytest.mark.parametrize("stack", ["dev", "production", "my_stage-2", "actors"])
def test_stack_name_is_accepted(stack: str) -> None:
    """Letters, digits, hyphens and underscores."""
    check_stack_name(stack)


@pytest.mark.parametrize("stack", ["$default", "a.b", "", "x" * 65, "ä", "actor", "actor-x", "dev\n"])
def test_stack_name_is_refused(stack: str) -> None:
    """A name that API Gateway would not take as a stage, or that could meet an actor's function."""
    with pytest.raises(ConfigError, match=r"^stack "):
        check_stack_name(stack)


def test_every_key_is_documented() -> None:
    """The page about configuration names each key of all models."""
    page = (ROOT / "docs/configuration.md").read_text()

    keys = [f"`{namespace}:{key}`" for namespace, model in MODELS.items() for key in model.model_fields]
    sections = {name: field.annotation for name, field in AppConfig.model_fields.items()}
    for name, annotation in sections.items():
        inner = annotation.model_fields if isinstance(annotation, type) and issubclass(annotation, BaseModel) else {}
        keys += [f"`{name}.{key}`" for key in inner] or [f"`{name}`"]
    keys += [f"`actors.<Class>.{key}`" for key in ActorConfig.model_fields]

    assert len(keys) > 25
    assert [key for key in keys if key not in page] == []
