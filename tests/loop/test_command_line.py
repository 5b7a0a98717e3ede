"""Deploy, look after and remove a stack with ``trebuche`` alone, against a real engine and a real sandbox."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

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


def test_redrive_delivers_what_was_given_up(shop: Shop, todos: str) -> None:
    """A change whose dead letter lies in the queue reaches its subscriber, and the queue is empty."""
    functions = shop.local.aws.functions
    alias = shop.local.pulumi("stack", "output", "functions", *STACK, "--json").stdout
    processor = json.loads(alias)["stream-processor"]
    [mapping] = functions.list_event_source_mappings(FunctionName=processor)["EventSourceMappings"]

    async def scenario() -> tuple[dict[str, Any], list[Any]]:
        async with Peer.at(shop.endpoint) as peer:
            stream = await peer.observe(todos)
            await stream.until(1)
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
            await peer.call(todos, "addTodo", "Milk")
            _give_up(shop, mapping["EventSourceArn"], mapping["DestinationConfig"]["OnFailure"]["Destination"], todos)
            answer = await asyncio.to_thread(shop.document, "redrive", *STACK)
            return answer, await stream.until(2)

    try:
        answer, values = asyncio.run(scenario())
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    assert (answer["messages"], answer["redriven"], answer["records"], answer["failures"]) == (1, 1, 1, [])
    assert [todo["title"] for todo in values[-1]["todos"]] == ["Milk"]
    assert shop.document("redrive", *STACK)["messages"] == 0


def _give_up(shop: Shop, stream: str, queue: str, actor: str) -> None:
    """Send what Lambda sends about the actor's only record."""
    environment = shop.local.environment
    streams = boto3.client(
        "dynamodbstreams",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    for shard in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
        where = {"StreamArn": stream, "ShardId": shard["ShardId"]}
        iterator = streams.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        for record in streams.get_records(ShardIterator=iterator)["Records"]:
            if record["dynamodb"]["Keys"]["actorId"] == {"S": actor}:
                number = record["dynamodb"]["SequenceNumber"]
                batch = {**where, "shardId": shard["ShardId"], "streamArn": stream, "batchSize": 1}
                batch |= {"startSequenceNumber": number, "endSequenceNumber": number}
                queues = shop.local.aws.queues
                url = queues.get_queue_url(QueueName=queue.split(":")[5])["QueueUrl"]
                queues.send_message(QueueUrl=url, MessageBody=json.dumps({"DDBStreamBatchInfo": batch}))
                return
    raise AssertionError(f"no record of {actor} in the stream")
