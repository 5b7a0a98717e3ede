"""Event source mappings: what reaches the function, in which order and how often."""

import asyncio
import json
from pathlib import Path

from sandbox.client import RunningSandbox
from tests.support.front import turnable_front
from tests.support.sandbox import Aws, Function, Json, eventually

TAKE = "record(event)"
FAIL_ON_BAD = """
record(event)
if any(record_["dynamodb"]["Keys"]["entry"]["S"].startswith("bad") for record_ in event["Records"]):
    raise ValueError("bad")
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
    """With a window nothing is delivered before it is over; then all of it at once."""

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            aws = Aws(front.endpoint, tmp_path)
            table, stream = await asyncio.to_thread(aws.table)
            function = await asyncio.to_thread(aws.function, TAKE)
            await asyncio.to_thread(
                lambda: subscribe(aws, stream, function, MaximumBatchingWindowInSeconds=300, BatchSize=100)
            )
            for name in "abc":
                await asyncio.to_thread(aws.put, table, "todos", name)
            await asyncio.to_thread(_until_read, sandbox, tmp_path, stream)
            front.clock.advance(200)
            assert function.events() == []
            front.clock.advance(101)
            await asyncio.to_thread(eventually, function.events)
            assert entries(function) == [["a", "b", "c"]]

    asyncio.run(main())


def _until_read(sandbox: RunningSandbox, folder: Path, stream: str) -> None:
    """Another mapping on the same stream has got everything: so has the one with the window."""
    aws = Aws(sandbox.record.aws_endpoint, folder)
    witness = aws.function(TAKE)
    subscribe(aws, stream, witness)
    eventually(lambda: flat(witness), lambda got: len(got) >= 3)


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
    """A record that fails until it is too old goes to the queue with that reason."""

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            aws = Aws(front.endpoint, tmp_path)
            stream = await asyncio.to_thread(fill, aws, "bad")
            function = await asyncio.to_thread(aws.function, FAIL_ON_BAD)
            url, arn = await asyncio.to_thread(queue, aws)
            destination = {"OnFailure": {"Destination": arn}}
            await asyncio.to_thread(
                lambda: subscribe(aws, stream, function, MaximumRecordAgeInSeconds=60, DestinationConfig=destination)
            )
            await asyncio.to_thread(eventually, function.events)
            front.clock.advance(120)
            letter = (await asyncio.to_thread(letters, aws, url, 1))[0]
            assert letter["requestContext"]["condition"] == "MaximumRecordAgeExceeded"

    asyncio.run(main())


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


def test_mappings_do_not_wait_for_each_other(aws: Aws) -> None:
    """A mapping that is stuck in a slow function holds up no other one, not even on the same stream."""
    stream = fill(aws, "a")
    slow = aws.function("record(event)\ntime.sleep(25)")
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
