"""Literal Pulumi commands with one table, by the real engine that starts the provider itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.client import RunningSandbox
from sandbox.engine.home import prepare_home
from sandbox.environment import child_environment
from tests.support.sandbox import Aws

ROOT = Path(__file__).parents[3]
TIMEOUT_SECONDS = 120
UP = ("up", "--yes", "--skip-preview")
PROGRAM = """
import pulumi
import pulumi_aws as aws

table = aws.dynamodb.Table(
    "things",
    attributes=[{"name": "id", "type": "S"}],
    hash_key="id",
    billing_mode="PAY_PER_REQUEST",
    stream_enabled=True,
    stream_view_type="NEW_IMAGE",
    tags={"round": "1"},
)
secret = aws.ssm.Parameter("secret", type="SecureString", value=pulumi.Config().require_secret("word"))
role = aws.iam.Role("role", assume_role_policy=aws.iam.get_policy_document(statements=[{
    "actions": ["sts:AssumeRole"], "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}],
}]).json)
aws.iam.RolePolicy("policy", role=role.id, policy=pulumi.Output.json_dumps({
    "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": table.arn}],
}))
pulumi.export("table", table.name)
pulumi.export("account", aws.get_caller_identity().account_id)
"""


class Project:
    """A Pulumi project on the shared sandbox, with a home and a state of its own."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder, self.environ = folder, environ
        folder.mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text("name: things\nruntime: python\n")
        self.program = PROGRAM
        self.pulumi("stack", "init", "dev")
        self.pulumi("config", "set", "--secret", "word", "swordfish")

    def pulumi(self, *arguments: str, code: int = 0) -> str:
        """Run a command; what it printed."""
        (self.folder / "__main__.py").write_text(self.program)
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def operations(self, *arguments: str) -> dict[str, str]:
        """Name → operation of a preview's steps that are not ``same``."""
        steps = json.loads(self.pulumi("preview", "--json", *arguments))["steps"]
        return {step["urn"].split("::")[-1]: step["op"] for step in steps if step["op"] != "same"}


class Home:
    """Where the commands of a test find their home, and the shared sandbox's address."""

    def __init__(self, directory: Path, aws_endpoint: str) -> None:
        self.directory, self.aws_endpoint = str(directory), aws_endpoint


@pytest.fixture
def project(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[Project]:
    """A fresh project; destroyed at the end."""
    directory = tmp_path / "a home with spaces"
    prepare_home(ROOT, directory)
    environ = child_environment(ROOT, Home(directory, sandbox.record.aws_endpoint))
    made = Project(tmp_path / "a project", environ)
    yield made
    made.pulumi("destroy", "--yes", "--skip-preview")


def test_a_stacks_whole_life(project: Project, aws: Aws) -> None:
    """Made, silent the second time, changed in place, refreshed, brought back after a deletion, renamed, destroyed."""
    assert set(project.operations().values()) == {"create"}
    project.pulumi(*UP)
    table = json.loads(project.pulumi("stack", "output", "--json"))["table"]
    project.pulumi(*UP, "--expect-no-changes")
    project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert "swordfish" not in project.pulumi("stack", "export")

    project.program = PROGRAM.replace('"round": "1"', '"round": "2"')
    assert project.operations() == {"things": "update"}
    project.pulumi(*UP)
    tags = aws.dynamodb.list_tags_of_resource(
        ResourceArn=aws.dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    )["Tags"]
    assert tags == [{"Key": "round", "Value": "2"}]

    aws.dynamodb.delete_table(TableName=table)
    assert "deleted" in project.pulumi("refresh", "--yes", "--skip-preview")
    project.pulumi(*UP)
    table = json.loads(project.pulumi("stack", "output", "--json"))["table"]
    assert aws.dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"

    project.program = project.program.replace('"id"', '"other"')
    replaced = project.operations()
    assert replaced["things"] in ("replace", "create-replacement", "delete-replaced")
    project.pulumi(*UP)
    project.pulumi(*UP, "--expect-no-changes")

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert table not in aws.dynamodb.list_tables()["TableNames"]


def test_what_the_sandbox_does_not_know_is_refused_by_name(project: Project) -> None:
    """A type without a stand-in and a misspelled property stop the preview; nothing is made."""
    project.program = PROGRAM + '\naws.s3.Bucket("uploads")\n'
    assert "no stand-in for aws:s3/bucket" in project.pulumi("preview", code=1)
    project.program = PROGRAM + '\naws.sqs.Queue("q", visibility_timeout_seconds=50000)\n'
    assert "'visibilityTimeoutSeconds' is 50000; AWS accepts 0 to 43200" in project.pulumi("preview", code=1)


def test_an_import_succeeds(project: Project, aws: Aws) -> None:
    """What boto3 made can be taken into the stack."""
    name, _ = aws.table()
    project.pulumi(
        "import", "aws:dynamodb/table:Table", "taken", name, "--yes", "--protect=false", "--generate-code=false"
    )
    exported = json.loads(project.pulumi("stack", "export"))["deployment"]["resources"]
    [taken] = [one for one in exported if one["urn"].endswith("::taken")]
    assert taken["inputs"]["hashKey"] == "actorId"


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [(None, "AWS_ENDPOINT_URL is not set"), ("https://dynamodb.us-east-1.amazonaws.com", "only works with an address")],
)
def test_the_provider_does_not_start_away_from_loopback(endpoint: str | None, text: str) -> None:
    """One sentence says what is missing, and nothing is served."""
    environ = {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.provider"],
        cwd=ROOT,
        env={**environ, **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1
