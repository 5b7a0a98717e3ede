"""Deploy, look after and remove a stack with ``trebuche`` alone, against a real engine and a real sandbox."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.handle import Handle
from tests.loop.conftest import Local
from tests.loop.peer import Peer
from tests.loop.workshop import Done, eventually

STACK = ("--stack", "production")


@dataclass(frozen=True)
class Shop:
    """The page's application as ``my-app`` on stack production."""

    local: Local
    deployed: Done

    def run(self, *words: str, check: bool = True) -> Done:
        """Run a ``trebuche`` command in the shell that ``trebuche sandbox env`` makes."""
        return self.local.workshop.trebuche(*words, check=check, variables=self.local.environment)

    def document(self, *words: str) -> dict[str, Any]:
        """What a command prints for programs."""
        return dict(json.loads(self.run(*words, "--json").stdout))

    @property
    def endpoint(self) -> str:
        """Where clients connect."""
        return str(self.document("status", *STACK)["endpoint"])


@pytest.fixture(scope="module")
def shop(local: Local) -> Iterator[Shop]:
    """Deployed as the page does it; removed by its documented step."""
    file = local.workshop.root / "trebuche.yaml"
    before = file.read_text()
    local.workshop.replace("trebuche.yaml", "name: my-streaming-app", "name: my-app")

    def run(*words: str) -> Done:
        return local.workshop.trebuche(*words, variables=local.environment)

    try:
        yield Shop(local, run("deploy", "--provider", "aws", "--region", "us-east-1", "--yes"))
        local.pulumi("config", "set", "trebuche:protect", "never", *STACK)
        run("deploy", "--yes")
        run("undeploy", "--yes")
        assert local.pulumi("stack", "export", *STACK).stdout.count('"custom": true') == 0
        local.pulumi("stack", "rm", "--yes", *STACK)
    finally:
        file.write_text(before)


def test_deploy_prints_the_pages_five_lines(shop: Shop) -> None:
    """What ``trebuche deploy --provider aws --region us-east-1`` prints for ``name: my-app``."""
    assert shop.deployed.stdout.splitlines() == [
        "✓ Lambda: arn:aws:lambda:us-east-1:000000000000:function:my-app-websocket",
        f"✓ API Gateway: {shop.endpoint}",
        "✓ DynamoDB: my-app-actor-state",
        "✓ DynamoDB: my-app-connections",
        "✓ DynamoDB Streams: Enabled",
    ]
    assert shop.endpoint.endswith("/production")
    assert "000000000000" in shop.deployed.stderr
    assert "pulumi up --stack production" in shop.deployed.stderr


def test_dry_run_of_a_new_stack_leaves_no_trace(shop: Shop) -> None:
    """The tree is printed; neither a stack nor a stack file is there afterwards."""
    done = shop.run("deploy", "--dry-run", "--verbose", "--stack", "preview-only", "--region", "eu-west-1")
    assert "Region:   eu-west-1" in done.stdout
    assert "+          app-state-table  aws:dynamodb/table:Table" in done.stdout
    assert "preview-only" not in shop.local.pulumi("stack", "ls").stdout
    assert not (shop.local.workshop.root / "Pulumi.preview-only.yaml").exists()


def test_status_asks_aws_for_every_part(shop: Shop) -> None:
    """Functions, tables and the stream are there and work."""
    status = shop.document("status", *STACK)
    assert status["healthy"] is True
    assert {one["role"] for one in status["functions"]} >= {"websocket", "stream-processor", "actor-todo-list"}
    assert {one["name"] for one in status["tables"]} >= {"my-app-actor-state", "my-app-connections"}
    assert [one["state"] for one in status["streams"]] == ["Enabled"]
    assert status["update"]["result"] == "succeeded"


def test_logs_show_a_call(shop: Shop, todos: str) -> None:
    """The line of an actor's function, found by the actor's class."""

    async def call() -> None:
        async with Peer.at(shop.endpoint) as peer:
            await peer.call(todos, "addTodo", "Milk")

    asyncio.run(call())
    eventually(lambda: todos in shop.run("logs", "TodoList", "--json").stdout, what="the line of the call")


