"""``trebuche redrive`` against moto's queue, stream and tables; only the function is a fake."""

import io
import json
from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cli.dead_letters import DeadLetter
from cli.redrive import Redriver, Route, batches
from cli.stream_records import current_state

REGION = "eu-west-1"
ALIAS = f"arn:aws:lambda:{REGION}:123456789012:function:my-app-stream-processor:live"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:failures"

Json = dict[str, Any]


class FakeFunctions:
    """Lambda's ``invoke``: notes the events, answers what a test says."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self.answer: Json = {}
        self.error: str | None = None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Json:  # noqa: N803 - boto3's
        """Take an event."""
        assert FunctionName == ALIAS
        self.events.append(json.loads(Payload))
        failed = {"FunctionError": self.error} if self.error else {}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **failed}

    @property
    def records(self) -> list[Json]:
        """The records of all events."""
        return [record for event in self.events for record in event["Records"]]


class TrimmedStreams:
    """A stream after 24 hours."""

    def get_shard_iterator(self, **_request: object) -> Json:
        """Refuse as DynamoDB does."""
        raise ClientError({"Error": {"Code": "TrimmedDataAccessException", "Message": "gone"}}, "GetShardIterator")


class Account:
    """Tables, a stream and a queue, with a session whose Lambda is the fake."""

    def __init__(self) -> None:
        self.functions = FakeFunctions()
        self.trimmed = False
        self._session = boto3.Session(region_name=REGION)
        self.events = self._session.events
        self.tables = self._session.client("dynamodb")
        self.streams = self._session.client("dynamodbstreams")
        self.queues = self._session.client("sqs")
        self.url = self.queues.create_queue(QueueName="failures")["QueueUrl"]
        self.stream_arn = self._table("state", "actorId")
        self._table("subscriptions", "actorId", "streamId")

    def client(self, service: str, **_options: object) -> object:
        """A session's."""
        if service == "dynamodbstreams" and self.trimmed:
            return TrimmedStreams()
        return self.functions if service == "lambda" else self._session.client(cast("Any", service))

    def _table(self, name: str, *keys: str) -> str:
        schema = [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
        made = self.tables.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=cast("Any", schema),
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return made["TableDescription"]["LatestStreamArn"]

    def save(self, actor: str, version: int) -> None:
        """A turn's write."""
        item = {"actorId": {"S": actor}, "version": {"N": str(version)}, "state": {"B": b'{"todos":[]}'}}
        self.tables.put_item(TableName="state", Item=cast("Any", item))

    def subscribe(self, actor: str, sent: int) -> None:
        """A row of the subscriptions table."""
        item = {"actorId": {"S": actor}, "streamId": {"S": f"{actor}-{sent}"}, "sent": {"N": str(sent)}}
        self.tables.put_item(TableName="subscriptions", Item=cast("Any", item))

    def numbers(self) -> list[str]:
        """The sequence numbers in the state table's stream."""
        where = {"StreamArn": self.stream_arn, "ShardId": self.shard}
        iterator = self.streams.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        records = self.streams.get_records(ShardIterator=iterator)["Records"]
        return [record["dynamodb"]["SequenceNumber"] for record in records]

    @property
    def shard(self) -> str:
        """The stream's only one."""
        return self.streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]["Shards"][0]["ShardId"]

    def give_up(self, first: str, last: str) -> None:
        """What Lambda sends when it gives records up."""
        batch = {"shardId": self.shard, "startSequenceNumber": first, "endSequenceNumber": last}
        batch |= {"streamArn": self.stream_arn}
        body = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": batch}
        self.queues.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    def left(self) -> int:
        """How many messages are in the queue, for anybody to take."""
        names = self.queues.get_queue_attributes(QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(names["Attributes"]["ApproximateNumberOfMessages"])

    def redriver(self) -> Redriver:
        """The thing under test."""
        return Redriver(cast("boto3.Session", self), Route(ALIAS, QUEUE, "state", "subscriptions"))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Account()


def test_every_host_of_the_queue_is_asked(account: Account) -> None:
    """Without a wait SQS samples its hosts, and says of a queue with few messages that it is empty."""
    waits: list[int] = []
    account.events.register(
        "provide-client-params.sqs.ReceiveMessage",
        lambda params, **_: waits.append(params.get("WaitTimeSeconds", 0)),
    )
    list(account.redriver().run(10))
    assert waits
    assert all(waits)


def test_records_are_read_again_and_delivered_as_lambda_does(account: Account) -> None:
    """Those of the message and no others, with binary values as base64 text; then the message is gone."""
    for version in range(1, 5):
        account.save("todos", version)
    numbers = account.numbers()
    account.give_up(numbers[1], numbers[2])
    redriver = account.redriver()
    list(redriver.run(10))
    assert [record["dynamodb"]["NewImage"]["version"] for record in account.functions.records] == [
        {"N": "2"},
        {"N": "3"},
    ]
    record = account.functions.records[0]
    assert record["dynamodb"]["NewImage"]["state"] == {"B": "eyJ0b2RvcyI6W119"}
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)
    assert (record["eventName"], record["eventSourceARN"]) == ("MODIFY", account.stream_arn)
    assert (redriver.tally.redriven, redriver.tally.records, account.left()) == (1, 2, 0)


