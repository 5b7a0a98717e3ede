"""The stack's AWS provider."""

import json
from pathlib import Path
from typing import Any

from infra.plan import make_plan
from infra.provider import make_provider
from tests.infra.project import make_project
from tests.infra.recording import deploy


def provider(root: Path, **aws: str) -> dict[str, Any]:
    """Inputs of the provider, with what the SDK adds by itself left out."""
    plan = make_plan(make_project(root), "dev", {f"aws:{key}": value for key, value in aws.items()})
    [made] = deploy(lambda: make_provider(plan)).resources
    assert (made.type, made.name) == ("pulumi:providers:aws", "aws")
    return {key: value for key, value in made.inputs.items() if not key.startswith("skip")}


def test_region_is_the_files(tmp_path: Path) -> None:
    """Without a region of its own, a stack has the one of trebuche.yaml; everything carries project and stage."""
    made = provider(tmp_path)

    assert json.loads(made.pop("defaultTags")) == {"tags": {"project": "my-app", "stage": "dev"}}
    assert made == {"region": "eu-west-1"}


def test_stack_has_the_last_word(tmp_path: Path) -> None:
    """A stack's own region and accounts hold."""
    made = provider(tmp_path, region="us-west-2", allowedAccountIds='["111122223333"]', profile="staging")

    assert (made["region"], made["profile"]) == ("us-west-2", "staging")
    assert json.loads(made["allowedAccountIds"]) == ["111122223333"]


def test_credentials_and_roles_are_passed_on(tmp_path: Path) -> None:
    """Everything that a stack file may say about AWS reaches the provider."""
    roles = '[{"roleArn": "arn:aws:iam::111122223333:role/deploy", "externalId": "x", "sessionName": "y"}]'

    made = provider(
        tmp_path,
        accessKey="a",
        secretKey="b",
        token="c",
        forbiddenAccountIds='["444455556666"]',
        sharedConfigFiles='["one"]',
        sharedCredentialsFiles='["two"]',
        assumeRoles=roles,
    )

    assert (made["accessKey"], made["secretKey"], made["token"]) == ("a", "b", "c")
    assert json.loads(made["forbiddenAccountIds"]) == ["444455556666"]
    assert (json.loads(made["sharedConfigFiles"]), json.loads(made["sharedCredentialsFiles"])) == (["one"], ["two"])
    [role] = json.loads(made["assumeRoles"])
    assert role == {"roleArn": "arn:aws:iam::111122223333:role/deploy", "externalId": "x", "sessionName": "y"}
