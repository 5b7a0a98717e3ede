"""Event source mappings of SQS queues: what reaches the function, what stays in the queue, what is refused."""

import json
import uuid
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from tests.support.front import Turn, on_turnable, queue_clock_of
from tests.support.sandbox import ANYTHING, REGION, Aws, Function, Json, eventually

TAKE = "record(event)"
FAIL_ON_BAD = """
record(event)
if any(one["body"] == "bad" for one in event["Records"]):
    raise ValueError("bad")
"""
REPORT_BAD = """
record(event)
bad = [one["messageId"] for one in event["Records"] if one["body"] == "bad"]
return {"batchItemFailures": [{"itemIdentifier": name} for name in bad]}
"""
ANSWER = """
record(event)
return %s
"""
PARTIAL = ["ReportBatchItemFailures"]


def queue(aws: Aws, suffix: str = "", **attributes: str) -> tuple[str, str]:
    """URL and ARN of a new queue, with AWS's defaults unless attributes are given."""
    name = f"queue-{uuid.uuid4().hex[:8]}{suffix}"
    url = aws.sqs.create_queue(QueueName=name, Attributes=cast("Any", attributes))["QueueUrl"]
    return url, aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def subscribe(aws: Aws, queue_arn: str, function: Function, **settings: object) -> str:
    """Map a queue to a function; returns the mapping's id."""
    wanted: Json = settings
    made = aws.functions.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName=function.name, **wanted)
    return made["UUID"]


def send(aws: Aws, url: str, *bodies: str, **more: object) -> None:
    """Send messages, one after the other."""
    wanted: Json = more
    for body in bodies:
        aws.sqs.send_message(QueueUrl=url, MessageBody=body, **wanted)


def bodies(function: Function) -> list[list[str]]:
    """The bodies of each batch that a function got."""
    return [[one["body"] for one in event["Records"]] for event in function.events()]


def flat(function: Function) -> list[str]:
    """The bodies that a function got, one after the other."""
    return [body for batch in bodies(function) for body in batch]


def until_called(function: Function, times: int) -> None:
    """Wait until a function has been called so often."""
    eventually(function.events, lambda got: len(got) == times)


def held(aws: Aws, url: str) -> dict[str, int]:
    """Messages of a queue: to be had, hidden, delayed."""
    names = {"visible": "", "hidden": "NotVisible", "delayed": "Delayed"}
    found = cast("Json", aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])
    return {name: int(found[f"ApproximateNumberOfMessages{rest}"]) for name, rest in names.items()}


EMPTY = {"visible": 0, "hidden": 0, "delayed": 0}


def refusal(aws: Aws, queue_arn: str, function: Function, **settings: object) -> tuple[str, str]:
    """Name and text of a create that must fail."""
    with pytest.raises(ClientError) as caught:
        subscribe(aws, queue_arn, function, **settings)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_message_arrives_in_lambdas_form_and_is_deleted(aws: Aws) -> None:
    """A message comes with all its attributes; when the function has returned it is gone from the queue."""
    url, arn = queue(aws)
    function = aws.function(TAKE)
    subscribe(aws, arn, function)
    attributes = {"kind": {"DataType": "String", "StringValue": "greeting"}}
    sent = aws.sqs.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=cast("Json", attributes))
    [event] = eventually(function.events)
    [record] = event["Records"]
    assert record["receiptHandle"]
    assert {name: record[name] for name in ("messageId", "body", "md5OfBody", "md5OfMessageAttributes")} == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
    }
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", arn, REGION)
    assert record["messageAttributes"]["kind"] == {
        "stringValue": "greeting",
        "dataType": "String",
        "stringListValues": [],
        "binaryListValues": [],
    }
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(record["attributes"])
    eventually(lambda: held(aws, url), lambda found: found == EMPTY)


def test_defaults_are_awss(aws: Aws) -> None:
    """A queue's mapping delivers up to ten messages, has no starting position and no settings of streams."""
    _, arn = queue(aws)
    made = subscribe(aws, arn, aws.function(TAKE))
    shown = aws.functions.get_event_source_mapping(UUID=made)
    assert (shown["BatchSize"], shown["MaximumBatchingWindowInSeconds"]) == (10, 0)
    assert (shown["State"], shown["StateTransitionReason"]) == ("Enabled", "USER_INITIATED")
    assert not {"StartingPosition", "ParallelizationFactor", "BisectBatchOnFunctionError"} & set(shown)
    [listed] = aws.functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    assert listed["UUID"] == made


