"""The stream's mapping and what happens to records that fail."""

import json

from infra.grants import policy
from infra.streams import FailureQueue, FailureQueueArgs, Pace, StreamSubscription, StreamSubscriptionArgs
from tests.infra.project import small_function
from tests.infra.recording import deploy, resolve


def queue() -> FailureQueue:
    """A queue."""
    return FailureQueue("q", FailureQueueArgs(queue_name="my-q"))


def subscription() -> StreamSubscription:
    """A function that follows a stream."""
    pace = Pace(batch_size=50, batch_window_seconds=2, parallelization_factor=4, retries=3, maximum_age_seconds=90)
    args = StreamSubscriptionArgs(stream_arn="arn:stream", function=small_function(), failures=queue(), pace=pace)
    return StreamSubscription("s", args)


def test_every_retry_ends() -> None:
    """Nothing is lost at the start, retried for ever, or thrown away unseen."""
    assert deploy(subscription).one("s-mapping").inputs == {
        "eventSourceArn": "arn:stream",
        "functionName": "arn:my-f:live",
        "startingPosition": "TRIM_HORIZON",
        "batchSize": 50,
        "maximumBatchingWindowInSeconds": 2,
        "parallelizationFactor": 4,
        "maximumRetryAttempts": 3,
        "maximumRecordAgeInSeconds": 90,
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
