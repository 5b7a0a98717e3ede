"""What docs/aws.md and docs/page.md say, held against what there is."""

import json
import re
from pathlib import Path

import pytest

from cli.main import trebuche
from sandbox import versions

DOCS = Path(__file__).resolve().parents[2] / "docs"
MANAGED_POLICY_CHARACTERS = 6_144
"""Without white space (IAM quotas)."""

HCL = (
    "aws_apigatewayv2_api.websocket",
    "aws_apigatewayv2_route.connect",
    "aws_lambda_function.websocket_handler",
    "aws_iam_role.lambda_exec",
    "aws_dynamodb_table.connections",
    "aws_dynamodb_table.actor_state",
    "aws_lambda_event_source_mapping.dynamodb_stream",
    "aws_cloudwatch_metric_alarm.websocket_errors",
)


def test_versions_to_install_are_the_pinned_ones() -> None:
    """Who follows the page gets the versions that are tested together."""
    text = (DOCS / "aws.md").read_text()
    assert f"--version {versions.SDK}" in text
    assert f"plugin install resource aws {versions.PROVIDER}" in text
    assert f"from {versions.CLI} on" in text


def test_deployers_policy_is_one_that_iam_takes() -> None:
    """JSON with unique statement ids, within the size of a managed policy."""
    [block] = re.findall(r"```json\n(.*?)```", (DOCS / "aws.md").read_text(), re.DOTALL)
    statements = json.loads(block)["Statement"]
    assert len({one["Sid"] for one in statements}) == len(statements)
    assert len(re.sub(r"\s", "", block)) <= MANAGED_POLICY_CHARACTERS


@pytest.mark.parametrize("page", ["aws.md", "page.md"])
def test_commands_that_are_named_exist(page: str) -> None:
    """No page promises a command that is not there."""
    named = set(re.findall(r"(?:^|[`(])trebuche ([a-z]+)", (DOCS / page).read_text(), re.MULTILINE))
    assert named
    assert named <= set(trebuche.commands)


def test_every_block_of_the_page_is_placed() -> None:
    """Each HCL resource of the page has its row."""
    text = (DOCS / "page.md").read_text()
    assert [name for name in HCL if name not in text] == []


def test_python_names_on_the_page_exist() -> None:
    """Each module that a row names is there."""
    modules = set(re.findall(r"`trebuche\.(?!yaml)([a-z_.]+)`", (DOCS / "page.md").read_text()))
    source = DOCS.parent / "lambda_src" / "trebuche"
    assert modules
    assert [name for name in modules if not (source / f"{name.replace('.', '/')}.py").exists()] == []