def test_batch_size_cuts_what_waits(aws: Aws) -> None:
    """No batch has more messages than the mapping says."""
    url, arn = queue(aws)
    send(aws, url, *"abcde")
    function = aws.function(TAKE)
    subscribe(aws, arn, function, BatchSize=2)
    eventually(lambda: flat(function), lambda got: sorted(got) == list("abcde"))
    assert max(map(len, bodies(function))) == 2


def test_failed_batch_comes_back_after_its_visibility_timeout(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """What a function fails on is hidden for as long as the queue says, on the sandbox's clock; then it comes again."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        url, arn = queue(aws, VisibilityTimeout="900")
        function = aws.function(FAIL_ON_BAD)
        subscribe(aws, arn, function)
        send(aws, url, "bad")
        eventually(function.events)
        turn(600)
        assert (held(aws, url)["hidden"], len(function.events())) == (1, 1)
        turn(310)
        eventually(function.events, lambda got: len(got) == 2)
        counts = [event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in function.events()]
        assert counts == ["1", "2"]

    on_turnable(sandbox.record.emulator_endpoint, steps, queue_clock=queue_clock_of(sandbox))


def test_redrive_policy_moves_what_fails_too_often(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """After ``maxReceiveCount`` receives, each with its visibility timeout, a message is in the dead-letter queue."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        dead_url, dead_arn = queue(aws)
        redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "3"})
        url, arn = queue(aws, VisibilityTimeout="60", RedrivePolicy=redrive)
        function = aws.function(FAIL_ON_BAD)
        subscribe(aws, arn, function)
        send(aws, url, "bad")
        for attempt in (1, 2, 3):
            until_called(function, attempt)
            turn(61)
        eventually(lambda: held(aws, dead_url)["visible"])
        assert flat(function) == ["bad"] * 3
        assert held(aws, url) == EMPTY

    on_turnable(sandbox.record.emulator_endpoint, steps, queue_clock=queue_clock_of(sandbox))