def test_region_of_a_deployed_stack_cannot_be_changed(shop: Shop) -> None:
    """The stack file keeps its region."""
    done = shop.run("deploy", "--region", "eu-west-1", "--yes", check=False)
    assert done.returncode == 1
    assert "cannot move to eu-west-1" in done.stderr
    assert "us-east-1" in shop.local.pulumi("config", "get", "aws:region", *STACK).stdout


def test_protected_stack_is_not_removed(shop: Shop) -> None:
    """Not even with --yes; the message says the step."""
    done = shop.run("undeploy", "--yes", check=False)
    assert done.returncode == 1
    assert "pulumi config set trebuche:protect never --stack production" in done.stderr
    assert shop.document("status", *STACK)["healthy"] is True


def test_poison_record_is_given_up_and_redriven_after_the_fix(shop: Shop, todos: str) -> None:
    """One actor's change crashes the stream processor: others are delivered, one dead letter, and a late delivery."""
    poison, queue = f"{todos}-poison", failures_url(shop)

    async def scenario() -> tuple[dict[str, Any], list[Any]]:
        async with Peer.at(shop.endpoint) as peer:
            watched, others = await peer.observe(poison), await peer.observe(todos)
            with defective(shop, poison):
                await peer.call(poison, "addTodo", "Milk")
                for title in ("Bread", "Salt"):
                    await peer.call(todos, "addTodo", title)
                values = await others.until(3)
                assert [todo["title"] for todo in values[-1]["todos"]] == ["Bread", "Salt"]
                await asyncio.to_thread(eventually, lambda: waiting(shop, queue) or None, what="the dead letter")
                assert (waiting(shop, queue), len(watched.values)) == (1, 1)
                letter = peek(shop, queue)
                assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
                assert letter["DDBStreamBatchInfo"]["batchSize"] == 1
            answer = await asyncio.to_thread(shop.document, "redrive", *STACK)
            return answer, await watched.until(2)

    answer, values = asyncio.run(scenario())
    assert (answer["messages"], answer["redriven"], answer["records"], answer["failures"]) == (1, 1, 1, [])
    assert [todo["title"] for todo in values[-1]["todos"]] == ["Milk"]
    assert waiting(shop, queue) == 0
    assert shop.document("redrive", *STACK)["messages"] == 0
    clock = Handle(shop.local.environment["AWS_ENDPOINT_URL"]).clock

    def is_healthy() -> bool:
        clock.advance(60)
        return shop.run("status", *STACK, check=False).returncode == 0

    eventually(is_healthy, seconds=120, what="the end of the dead letter's alarm")


@contextmanager
def defective(shop: Shop, actor: str) -> Iterator[None]:
    """Inside, the stream processor crashes on an actor, with two retries; afterwards the sound one is deployed."""
    workshop, file = shop.local.workshop, "lambda_src/trebuche/changes.py"
    sound = (workshop.root / file).read_text()
    reading = '    sequence_number = data.get("SequenceNumber")\n'
    workshop.replace(file, reading, f"{reading}    assert actor_id != {actor!r}, 'a defect'\n")
    shop.local.pulumi("config", "set", "trebuche:streamRetries", "2", *STACK)
    try:
        told = shop.run("deploy", "--yes", "--verbose", *STACK).stderr
        assert re.search(r"stream-processor\S*  aws:lambda/function:Function  updated \(\d+\.\d s\)", told)
        yield
    finally:
        (workshop.root / file).write_text(sound)
        shop.local.pulumi("config", "rm", "trebuche:streamRetries", *STACK)
        shop.run("deploy", "--yes", *STACK)


def waiting(shop: Shop, url: str) -> int:
    """Messages in the queue of what was given up, also those that somebody has taken and not deleted."""
    attributes = shop.local.aws.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return sum(
        int(attributes[name]) for name in ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    )


def peek(shop: Shop, url: str) -> dict[str, Any]:
    """The first message of that queue, which stays there for everybody."""
    [message] = shop.local.aws.queues.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    return dict(json.loads(message["Body"]))


def failures_url(shop: Shop) -> str:
    """The queue that the stream's mapping names."""
    functions = shop.local.aws.functions
    arns = json.loads(shop.local.pulumi("stack", "output", "functions", *STACK, "--json").stdout)
    [mapping] = functions.list_event_source_mappings(FunctionName=arns["stream-processor"])["EventSourceMappings"]
    queue = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    return shop.local.aws.queues.get_queue_url(QueueName=queue.split(":")[5])["QueueUrl"]
