"""Event source mappings: what reaches the function, in which order and how often."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.client import RunningSandbox
from tests.support.front import Turn, on_turnable
from tests.support.sandbox import Aws, Function, Json, eventually

TAKE = "record(event)"
FAIL_ON_BAD = """
record(event)
if any(record_["dynamodb"]["Keys"]["entry"]["S"].startswith("bad") for record_ in event["Records"]):
    raise ValueError("bad")
"""
ANSWER_ON_BAD = """
record(event)
bad = any(r["dynamodb"]["Keys"]["entry"]["S"] == "bad" for r in event["Records"])
return ANSWER if bad else None
"""
REPORT_BAD = """
record(event)
bad = [r["dynamodb"] for r in event["Records"] if r["dynamodb"]["Keys"]["entry"]["S"] == "bad"]
return {"batchItemFailures": [{"itemIdentifier": change["SequenceNumber"]} for change in bad]}
"""
PARTIAL = ["ReportBatchItemFailures"]


def entries(function: Function) -> list[list[str]]:
    """The range keys of each batch that a function got."""
    return [[record["dynamodb"]["Keys"]["entry"]["S"] for record in event["Records"]] for event in function.events()]


def flat(function: Function) -> list[str]:
    """The range keys that a function got, one after the other."""
    return [entry for batch in entries(function) for entry in batch]


def subscribe(aws: Aws, stream: str, function: Function, **settings: object) -> str:
    """Map a stream to a function from its beginning; returns the mapping's id."""
    wanted: Json = {"StartingPosition": "TRIM_HORIZON", **settings}
    answer = aws.functions.create_event_source_mapping(EventSourceArn=stream, FunctionName=function.name, **wanted)
    return answer["UUID"]


def fill(aws: Aws, *names: str, actor: str = "todos") -> str:
    """A table whose stream already holds these changes; returns the stream."""
    table, stream = aws.table()
    for name in names:
        aws.put(table, actor, name)
    return stream


def queue(aws: Aws) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    url = aws.sqs.create_queue(QueueName=f"failures-{aws.folder.name[-20:]}")["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def topic(aws: Aws) -> tuple[str, str]:
    """URL of a queue that gets what is published, and the topic's ARN."""
    url, queue_arn = queue(aws)
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue_arn}]}
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    topics = aws.client("sns")
    arn = str(topics.create_topic(Name=f"topic-{aws.folder.name[-20:]}")["TopicArn"])
    topics.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    return url, arn


def letters(aws: Aws, url: str, number: int) -> list[Json]:
    """The on-failure messages, once there are so many."""
    got: list[Json] = []

    def receive() -> int:
        answer = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        got.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return len(got)

    eventually(receive, lambda count: count >= number)
    return got


def test_changes_arrive_in_order_and_in_lambdas_form(aws: Aws) -> None:
    """Every change arrives once, in order; binary as base64 text, numbers as strings."""
    table, stream = aws.table()
    function = aws.function(TAKE)
    subscribe(aws, stream, function)
    for number in range(5):
        aws.put(table, "todos", f"v{number}", state={"B": b"\x00\xff"}, version={"N": str(number)})
    assert eventually(lambda: flat(function), lambda got: len(got) >= 5) == [f"v{n}" for n in range(5)]
    first = function.events()[0]["Records"][0]
    assert first["eventSourceARN"] == stream
    assert first["eventSource"] == "aws:dynamodb"
    assert first["eventName"] == "INSERT"
    assert first["dynamodb"]["NewImage"]["state"] == {"B": "AP8="}
    assert first["dynamodb"]["NewImage"]["version"] == {"N": "0"}


def test_batch_size_cuts_what_waits(aws: Aws) -> None:
    """A backlog is delivered in batches of the mapping's size."""
    stream = fill(aws, *"abcde")
    function = aws.function(TAKE)
    subscribe(aws, stream, function, BatchSize=2)
    eventually(lambda: flat(function), lambda got: len(got) >= 5)
    assert entries(function) == [["a", "b"], ["c", "d"], ["e"]]


