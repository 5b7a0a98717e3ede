"""Asynchronous invocations: retries on the sandbox's clock, and where an event ends."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from sandbox.clock import Clock
from tests.support.front import turnable_front
from tests.support.sandbox import Aws, Function, Json, eventually

FAIL = 'record(event)\nraise ValueError("no")'
DONE = 'record(event)\nreturn {"done": True}'
LOGGING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
INVALID = "InvalidParameterValueException"
QUEUES, TOPICS = "arn:aws:sqs:us-east-1:000000000000", "arn:aws:sns:us-east-1:000000000000"
Play = Callable[[Aws, Clock], Awaitable[None]]


def run(sandbox: RunningSandbox, folder: Path, play: Play) -> None:
    """Play against a front whose clock can be turned."""

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            await asyncio.wait_for(play(Aws(front.endpoint, folder), front.clock), 60)

    asyncio.run(main())


def queue(aws: Aws) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    url = aws.sqs.create_queue(QueueName=f"queue-{aws.folder.name[-40:]}-{id(aws)}")["QueueUrl"]
    return url, aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(aws: Aws, url: str) -> Json:
    """The next message of a queue, with its attributes."""

    def read() -> Any:
        return aws.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])

    [message] = eventually(read)
    return dict(message)


def send(aws: Aws, function: Function, event: Json) -> None:
    """Hand an event over."""
    answer = aws.functions.invoke(FunctionName=function.name, InvocationType="Event", Payload=json.dumps(event))
    assert answer["StatusCode"] == 202


async def attempts(function: Function, count: int) -> None:
    """Wait until the function has run so often."""
    await asyncio.to_thread(eventually, function.events, lambda events: len(events) >= count)


def test_a_failed_event_is_tried_after_one_and_two_minutes(sandbox: RunningSandbox, tmp_path: Path, aws: Aws) -> None:
    """Two retries, then the event and its error go to the dead-letter queue."""
    function, (url, arn) = aws.function(FAIL), queue(aws)
    aws.functions.update_function_configuration(FunctionName=function.name, DeadLetterConfig={"TargetArn": arn})

    async def play(turned: Aws, clock: Clock) -> None:
        await asyncio.to_thread(send, turned, function, {"n": 1})
        await attempts(function, 1)
        await clock.pass_time(50)
        assert len(function.events()) == 1
        await clock.pass_time(11)
        await attempts(function, 2)
        await clock.pass_time(110)
        assert len(function.events()) == 2
        await clock.pass_time(11)
        await attempts(function, 3)
        message = await asyncio.to_thread(receive, turned, url)
        assert json.loads(message["Body"]) == {"n": 1}
        attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
        assert (attributes["ErrorCode"], attributes["ErrorMessage"]) == ("200", "no")
        assert len(attributes["RequestID"]) == 36

    run(sandbox, tmp_path, play)
    assert len(function.events()) == 3


def test_success_reaches_its_destination(aws: Aws) -> None:
    """The record holds the event, the answer and the version that ran."""
    function, (url, arn) = aws.function(DONE), queue(aws)
    aws.functions.put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    send(aws, function, {"n": 1})
    record = json.loads(receive(aws, url)["Body"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["functionArn"] == f"{function.arn}:$LATEST"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert (record["requestPayload"], record["responsePayload"]) == ({"n": 1}, {"done": True})
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


def test_failure_reaches_its_destination(aws: Aws) -> None:
    """Without retries the first failure is the last one; the record tells what happened."""
    function, (url, arn) = aws.function(FAIL), queue(aws)
    aws.functions.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    send(aws, function, {"n": 1})
    record = json.loads(receive(aws, url)["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "no"
    assert len(function.events()) == 1


def test_a_destination_needs_the_roles_permission(aws: Aws) -> None:
    """Lambda sends in the function's role: where it may not, nothing arrives, and a metric tells."""
    role = aws.role()
    function, (url, arn) = aws.function(DONE, role=role), queue(aws)
    aws.functions.put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    aws.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="p", PolicyDocument=json.dumps(LOGGING))
    send(aws, function, {"n": 1})
    asked = {"Namespace": "AWS/Lambda", "Dimensions": [{"Name": "FunctionName", "Value": function.name}]}

    def counted() -> set[str]:
        return {metric["MetricName"] for metric in aws.client("cloudwatch").list_metrics(**asked)["Metrics"]}

    eventually(counted, lambda names: "DestinationDeliveryFailures" in names)
    assert "Messages" not in aws.sqs.receive_message(QueueUrl=url)


