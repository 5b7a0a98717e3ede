"""Stages beside each other, in one account and in several, and every setting of a stack file at once."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.loop.conftest import Aws, Deployed, Local
from tests.loop.peer import Peer
from tests.loop.workshop import CHECKOUT, eventually

QUIET = ("--yes", "--skip-preview", "--non-interactive")
STAGES = ("dev", "staging", "production")
ACCOUNTS = {"dev": "111111111111", "staging": "222222222222", "production": "333333333333"}


@contextmanager
def stack(local: Local, name: str, settings: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A deployed stack; gives its outputs, and destroys it."""
    local.pulumi("stack", "init", name, "--no-select")
    if settings:
        pairs = [word for path, value in settings.items() for word in ("--plaintext", f"{path}={value}")]
        local.pulumi("config", "set-all", "--stack", name, "--path", *pairs)
    try:
        local.pulumi("up", "--stack", name, *QUIET)
        outputs: dict[str, Any] = json.loads(local.pulumi("stack", "output", "--stack", name, "--json").stdout)
        yield outputs
    except BaseException:  # a command that was cut off holds the stack until it is told to let go
        local.pulumi("cancel", "--yes", "--stack", name, check=False)
        raise
    finally:
        if name == "production":  # the only stage that is protected unless its file says otherwise
            local.pulumi("config", "set", "--stack", name, "trebuche:protect", "never")
            local.pulumi("up", "--stack", name, *QUIET)
        local.pulumi("destroy", "--stack", name, *QUIET)
        local.pulumi("stack", "rm", name, "--yes")


def is_silent(local: Local, name: str) -> bool:
    """Whether neither the program nor the account differs from what was deployed."""
    again = local.pulumi("up", "--stack", name, *QUIET, "--expect-no-changes", check=False)
    refreshed = local.pulumi("refresh", "--stack", name, *QUIET, "--expect-no-changes", check=False)
    return bool(again.returncode == refreshed.returncode == 0)


async def call_and_watch(endpoint: str, title: str) -> list[str]:
    """Add a todo; the titles that the stream of the shared list then shows."""
    async with Peer.at(endpoint) as peer:
        stream = await peer.observe("todos")
        await peer.call("todos", "addTodo", title)
        values = await stream.until_true(lambda states: bool(states[-1:]) and bool(states[-1]["todos"]))
        return [todo["title"] for todo in values[-1]["todos"]]


@pytest.fixture
def stack_files(local: Local) -> Iterator[None]:
    """The stack files as they are shipped."""
    copies = [local.workshop.root / f"Pulumi.{stage}.yaml" for stage in STAGES]
    for copy in copies:
        shutil.copy2(CHECKOUT / copy.name, copy)
    yield
    for copy in copies:
        copy.unlink(missing_ok=True)


def left_over(local: Local, of: dict[str, Any]) -> list[str]:
    """Tables and functions of a stack that are still there."""
    tables = set(local.aws.dynamodb.list_tables()["TableNames"])
    functions = {one["FunctionName"] for one in local.aws.functions.list_functions()["Functions"]}
    own = {of[key] for key in ("state_table", "connections_table", "subscriptions_table", "journal_table")}
    own |= {arn.split(":")[6] for arn in of["functions"].values()}
    return sorted(own & (tables | functions))


@pytest.mark.usefixtures("stack_files")
def test_stages_share_an_account(local: Local) -> None:
    """Each has its own endpoint and its own data, answers a call, and leaves nothing behind."""
    with (
        stack(local, "dev", {}) as dev,
        stack(local, "staging", {}) as staging,
        stack(local, "production", {}) as production,
    ):
        every = (dev, staging, production)
        assert len({one["wss_endpoint"] for one in every}) == len({one["state_table"] for one in every}) == 3
        for one, stage in zip(every, STAGES, strict=True):
            assert one["wss_endpoint"].endswith(f"/{stage}")
            assert asyncio.run(call_and_watch(one["wss_endpoint"], f"for {stage}")) == [f"for {stage}"]
            assert left_over(local, one)
        assert all(is_silent(local, stage) for stage in STAGES)

    assert [left_over(local, one) for one in every] == [[], [], []]


def in_account(local: Local, account: str) -> Local:
    """The same sandbox for somebody whose credentials are another account's."""
    environment = {**local.environment, "AWS_ACCESS_KEY_ID": account}
    return Local(local.workshop, environment, Aws(environment))