def test_window_gathers_single_changes(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """With a window nothing is delivered before it is over, on the sandbox's clock; then all of it at once."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, stream = aws.table()
        function, witness = aws.function(TAKE), aws.function(TAKE)
        subscribe(aws, stream, function, MaximumBatchingWindowInSeconds=300)
        for name in "abc":
            aws.put(table, "todos", name)
        subscribe(aws, stream, witness)
        eventually(lambda: flat(witness), lambda got: len(got) >= 3)
        turn(200)
        assert function.events() == []
        turn(101)
        eventually(function.events)
        assert entries(function) == [["a", "b", "c"]]

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_full_batch_does_not_wait_for_its_window(aws: Aws) -> None:
    """The window ends as soon as there are as many records as a batch may have."""
    stream = fill(aws, "a", "b")
    function = aws.function(TAKE)
    subscribe(aws, stream, function, MaximumBatchingWindowInSeconds=300, BatchSize=2)
    assert eventually(lambda: entries(function)) == [["a", "b"]]


def test_batch_is_cut_at_six_megabytes(aws: Aws) -> None:
    """However many records a batch may have, its event fits; a window does not wait for more than that."""
    table, stream = aws.table()
    for number in range(20):
        aws.put(table, "todos", f"v{number:02}", state={"S": "x" * 390_000})
    function = aws.function("record({'bytes': len(json.dumps(event)), 'number': len(event['Records'])})")
    subscribe(aws, stream, function, MaximumBatchingWindowInSeconds=300, BatchSize=10_000)
    (event,) = eventually(function.events)
    assert event["bytes"] <= 6 * 1024 * 1024
    assert event["number"] == 16


def test_partial_failure_comes_back_from_the_first_failed_record(aws: Aws) -> None:
    """What was before the reported record is done; the rest is delivered again until retries are used up."""
    stream = fill(aws, "g1", "g2", "bad", "g3")
    function = aws.function(REPORT_BAD)
    url, arn = queue(aws)
    subscribe(
        aws,
        stream,
        function,
        FunctionResponseTypes=PARTIAL,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    letter = letters(aws, url, 1)[0]
    assert entries(function) == [["g1", "g2", "bad", "g3"], ["bad", "g3"], ["bad", "g3"]]
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"identifier": "1"}]},
        {"batchItemFailures": [{"itemIdentifier": "1" * 21}]},
        {"batchItemFailures": [{"itemIdentifier": ["1"]}]},
        {"batchItemFailures": "all"},
    ],
    ids=["empty", "null", "other-key", "not-in-the-batch", "list", "no-list"],
)
def test_malformed_answer_fails_the_whole_batch(aws: Aws, answer: Json) -> None:
    """An identifier that is empty, null, missing or nobody's: everything is delivered again."""
    stream = fill(aws, "good", "bad")
    function = aws.function(ANSWER_ON_BAD.replace("ANSWER", repr(answer)))
    subscribe(aws, stream, function, FunctionResponseTypes=PARTIAL, MaximumRetryAttempts=1)
    assert eventually(lambda: entries(function), lambda got: len(got) >= 2) == [["good", "bad"]] * 2


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}], ids=repr)
def test_answer_without_failures_takes_the_batch(aws: Aws, answer: Json | None) -> None:
    """Nothing, an empty object, and an empty or null list are success: the next change comes."""
    table, stream = aws.table()
    aws.put(table, "todos", "bad")
    function = aws.function(ANSWER_ON_BAD.replace("ANSWER", repr(answer)))
    subscribe(aws, stream, function, FunctionResponseTypes=PARTIAL)
    eventually(function.events)
    aws.put(table, "todos", "next")
    assert eventually(lambda: entries(function), lambda got: len(got) >= 2) == [["bad"], ["next"]]


def test_answer_means_nothing_unless_it_was_asked_for(aws: Aws) -> None:
    """Without ReportBatchItemFailures a reported failure is lost: the batch counts as taken."""
    table, stream = aws.table()
    aws.put(table, "todos", "bad")
    function = aws.function(REPORT_BAD)
    subscribe(aws, stream, function)
    eventually(function.events)
    aws.put(table, "todos", "next")
    assert eventually(lambda: entries(function), lambda got: len(got) >= 2) == [["bad"], ["next"]]