def test_delayed_message_comes_when_its_delay_is_over(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """``DelaySeconds`` is measured on the sandbox's clock."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        url, arn = queue(aws)
        function = aws.function(TAKE)
        subscribe(aws, arn, function)
        send(aws, url, "later", DelaySeconds=900)
        turn(600)
        assert (held(aws, url)["delayed"], function.events()) == (1, [])
        turn(310)
        eventually(lambda: flat(function), lambda got: got == ["later"])

    on_turnable(sandbox.record.emulator_endpoint, steps, queue_clock=queue_clock_of(sandbox))


def test_window_gathers_more_than_ten_messages(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """With a batching window, a batch may have more messages than one ReceiveMessage answers."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        url, arn = queue(aws, VisibilityTimeout="900")
        function = aws.function(TAKE)
        subscribe(aws, arn, function, BatchSize=100, MaximumBatchingWindowInSeconds=300)
        send(aws, url, *(str(number) for number in range(12)))
        eventually(lambda: held(aws, url), lambda found: found["hidden"] == 12)
        assert function.events() == []
        turn(301)
        eventually(function.events)
        assert [len(batch) for batch in bodies(function)] == [12]

    on_turnable(sandbox.record.emulator_endpoint, steps, queue_clock=queue_clock_of(sandbox))


def test_batch_is_cut_at_six_megabytes(aws: Aws) -> None:
    """Eight messages of a megabyte do not fit into one event."""
    url, arn = queue(aws, MaximumMessageSize="1048576")
    send(aws, url, *(str(number) * 1_000_000 for number in range(8)))
    function = aws.function('record({"messages": len(event["Records"]), "size": len(json.dumps(event))})')
    subscribe(aws, arn, function)
    events = eventually(function.events, lambda got: sum(event["messages"] for event in got) == 8)
    assert max(event["size"] for event in events) <= 6 * 1024 * 1024


def test_reported_messages_stay_and_the_others_go(aws: Aws) -> None:
    """``ReportBatchItemFailures`` gives back exactly what is named."""
    url, arn = queue(aws, VisibilityTimeout="900")
    send(aws, url, "good", "bad", "fine")
    function = aws.function(REPORT_BAD)
    subscribe(aws, arn, function, FunctionResponseTypes=PARTIAL)
    eventually(lambda: held(aws, url), lambda found: found == EMPTY | {"hidden": 1})
    assert sorted(flat(function)) == ["bad", "fine", "good"]


@pytest.mark.parametrize(
    ("answer", "stays"),
    [
        ("None", 0),
        ("{}", 0),
        ('{"batchItemFailures": None}', 0),
        ('{"batchItemFailures": [{"itemIdentifier": ""}]}', 1),
        ('{"batchItemFailures": [{"itemIdentifier": None}]}', 1),
        ('{"batchItemFailures": [{"messageId": event["Records"][0]["messageId"]}]}', 1),
        ('{"batchItemFailures": [{"itemIdentifier": "unknown"}]}', 1),
        ('"not a document"', 1),
    ],
)
def test_answer_without_meaning_fails_the_batch(aws: Aws, answer: str, stays: int) -> None:
    """A malformed answer gives all messages back, an empty one none."""
    url, arn = queue(aws, VisibilityTimeout="900")
    function = aws.function(ANSWER % answer)
    subscribe(aws, arn, function, FunctionResponseTypes=PARTIAL)
    send(aws, url, "one")
    eventually(function.events)
    sentinel, sentinel_function = queue(aws), aws.function(TAKE)
    subscribe(aws, sentinel[1], sentinel_function)
    eventually(lambda: held(aws, url), lambda found: found == EMPTY | {"hidden": stays})
    send(aws, sentinel[0], "later")
    eventually(sentinel_function.events)
    assert held(aws, url) == EMPTY | {"hidden": stays}


def test_filtered_messages_are_deleted(aws: Aws) -> None:
    """A pattern over the body, numbers among it, lets through what matches; the rest is gone without a call."""
    url, arn = queue(aws)
    function = aws.function(TAKE)
    pattern = json.dumps({"body": {"size": [{"numeric": [">", 10, "<=", 20]}]}})
    subscribe(aws, arn, function, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    send(aws, url, '{"size": 5}', "no JSON", '{"size": 21}', '{"size": 20}')
    eventually(lambda: held(aws, url), lambda found: found == EMPTY)
    assert eventually(lambda: flat(function)) == ['{"size": 20}']


def test_groups_of_a_fifo_queue_keep_their_order(aws: Aws) -> None:
    """Messages of one group come in order, one batch after the other."""
    url, arn = queue(aws, ".fifo", FifoQueue="true", ContentBasedDeduplication="true", VisibilityTimeout="900")
    function = aws.function(TAKE)
    subscribe(aws, arn, function, BatchSize=2)
    for number in range(9):
        send(aws, url, f"{number}", MessageGroupId=f"group-{number // 5}")
    eventually(lambda: flat(function), lambda got: len(got) == 9)
    assert [body for body in flat(function) if int(body) < 5] == list("01234")
    assert [body for body in flat(function) if int(body) >= 5] == list("5678")
    [first] = [one for event in function.events() for one in event["Records"] if one["body"] == "0"]
    assert first["attributes"]["MessageGroupId"] == "group-0"
    assert first["attributes"]["SequenceNumber"]


def test_maximum_concurrency_bounds_what_runs_at_once(aws: Aws) -> None:
    """Never more batches at once than ``ScalingConfig`` says, however many messages wait."""
    url, arn = queue(aws)
    send(aws, url, *"abcdef")
    function = aws.function(
        """
import time, pathlib
here = pathlib.Path(os.environ["FLAG"] + ".running")
here.mkdir(exist_ok=True)
mine = here / context.aws_request_id
mine.touch()
deadline = time.monotonic() + 5
while len(list(here.iterdir())) < 2 and time.monotonic() < deadline:
    time.sleep(0.02)
time.sleep(0.3)
record({"at_once": len(list(here.iterdir()))})
mine.unlink()
"""
    )
    subscribe(aws, arn, function, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    eventually(function.events, lambda got: len(got) == 6)
    assert max(event["at_once"] for event in function.events()) == 2


def test_disabled_mapping_leaves_messages_alone(aws: Aws) -> None:
    """A disabled mapping reads nothing; enabled again it goes on."""
    url, arn = queue(aws)
    function, other = aws.function(TAKE), aws.function(TAKE)
    mapping = subscribe(aws, arn, function, Enabled=False)
    second = queue(aws)
    subscribe(aws, second[1], other)
    assert aws.functions.get_event_source_mapping(UUID=mapping)["State"] == "Disabled"
    send(aws, url, "waiting")
    send(aws, second[0], "through")
    eventually(other.events)
    assert (held(aws, url)["visible"], function.events()) == (1, [])
    aws.functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    eventually(lambda: flat(function), lambda got: got == ["waiting"])


def test_throttled_messages_wait_for_concurrency(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A function without concurrency gets its messages as soon as it has some, and none of them is lost."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        url, arn = queue(aws, VisibilityTimeout="60")
        function = aws.function(TAKE)
        aws.functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
        subscribe(aws, arn, function)
        send(aws, url, "patient")
        eventually(lambda: held(aws, url)["hidden"])
        turn(100)
        assert function.events() == []
        aws.functions.delete_function_concurrency(FunctionName=function.name)
        turn(60)
        assert set(eventually(lambda: flat(function))) == {"patient"}

    on_turnable(sandbox.record.emulator_endpoint, steps, queue_clock=queue_clock_of(sandbox))


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS event sources."),
        *(
            ({name: value}, f"Unsupported {name} parameter for given event source mapping type.")
            for name, value in {
                "ParallelizationFactor": 2,
                "BisectBatchOnFunctionError": True,
                "MaximumRetryAttempts": 1,
                "MaximumRecordAgeInSeconds": 60,
                "TumblingWindowInSeconds": 10,
                "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:lost"}},
                "StartingPositionTimestamp": 1_700_000_000,
                "Topics": ["t"],
            }.items()
        ),
        (
            {"BatchSize": 11},
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_of_streams_are_refused(aws: Aws, setting: Json, text: str) -> None:
    """What is no setting of a queue's mapping is refused by name."""
    assert refusal(aws, queue(aws)[1], aws.function(TAKE), **setting) == ("InvalidParameterValueException", text)


@pytest.mark.parametrize("most", [1, 1001])
def test_maximum_concurrency_has_a_range(aws: Aws, most: int) -> None:
    """``MaximumConcurrency`` is 2 to 1,000."""
    code, text = refusal(aws, queue(aws)[1], aws.function(TAKE), ScalingConfig={"MaximumConcurrency": most})
    assert code == "ValidationException"
    assert "scalingConfig.maximumConcurrency" in text


def test_fifo_queue_takes_no_window(aws: Aws) -> None:
    """A batching window is for standard queues."""
    _, arn = queue(aws, ".fifo", FifoQueue="true")
    text = refusal(aws, arn, aws.function(TAKE), MaximumBatchingWindowInSeconds=1)[1]
    assert text == "Batching window is not supported for FIFO queues"


def test_visibility_timeout_must_cover_the_functions_timeout(aws: Aws) -> None:
    """A queue whose messages come back while the function may still run is refused."""
    _, arn = queue(aws)
    assert refusal(aws, arn, aws.function(TAKE, timeout=60)) == (
        "InvalidParameterValueException",
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
    )


def test_role_must_be_allowed_to_read_the_queue(aws: Aws) -> None:
    """Lambda reads in the function's role; a missing permission is named."""
    _, arn = queue(aws)
    deny = {"Effect": "Deny", "Action": "sqs:ReceiveMessage", "Resource": arn}
    role = aws.role({**ANYTHING, "Statement": [*ANYTHING["Statement"], deny]})
    assert refusal(aws, arn, aws.function(TAKE, role=role)) == (
        "InvalidParameterValueException",
        "The provided execution role does not have permissions to call ReceiveMessage on SQS",
    )


def test_missing_queue_is_refused(aws: Aws) -> None:
    """A queue that is not there has no mapping."""
    code, text = refusal(aws, f"arn:aws:sqs:{REGION}:000000000000:none", aws.function(TAKE))
    assert code == "InvalidParameterValueException"
    assert "NonExistentQueue" in text


def test_second_mapping_of_the_same_ends_is_a_conflict(aws: Aws) -> None:
    """One queue and one function make one mapping."""
    _, arn = queue(aws)
    function = aws.function(TAKE)
    first = subscribe(aws, arn, function)
    code, text = refusal(aws, arn, function)
    assert code == "ResourceConflictException"
    assert first in text


def test_invocations_for_queues_are_measured(aws: Aws) -> None:
    """A queue's batch runs like every invocation: it is counted, and the emulator runs nothing by itself."""
    url, arn = queue(aws)
    function = aws.function(TAKE)
    subscribe(aws, arn, function)
    send(aws, url, "one")
    metrics = aws.client("cloudwatch")

    def invocations() -> float:
        found = metrics.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "m",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/Lambda",
                            "MetricName": "Invocations",
                            "Dimensions": [{"Name": "FunctionName", "Value": function.name}],
                        },
                        "Period": 3600,
                        "Stat": "Sum",
                    },
                }
            ],
            StartTime="2000-01-01T00:00:00Z",
            EndTime="2100-01-01T00:00:00Z",
        )
        return float(sum(found["MetricDataResults"][0]["Values"]))

    assert eventually(invocations) == 1