def test_messages_are_redriven_in_the_order_of_their_records(account: Account) -> None:
    """Whatever order the queue hands them out in."""
    for version in range(1, 4):
        account.save("todos", version)
    for number in reversed(account.numbers()):
        account.give_up(number, number)
    list(account.redriver().run(10))
    versions = [record["dynamodb"]["NewImage"]["version"]["N"] for record in account.functions.records]
    assert versions == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"batchItemFailures": [{"itemIdentifier": "7"}]}, None),
        ({"errorMessage": "boom"}, "Unhandled"),
    ],
)
def test_message_stays_when_the_function_reports_a_failure(account: Account, answer: Json, error: str | None) -> None:
    """It can be redriven at once when the cause is mended."""
    account.save("todos", 1)
    [number] = account.numbers()
    account.give_up(number, number)
    account.functions.answer, account.functions.error = answer, error
    redriver = account.redriver()
    list(redriver.run(10))
    assert account.left() == 1
    assert not redriver.tally.is_good
    account.functions.answer, account.functions.error = {"batchItemFailures": []}, None
    list(account.redriver().run(10))
    assert account.left() == 0


def test_records_that_are_gone_fall_back_to_the_current_state(account: Account) -> None:
    """Actors whose subscribers began at an older version are sent as they are now, and no others."""
    account.save("todos", 7)
    account.save("game", 3)
    account.save("nobody", 9)
    account.subscribe("todos", 4)
    account.subscribe("todos", 7)
    account.subscribe("game", 3)
    account.subscribe("never-written", 0)
    account.subscribe("detached#1", 0)
    mark = {"actorId": {"S": "audience#todos"}, "streamId": {"S": "audience"}, "mark": {"S": "m"}}
    account.tables.put_item(TableName="subscriptions", Item=cast("Any", mark))
    account.give_up(f"{1:021}", f"{2:021}")
    account.trimmed = True
    redriver = account.redriver()
    list(redriver.run(10))
    [record] = account.functions.records
    assert record["dynamodb"]["Keys"] == {"actorId": {"S": "todos"}}
    assert record["dynamodb"]["NewImage"]["version"] == {"N": "7"}
    assert (redriver.tally.from_state, redriver.tally.records, account.left()) == (1, 0, 0)


def test_current_state_is_a_change_for_the_stream_processor(account: Account) -> None:
    """The record that is made up reads like one of the stream's."""
    from trebuche.changes import read_change

    account.save("todos", 7)
    item = account.tables.get_item(TableName="state", Key={"actorId": {"S": "todos"}})["Item"]
    letter = DeadLetter("r", account.stream_arn, account.shard, f"{1:021}", f"{2:021}", "x")
    change = read_change(json.loads(json.dumps(current_state(item, letter, "1"))))
    assert change is not None
    assert (change.actor_id, change.version, change.state, change.previous) == ("todos", 7, b'{"todos":[]}', None)


def test_message_of_somebody_else_stays(account: Account) -> None:
    """It is counted, and nobody's change is made out of it."""
    account.queues.send_message(QueueUrl=account.url, MessageBody="hello")
    redriver = account.redriver()
    list(redriver.run(10))
    assert account.functions.events == []
    assert (redriver.tally.unreadable, account.left()) == (1, 1)


def test_limit_is_kept(account: Account) -> None:
    """The others wait."""
    account.save("todos", 1)
    [number] = account.numbers()
    for _ in range(3):
        account.give_up(number, number)
    list(account.redriver().run(2))
    assert account.left() == 1


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"DDBStreamBatchInfo": {"startSequenceNumber": "x"}}', "null"])
def test_what_is_no_dead_letter_is_none(body: str) -> None:
    """A message is understood, or it is not one."""
    assert DeadLetter.parse(body, "r") is None


def test_large_runs_are_cut_below_lambdas_limit() -> None:
    """Each event stays below the limit; a record that is larger by itself goes alone; none is lost."""
    records = [{"text": "x" * size} for size in (10, 10, 90, 10, 10)]
    cut = list(batches(records, limit=60))
    assert cut == [records[:2], [records[2]], records[3:]]