def test_bisect_cuts_at_the_reported_record(aws: Aws) -> None:
    """With both settings the batch is cut at the reported record, and cutting uses up no retry."""
    stream = fill(aws, "g1", "g2", "bad", "g3")
    function = aws.function(REPORT_BAD)
    settings: Json = {"FunctionResponseTypes": PARTIAL, "BisectBatchOnFunctionError": True}
    subscribe(aws, stream, function, MaximumRetryAttempts=0, **settings)
    eventually(lambda: flat(function), lambda got: len(got) >= 8)
    assert entries(function) == [["g1", "g2", "bad", "g3"], ["bad", "g3"], ["bad"], ["g3"]]


def test_bisect_isolates_the_poison_record(aws: Aws) -> None:
    """Splitting uses up no retries; good records get through, the bad one is given up with a message."""
    stream = fill(aws, "g1", "g2", "bad", "g3")
    function = aws.function(FAIL_ON_BAD)
    url, arn = queue(aws)
    subscribe(
        aws,
        stream,
        function,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    letter = letters(aws, url, 1)[0]
    eventually(lambda: flat(function), lambda got: got[-1] == "g3")
    assert entries(function) == [
        ["g1", "g2", "bad", "g3"],
        ["g1", "g2"],
        ["bad", "g3"],
        ["bad"],
        ["bad"],
        ["g3"],
    ]
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert letter["requestContext"]["approximateInvokeCount"] == 2
    assert letter["requestContext"]["functionArn"] == function.arn
    assert letter["responseContext"]["functionError"] == "Unhandled"
    info = letter["DDBStreamBatchInfo"]
    assert (info["batchSize"], info["streamArn"]) == (1, stream)
    assert info["startSequenceNumber"] == info["endSequenceNumber"]


@pytest.mark.parametrize("destination", [queue, topic])
def test_on_failure_message_is_awss(aws: Aws, destination: Callable[[Aws], tuple[str, str]]) -> None:
    """A queue and a topic get the same document, which tells where the records were and nothing of what was in them."""
    stream = fill(aws, "good", "bad-1", "bad-2")
    function = aws.function(FAIL_ON_BAD)
    url, arn = destination(aws)
    failure = {"OnFailure": {"Destination": arn}}
    subscribe(aws, stream, function, MaximumRetryAttempts=1, DestinationConfig=failure)
    letter = letters(aws, url, 1)[0]
    records = function.events()[0]["Records"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    arrived = [_utc(record["dynamodb"]["ApproximateCreationDateTime"]) for record in records]
    assert len(function.events()) == 2
    assert re.fullmatch(r"[0-9a-f-]{36}", letter["requestContext"].pop("requestId"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", letter.pop("timestamp"))
    assert re.fullmatch(r"shardId-\d{20}-[0-9a-f]{8}", letter["DDBStreamBatchInfo"].pop("shardId"))
    assert letter == {
        "requestContext": {
            "functionArn": function.arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "approximateArrivalOfFirstRecord": arrived[0],
            "approximateArrivalOfLastRecord": arrived[-1],
            "batchSize": 3,
            "streamArn": stream,
        },
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_zero_retries_gives_up_at_once(aws: Aws) -> None:
    """A cap of 0 is honoured: one invocation, then on to the next change."""
    stream = fill(aws, "bad", "good")
    function = aws.function(FAIL_ON_BAD)
    subscribe(aws, stream, function, MaximumRetryAttempts=0, BatchSize=1)
    eventually(lambda: flat(function), lambda got: got[-1:] == ["good"])
    assert entries(function) == [["bad"], ["good"]]


def test_without_a_cap_a_poison_record_blocks_its_shard(aws: Aws) -> None:
    """The defaults retry for ever: what follows waits, until somebody raises a cap."""
    stream = fill(aws, "bad", "good")
    function = aws.function(FAIL_ON_BAD)
    mapping = subscribe(aws, stream, function, BatchSize=1)
    eventually(lambda: entries(function), lambda got: len(got) >= 4)
    assert "good" not in flat(function)
    shown = aws.functions.get_event_source_mapping(UUID=mapping)
    assert shown["LastProcessingResult"] == "PROBLEM: Function call failed"
    aws.functions.update_event_source_mapping(UUID=mapping, MaximumRetryAttempts=0)
    eventually(lambda: flat(function), lambda got: got[-1] == "good")


def test_old_records_are_given_up(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A record that fails until it is too old, on the sandbox's clock, goes to the queue with that reason."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        stream = fill(aws, "bad")
        function = aws.function(FAIL_ON_BAD)
        url, arn = queue(aws)
        destination = {"OnFailure": {"Destination": arn}}
        subscribe(aws, stream, function, MaximumRecordAgeInSeconds=60, DestinationConfig=destination)
        eventually(function.events)
        turn(120)
        letter = letters(aws, url, 1)[0]
        assert letter["requestContext"]["condition"] == "MaximumRecordAgeExceeded"
        assert letter["responseContext"]["functionError"] == "Unhandled"

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_without_any_limit_a_record_is_tried_for_a_day(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """What fails for ever blocks until it leaves the stream, 24 hours after it was written; then the next one comes."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, stream = aws.table()
        function = aws.function(FAIL_ON_BAD)
        subscribe(aws, stream, function, BatchSize=1)
        aws.put(table, "todos", "bad")
        eventually(function.events)
        turn(23 * 3600)
        before = len(function.events())
        eventually(function.events, lambda events: len(events) > before)
        aws.put(table, "todos", "good")
        turn(2 * 3600)
        eventually(lambda: flat(function), lambda got: got[-1] == "good")

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_parallel_lanes_keep_each_actors_order(aws: Aws) -> None:
    """With several lanes a poison record holds up its own actor only, and every actor's changes stay in order."""
    table, stream = aws.table()
    actors = [f"actor-{number}" for number in range(12)]
    aws.put(table, "poisoned", "bad")
    for version in range(3):
        for actor in actors:
            aws.put(table, actor, f"v{version}")
    function = aws.function(FAIL_ON_BAD)
    subscribe(aws, stream, function, ParallelizationFactor=10, BatchSize=1)

    def seen() -> dict[str, list[str]]:
        versions: dict[str, list[str]] = {}
        for event in function.events():
            for record in event["Records"]:
                keys = record["dynamodb"]["Keys"]
                versions.setdefault(keys["actorId"]["S"], []).append(keys["entry"]["S"])
        return versions

    # Actors that share the poisoned one's lane wait behind it; the others, most of the twelve, do not.
    done = eventually(seen, lambda got: sum(len(got.get(actor, [])) == 3 for actor in actors) >= 6)
    assert all(done[actor] == ["v0", "v1", "v2"][: len(done[actor])] for actor in actors if actor in done)


def test_poison_record_blocks_its_own_shard_only(aws: Aws) -> None:
    """Even with one lane a table has several shards: most other keys' changes come through, in order."""
    table, stream = aws.table()
    actors = [f"actor-{number}" for number in range(12)]
    aws.put(table, "poisoned", "bad")
    for version in range(2):
        for actor in actors:
            aws.put(table, actor, f"v{version}")
    function = aws.function(FAIL_ON_BAD)
    subscribe(aws, stream, function)

    def seen() -> dict[str, list[str]]:
        good: dict[str, list[str]] = {}
        for event in function.events():
            keys = [record["dynamodb"]["Keys"] for record in event["Records"]]
            if {"S": "poisoned"} not in [key["actorId"] for key in keys]:
                for key in keys:
                    good.setdefault(key["actorId"]["S"], []).append(key["entry"]["S"])
        return good

    done = eventually(seen, lambda got: len(got) >= 6 and all(len(versions) == 2 for versions in got.values()))
    assert all(versions == ["v0", "v1"] for versions in done.values())
    assert len(done) < len(actors) + 1


def test_lanes_put_keys_into_different_batches(aws: Aws) -> None:
    """With a parallelization factor one shard's keys are delivered beside each other, each key's changes in order."""
    table, stream = aws.table()
    for version in range(2):
        for number in range(12):
            aws.put(table, f"actor-{number}", f"v{version}")
    together, apart = aws.function(TAKE), aws.function(TAKE)
    subscribe(aws, stream, together)
    subscribe(aws, stream, apart, ParallelizationFactor=10)
    eventually(lambda: (flat(together), flat(apart)), lambda got: min(map(len, got)) >= 24)
    assert len(together.events()) <= 4
    assert len(apart.events()) > 4


def test_mappings_do_not_wait_for_each_other(aws: Aws) -> None:
    """A mapping that is stuck in a slow function holds up no other one, not even on the same stream."""
    stream = fill(aws, "a")
    slow = aws.function("record(event)\ntime.sleep(60)", timeout=90)
    quick = aws.function(TAKE)
    mapping = subscribe(aws, stream, slow)
    eventually(slow.events)
    subscribe(aws, stream, quick)
    assert eventually(lambda: flat(quick)) == ["a"]
    aws.functions.delete_event_source_mapping(UUID=mapping)


def test_filtered_changes_are_never_delivered(aws: Aws) -> None:
    """Only what matches a filter reaches the function."""
    table, stream = aws.table()
    function = aws.function(TAKE)
    pattern = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"entry": {"S": [{"prefix": "v#"}]}}}}
    subscribe(aws, stream, function, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    for name in ("c#1", "v#1", "x", "v#2"):
        aws.put(table, "todos", name)
    aws.dynamodb.delete_item(TableName=table, Key={"actorId": {"S": "todos"}, "entry": {"S": "v#1"}})
    aws.put(table, "todos", "v#3")
    assert eventually(lambda: flat(function), lambda got: len(got) >= 3) == ["v#1", "v#2", "v#3"]


def test_latest_skips_what_was_there(aws: Aws) -> None:
    """LATEST begins with the next change, TRIM_HORIZON with the first one."""
    table, stream = aws.table()
    aws.put(table, "todos", "before")
    latest, all_of_it = aws.function(TAKE), aws.function(TAKE)
    subscribe(aws, stream, latest, StartingPosition="LATEST")
    subscribe(aws, stream, all_of_it)
    aws.put(table, "todos", "after")
    assert eventually(lambda: flat(latest)) == ["after"]
    assert eventually(lambda: flat(all_of_it), lambda got: len(got) >= 2) == ["before", "after"]


def test_disabled_mapping_keeps_its_place(aws: Aws) -> None:
    """While disabled nothing is delivered; enabled again it goes on where it was."""
    table, stream = aws.table()
    function, witness = aws.function(TAKE), aws.function(TAKE)
    mapping = subscribe(aws, stream, function)
    subscribe(aws, stream, witness)
    aws.put(table, "todos", "a")
    eventually(function.events)
    aws.functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    aws.put(table, "todos", "b")
    eventually(lambda: flat(witness), lambda got: "b" in got)
    assert flat(function) == ["a"]
    aws.functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    assert eventually(lambda: flat(function), lambda got: len(got) >= 2) == ["a", "b"]


def test_missing_function_shows_as_a_problem(aws: Aws) -> None:
    """Without its function a mapping fails each delivery; the others go on."""
    table, stream = aws.table()
    function = aws.function(TAKE)
    mapping = subscribe(aws, stream, function)
    aws.functions.delete_function(FunctionName=function.name)
    aws.put(table, "todos", "a")

    def result() -> str:
        return aws.functions.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]

    eventually(result, lambda text: text.startswith("PROBLEM"))
    survivor = aws.function(TAKE)
    subscribe(aws, stream, survivor)
    assert eventually(lambda: flat(survivor)) == ["a"]


def test_new_view_type_is_a_new_stream(aws: Aws) -> None:
    """Switched off and on with another view a table has a stream of another ARN; the old one is read to its end."""
    table, stream = aws.table()
    function = aws.function(TAKE)
    aws.put(table, "todos", "before")
    mapping = subscribe(aws, stream, function)
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    aws.dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    answer = aws.dynamodb.update_table(TableName=table, StreamSpecification=cast("Any", specification))
    aws.put(table, "todos", "after")

    def result() -> str:
        return aws.functions.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]

    assert answer["TableDescription"]["LatestStreamArn"] != stream
    assert eventually(lambda: flat(function)) == ["before"]
    assert eventually(result, lambda text: text.startswith("PROBLEM")) == "PROBLEM: Stream not found"
    assert flat(function) == ["before"]


def test_stream_of_a_deleted_table_ends_without_harm(aws: Aws) -> None:
    """A new table of the same name has a stream of its own: only its own mapping gets its changes."""
    table, stream = aws.table()
    old, new = aws.function(TAKE), aws.function(TAKE)
    subscribe(aws, stream, old)
    aws.put(table, "todos", "a")
    assert eventually(lambda: flat(old)) == ["a"]
    aws.dynamodb.delete_table(TableName=table)
    _, second = aws.table(table)
    assert second != stream
    subscribe(aws, second, new)
    aws.put(table, "todos", "b")
    assert eventually(lambda: flat(new)) == ["b"]
    assert flat(old) == ["a"]
