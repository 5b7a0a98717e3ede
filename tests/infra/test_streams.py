"""The stream's mapping and what happens to records that fail."""

import json
from pathlib import Path

from infra.archives import Archive
from infra.function import LambdaFunction, LambdaFunctionArgs
from infra.grants import policy
from infra.streams import FailureQueue, FailureQueueArgs, StreamSubscription, StreamSubscriptionArgs
from tests.infra.recording import deploy, resolve


def queue() -> FailureQueue:
    """A queue."""
    return FailureQueue("q", FailureQueueArgs(queue_name="my-q"))


def subscription() -> StreamSubscription:
    """A function that follows a stream."""
    args = LambdaFunctionArgs(
        function_name="my-f",
        handler="m.handle",
        archive=Archive(Path("f.zip"), "0"),
        memory_mb=128,
        timeout_seconds=1,
        log_retention_days=1,
        environment={},
        grants=(),
    )
    function = LambdaFunction("f", args)
    return StreamSubscription("s", StreamSubscriptionArgs(stream_arn="arn:stream", function=function, failures=queue()))


def test_every_retry_ends() -> None:
    """Nothing is lost at the start, retried for ever, or thrown away unseen."""
    assert deploy(subscription).one("s-mapping").inputs == {
        "eventSourceArn": "arn:stream",
        "functionName": "arn:my-f:live",
        "startingPosition": "TRIM_HORIZON",
        "batchSize": 100,
        "maximumRetryAttempts": 10,
        "maximumRecordAgeInSeconds": 300,
        "bisectBatchOnFunctionError": True,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "destinationConfig": {"onFailure": {"destinationArn": "arn:my-q"}},
    }


def test_failures_are_kept_encrypted() -> None:
    """For as long as SQS keeps anything."""
    assert deploy(queue).one("q-queue").inputs == {
        "name": "my-q",
        "messageRetentionSeconds": 1209600,
        "sqsManagedSseEnabled": True,
    }


def test_sending_is_granted_on_the_queue() -> None:
    """Only sending, only there."""
    assert json.loads(resolve(lambda: policy([queue().grant_send()])))["Statement"] == [
        {"Sid": "Failures", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": ["arn:my-q"]}
    ]
