"""Literal Pulumi commands on the sandbox: what they plan, change, notice and remove."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.loop.conftest import Deployed, Local
from tests.loop.peer import Peer

NO_RESOURCES = ("pulumi:providers:", "pulumi:pulumi:StackReference")
"""The engine reads a stack reference through a provider of its own."""
BUCKET = 'import pulumi_aws\npulumi_aws.s3.Bucket("uploads")\n'
UP = ("up", "--yes", "--skip-preview", "--non-interactive")


def _changes(preview: str) -> dict[str, tuple[str, str]]:
    """Resource name → (type, operation) of every step that changes something."""
    found = {}
    for step in json.loads(preview)["steps"]:
        if step["op"] not in ("same", "read"):
            kind, name = step["urn"].split("::")[-2:]
            found[name] = (kind.split("$")[-1], step["op"])
    return found


@contextmanager
def _edited(local: Local, path: str, old: str, new: str) -> Iterator[None]:
    file = local.workshop.root / path
    before = file.read_text()
    local.workshop.replace(path, old, new)
    try:
        yield
    finally:
        file.write_text(before)


def test_every_resource_is_under_its_component(deployed: Deployed) -> None:
    """Directly under the stack there are components only, apart from providers and what is read from stacks."""
    exported = json.loads(deployed.pulumi("stack", "export").stdout)
    resources = exported["deployment"]["resources"]
    [stack] = [resource["urn"] for resource in resources if resource["type"] == "pulumi:pulumi:Stack"]
    leaves = [
        resource["urn"]
        for resource in resources
        if resource.get("parent", stack) == stack
        and resource.get("custom")
        and not resource["type"].startswith(NO_RESOURCES)
    ]
    assert leaves == []
    assert len(resources) > 20


def test_second_up_changes_nothing(deployed: Deployed) -> None:
    """What is deployed is what the program says."""
    done = deployed.pulumi(*UP, "--expect-no-changes", check=False)
    assert done.returncode == 0, done.stdout


def test_memory_changes_that_function_only_and_in_place(deployed: Deployed) -> None:
    """An actor's memory is its own function's, which is updated without a replacement, behind its alias."""
    name = deployed.outputs["functions"]["actor-game-room"].split(":function:")[1].split(":")[0]

    def memory() -> int:
        return deployed.aws.functions.get_function_configuration(FunctionName=name)["MemorySize"]

    with _edited(deployed.local, "trebuche.yaml", "memory: 2048", "memory: 1536"):
        changes = _changes(deployed.pulumi("preview", "--json").stdout)
        deployed.pulumi(*UP)
        assert memory() == 1536
    deployed.pulumi(*UP)
    assert memory() == 2048
    assert {operation for _, operation in changes.values()} == {"update"}
    kinds = sorted(kind for kind, _ in changes.values() if kind.startswith("aws:"))
    assert kinds == ["aws:lambda/alias:Alias", "aws:lambda/function:Function"]


def test_table_deleted_behind_its_back_comes_back(deployed: Deployed) -> None:
    """A refresh sees that a table is gone, and the next up makes it again."""
    table = deployed.outputs["connections_table"]
    deployed.aws.dynamodb.delete_table(TableName=table)
    refreshed = deployed.pulumi("refresh", "--yes", "--skip-preview", "--non-interactive").stdout
    deployed.pulumi(*UP)
    assert "deleted" in refreshed
    assert deployed.aws.dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"


def test_resource_that_the_sandbox_does_not_know_is_refused_by_name(deployed: Deployed) -> None:
    """A bucket is not pretended to exist."""
    with _edited(deployed.local, "__main__.py", "for output, value in", BUCKET + "\nfor output, value in"):
        done = deployed.pulumi("preview", "--non-interactive", check=False)
    assert done.returncode != 0
    assert "aws:s3/bucket" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "old", "new", "texts"),
    [
        ("trebuche.yaml", "memory: 1024", "memory: 64", ["trebuche.yaml", "actors.TodoList.memory", "128"]),
        (
            "trebuche.yaml",
            "    stateful: true\n  GameRoom",
            "    statefull: true\n  GameRoom",
            ["statefull", "stateful"],
        ),
        ("trebuche.yaml", "  TodoList:", "  TodoLst:", ["TodoLst", "TodoList"]),
        ("lambda_src/actors/todo_list.py", "class TodoList", "class class TodoList", ["todo_list.py"]),
    ],
)
def test_bad_input_is_one_message_and_nothing_is_deployed(
    deployed: Deployed, path: str, old: str, new: str, texts: list[str]
) -> None:
    """The message names the file, the key and what is allowed; the engine plans nothing."""
    with _edited(deployed.local, path, old, new):
        done = deployed.pulumi("preview", "--non-interactive", check=False)
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in printed
    for text in texts:
        assert text in printed


def test_destroy_leaves_nothing_in_the_emulator(local: Local) -> None:
    """A stack that was used and is destroyed leaves nothing that carries its name."""
    stack = "gone"
    local.pulumi("stack", "init", stack, "--no-select")
    try:
        local.pulumi(*UP, "--stack", stack)
        endpoint = json.loads(local.pulumi("stack", "output", "--json", "--stack", stack).stdout)["wss_endpoint"]
        asyncio.run(_use(endpoint))
        before = _belongings(local, stack)
        local.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", stack)
        after = _belongings(local, stack)
    finally:
        local.pulumi("stack", "rm", "--yes", "--force", "--remove-backups", stack)
    assert [kind for kind, names in before.items() if not names] == []
    assert after == {kind: [] for kind in after}


async def _use(endpoint: str) -> None:
    async with Peer.at(endpoint) as peer:
        stream = await peer.observe("todos")
        await peer.call("todos", "addTodo", "Buy milk")
        await stream.until(2)


def _belongings(local: Local, stack: str) -> dict[str, list[str]]:
    """What the emulator holds whose name carries a stack's name."""
    aws: Any = local.aws
    alarms = aws.alarms.get_paginator("describe_alarms").paginate()
    names = {
        "tables": aws.dynamodb.list_tables()["TableNames"],
        "functions": [one["FunctionName"] for one in aws.functions.list_functions()["Functions"]],
        "mappings": [one["FunctionArn"] for one in aws.functions.list_event_source_mappings()["EventSourceMappings"]],
        "apis": [one["Name"] for one in aws.apis.get_apis()["Items"]],
        "roles": [one["RoleName"] for one in aws.roles.list_roles()["Roles"]],
        "queues": aws.queues.list_queues().get("QueueUrls", []),
        "log groups": local.aws.log_groups(),
        "alarms": [one["AlarmName"] for page in alarms for one in page["MetricAlarms"]],
        "namespaces": [one["Name"] for one in aws.namespaces.list_namespaces()["Namespaces"]],
    }
    return {kind: [name for name in found if f"-{stack}" in name] for kind, found in names.items()}


def test_started_sandbox_has_a_stack_to_deploy(local: Local) -> None:
    """Plain Pulumi commands work right after the sandbox's environment is loaded."""
    stacks = {stack["name"] for stack in json.loads(local.pulumi("stack", "ls", "--json").stdout)}

    assert "sandbox" in stacks
