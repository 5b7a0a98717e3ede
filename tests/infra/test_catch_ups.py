"""The queue of an actor type's late subscribers, and the way from it to their worker."""

import json

import pytest

from infra.catch_ups import CatchUpQueue, CatchUpQueueArgs, CatchUpWorker, CatchUpWorkerArgs, grant_remind
from infra.grants import policy
from tests.infra.project import small_function
from tests.infra.recording import deploy, resolve


def queue(timeout_seconds: int = 30) -> CatchUpQueue:
    """A queue."""
    return CatchUpQueue("q", CatchUpQueueArgs(queue_name="my-q", function_timeout_seconds=timeout_seconds))


@pytest.mark.parametrize(
    ("timeout_seconds", "visibility_seconds", "retention_seconds"), [(30, 180, 7800), (900, 5400, 10800)]
)
def test_a_message_is_left_to_its_worker_and_comes_again(
    timeout_seconds: int, visibility_seconds: int, retention_seconds: int
) -> None:
    """Six times the function's timeout; kept for longer than any connection, and until it can come a second time."""
    assert deploy(lambda: queue(timeout_seconds)).one("q-queue").inputs == {
        "name": "my-q",
        "visibilityTimeoutSeconds": visibility_seconds,
        "messageRetentionSeconds": retention_seconds,
        "sqsManagedSseEnabled": True,
    }


def test_a_worker_reports_which_messages_failed() -> None:
    """One failure does not bring the others again, and workers leave environments to calls."""
    found = deploy(lambda: CatchUpWorker("w", CatchUpWorkerArgs(queue=queue(), function=small_function())))
    assert found.one("w-mapping").inputs == {
        "eventSourceArn": "arn:my-q",
        "functionName": "arn:my-f:live",
        "batchSize": 10,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "scalingConfig": {"maximumConcurrency": 10},
    }


def test_reminding_is_granted_on_the_queues() -> None:
    """Who fans out sends, and reads nothing."""
    assert json.loads(resolve(lambda: policy([grant_remind([queue()])])))["Statement"] == [
        {"Sid": "Reminders", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": ["arn:my-q"]}
    ]
