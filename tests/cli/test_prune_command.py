"""``trebuche prune`` with a fake Pulumi and moto's Lambda."""

import io
import json
import zipfile

import boto3
import pytest

from cli.asking import Asker
from cli.prune import prune_and_print
from tests.cli.stack_workshop import REGION, StackWorkshop, TerminalInput, functions, outputs, resource, state

FUNCTION = "my-app-websocket"


@pytest.fixture
def published(workshop: StackWorkshop) -> StackWorkshop:
    """A stack whose function has twelve versions; ``live`` is on the last one, and a part of it on the second."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client = boto3.client("lambda", region_name=REGION)
    client.create_function(
        FunctionName=FUNCTION, Role=role, Runtime="python3.13", Handler="a.b", Code={"ZipFile": _archive("0")}
    )
    for number in range(1, 13):
        client.update_function_code(FunctionName=FUNCTION, ZipFile=_archive(str(number)), Publish=True)
    client.create_alias(
        FunctionName=FUNCTION,
        Name="live",
        FunctionVersion="12",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    exported = {**outputs(), "functions": {"websocket": functions()["websocket"]}}
    workshop.holds(state(resource("aws:lambda/function:Function", FUNCTION), exported=exported))
    return workshop


def test_old_versions_go_and_those_in_use_stay(published: StackWorkshop) -> None:
    """The newest ones, and what an alias names, whether for all calls or for some."""
    assert _prune(published, keep=3) == 0
    assert _versions() == ["2", "10", "11", "12"]
    assert published.printed == "✓ my-app-websocket: 8 versions deleted, 4 kept\n"


@pytest.mark.parametrize("answer", ["no\n", "y\n", ""])
def test_any_answer_but_yes_deletes_nothing(published: StackWorkshop, answer: str) -> None:
    """The list was shown before the question."""
    assert _prune(published, keep=3, answer=answer) == 1
    assert len(_versions()) == 12
    assert "my-app-websocket: 8 old versions (1 to 9)" in published.told


def test_nothing_old_is_nothing_to_ask(published: StackWorkshop) -> None:
    """As many versions as are kept."""
    assert _prune(published, keep=12, answer="") == 0
    assert published.printed == "Nothing to delete.\n"


def test_document_for_programs_names_each_version(published: StackWorkshop) -> None:
    """Function, what was deleted, and how many stay."""
    assert prune_and_print(published.output(as_json=True), published.stack, Asker(yes=True), keep=10) == 0
    document = json.loads(published.printed)
    assert document["deleted"] == [{"function": FUNCTION, "versions": ["1"], "kept": 11}]


def _prune(workshop: StackWorkshop, *, keep: int, answer: str = "yes\n") -> int:
    asker = Asker(yes=False, stdin=TerminalInput(answer))
    return prune_and_print(workshop.output(), workshop.stack, asker, keep=keep)


def _versions() -> list[str]:
    pages = boto3.client("lambda", region_name=REGION).get_paginator("list_versions_by_function")
    found = [one["Version"] for page in pages.paginate(FunctionName=FUNCTION) for one in page["Versions"]]
    return sorted((version for version in found if version != "$LATEST"), key=int)


def _archive(content: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.py", content)
    return buffer.getvalue()