@pytest.mark.usefixtures("stack_files")
def test_stages_have_accounts_of_their_own(local: Local) -> None:
    """Three accounts at once: each stage answers on its own endpoint, streams, and is seen in its account only."""
    with ExitStack() as stacks:
        accounts = {stage: in_account(local, account) for stage, account in ACCOUNTS.items()}
        outputs = {
            stage: stacks.enter_context(stack(accounts[stage], stage, {"aws:allowedAccountIds[0]": account}))
            for stage, account in ACCOUNTS.items()
        }
        assert len({one["wss_endpoint"] for one in outputs.values()}) == 3
        for stage, one in outputs.items():
            assert {arn.split(":")[4] for arn in one["functions"].values()} == {ACCOUNTS[stage]}
            assert asyncio.run(call_and_watch(one["wss_endpoint"], f"for {stage}")) == [f"for {stage}"]
            seen = {account for account, there in accounts.items() if left_over(there, one)}
            assert seen == {stage}
        assert all(is_silent(accounts[stage], stage) for stage in STAGES)

    assert [left_over(accounts[stage], one) for stage, one in outputs.items()] == [[], [], []]


def test_stack_is_not_deployed_to_an_account_that_it_does_not_allow(local: Local) -> None:
    """Credentials of another account: the engine refuses, and neither account gets anything."""
    there = in_account(local, "111111111111")
    local.pulumi("stack", "init", "guarded", "--no-select")
    local.pulumi("config", "set", "--stack", "guarded", "--path", "aws:allowedAccountIds[0]", "222222222222")

    done = there.pulumi("up", "--stack", "guarded", *QUIET, check=False)

    assert done.returncode != 0
    assert "111111111111" in done.stdout + done.stderr
    assert "aws:allowedAccountIds (222222222222)" in done.stdout + done.stderr
    assert there.aws.dynamodb.list_tables()["TableNames"] == []
    local.pulumi("stack", "rm", "guarded", "--yes", "--force")


def test_everything_at_once_serves(local: Local) -> None:
    """Provisioned and scaling, encrypted, traced, warm, logged, with a domain: it deploys, answers and is silent."""
    settings = {
        "trebuche:capacity.minimum": "5",
        "trebuche:capacity.maximum": "50",
        "trebuche:encryptionKeyArn": "arn:aws:kms:us-east-1:000000000000:key/0a1b",
        "trebuche:tracing": "true",
        "trebuche:provisionedConcurrency": "1",
        "trebuche:reservedConcurrency.websocket": "50",
        "trebuche:streamBatchWindowSeconds": "1",
        "trebuche:accessLogs": "true",
        "trebuche:ownAccountLogRole": "true",
        "trebuche:alarmTopicArn": "arn:aws:sns:us-east-1:000000000000:alarms",
        "trebuche:domain.name": "live.example.com",
        "trebuche:domain.certificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/0a1b",
    }
    with stack(local, "everything", settings) as outputs:
        table = local.aws.dynamodb.describe_table(TableName=outputs["state_table"])["Table"]
        assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
        assert asyncio.run(call_and_watch(outputs["wss_endpoint"], "first")) == ["first"]
        assert is_silent(local, "everything")

    assert left_over(local, outputs) == []


def test_both_warm_starts_are_refused_before_anything_is_made(local: Local) -> None:
    """The preview fails with the reason, and the stack stays empty."""
    local.pulumi("stack", "init", "warm", "--no-select")
    local.pulumi("config", "set", "--stack", "warm", "trebuche:snapStart", "true")
    local.pulumi("config", "set", "--stack", "warm", "trebuche:provisionedConcurrency", "2")

    done = local.pulumi("up", "--stack", "warm", *QUIET, check=False)

    assert done.returncode != 0
    assert "snapStart and provisionedConcurrency exclude each other" in done.stdout + done.stderr
    exported = json.loads(local.pulumi("stack", "export", "--stack", "warm").stdout)["deployment"]
    kinds = {one["type"] for one in exported.get("resources", [])}
    assert kinds <= {"pulumi:pulumi:Stack"}
    local.pulumi("stack", "rm", "warm", "--yes", "--force")


def test_action_saves_an_invocation(deployed: Deployed, todos: str) -> None:
    """Of a call with its action and one without, the websocket function sees the second one only."""

    def invocations(role: str) -> int:
        group = f"/aws/lambda/{deployed.outputs['functions'][role].split(':')[6]}"
        return sum("durationMs" in line for line in deployed.aws.logged(group, todos).splitlines())

    async def scenario() -> None:
        async with Peer.at(deployed.endpoint) as peer:
            await peer.call(todos, "addTodo", "straight to its function")
            await peer.call(todos, "addTodo", "forwarded", action=False)

    asyncio.run(scenario())
    eventually(lambda: invocations("websocket") or None, what="the forwarded call")
    assert eventually(lambda: invocations("actor-todo-list") == 2 or None, what="both calls")
    assert invocations("websocket") == 1