def test_success_can_go_on_to_a_function(aws: Aws) -> None:
    """A function as destination is invoked with the record."""
    second = aws.function(DONE)
    first = aws.function(DONE)
    aws.functions.put_function_event_invoke_config(
        FunctionName=first.name, DestinationConfig={"OnSuccess": {"Destination": second.arn}}
    )
    send(aws, first, {"n": 1})
    [record] = eventually(second.events)
    assert record["requestPayload"] == {"n": 1}


def test_an_event_waits_for_concurrency(sandbox: RunningSandbox, tmp_path: Path, aws: Aws) -> None:
    """A throttled event costs no retry and runs when there is room; when it has become too old, it has failed."""
    function, (url, arn) = aws.function(DONE), queue(aws)
    aws.functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    aws.functions.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )

    async def play(turned: Aws, clock: Clock) -> None:
        await asyncio.to_thread(send, turned, function, {"n": 1})
        for _ in range(6):
            await clock.pass_time(10)
        record = json.loads((await asyncio.to_thread(receive, turned, url))["Body"])
        assert record["requestContext"]["condition"] == "EventAgeExceeded"
        assert record["requestContext"]["approximateInvokeCount"] == 0
        await asyncio.to_thread(send, turned, function, {"n": 2})
        await asyncio.to_thread(turned.functions.delete_function_concurrency, FunctionName=function.name)
        await clock.pass_time(2)
        await attempts(function, 1)

    run(sandbox, tmp_path, play)
    assert function.events() == [{"n": 2}]


@pytest.mark.parametrize(
    ("settings", "code", "text"),
    [
        ({"MaximumRetryAttempts": 3}, "ValidationException", "Value '3' at 'maximumRetryAttempts' failed to satisfy"),
        ({"MaximumRetryAttempts": -1}, "ValidationException", "Value '-1' at 'maximumRetryAttempts'"),
        ({"MaximumEventAgeInSeconds": 59}, "ValidationException", "Value '59' at 'maximumEventAgeInSeconds'"),
        ({"MaximumEventAgeInSeconds": 21_601}, "ValidationException", "Value '21601' at 'maximumEventAgeInSeconds'"),
        ({"DestinationConfig": {"OnFailure": {"Destination": f"{QUEUES}:q.fifo"}}}, INVALID, ":q.fifo"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": f"{TOPICS}:t.fifo"}}}, INVALID, ":t.fifo"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}}, INVALID, "arn:aws:s3:::bucket"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "somewhere"}}}, INVALID, "invalid: somewhere"),
        ({"DestinationConfig": {}}, INVALID, "You must specify at least one error handling or destination setting."),
    ],
)
def test_settings_of_events_have_their_form(aws: Aws, settings: Json, code: str, text: str) -> None:
    """Up to two retries, up to six hours, and destinations that take single messages in any order."""
    function, client = aws.function(DONE), aws.client("lambda")
    for change in (client.put_function_event_invoke_config, client.update_function_event_invoke_config):
        with pytest.raises(ClientError) as caught:
            change(FunctionName=function.name, **settings)
        error = caught.value.response["Error"]
        assert error["Code"] == code
        assert text in error["Message"]


def test_a_role_that_may_not_send_is_told_at_once(aws: Aws) -> None:
    """When a destination or a dead-letter target is set."""
    may_not, arn = aws.role(LOGGING), queue(aws)[1]
    function, client = aws.function(DONE, role=may_not), aws.client("lambda")
    letters = {"DeadLetterConfig": {"TargetArn": arn}}
    told = []
    for change, settings in (
        (client.put_function_event_invoke_config, {"DestinationConfig": {"OnFailure": {"Destination": arn}}}),
        (client.update_function_configuration, letters),
        (client.update_function_configuration, {"DeadLetterConfig": {"TargetArn": f"{QUEUES}:q.fifo"}}),
    ):
        with pytest.raises(ClientError) as caught:
            change(FunctionName=function.name, **settings)
        assert caught.value.response["Error"]["Code"] == INVALID
        told.append(caught.value.response["Error"]["Message"])
    assert told == [
        f"The function's execution role does not have permissions to call SendMessage on {arn}",
        "The provided execution role does not have permissions to call SendMessage on SQS",
        f"The provided target ARN is invalid: {QUEUES}:q.fifo",
    ]
    client.update_function_configuration(FunctionName=function.name, Role=aws.role(), **letters)
