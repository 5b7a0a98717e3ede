"""The queues of a deployed stack, found through the mappings of its functions."""

import json
from typing import Any

from tests.loop.conftest import Aws


def failure_queue(aws: Aws, processor: str) -> str:
    """URL of the queue for what the stream processor, by the ARN of its alias, could not deliver."""
    return _url(aws, _mapping(aws, processor)["DestinationConfig"]["OnFailure"]["Destination"])


def catch_up_queue(aws: Aws, function: str) -> str:
    """URL of the queue that reminds an actor's function, by the ARN of its alias, of late subscribers."""
    return _url(aws, _mapping(aws, function)["EventSourceArn"])


def has_dead_letter(aws: Aws, queue: str) -> bool:
    """Whether a batch that was given up is among the messages that come now."""
    messages = aws.queues.receive_message(QueueUrl=queue).get("Messages", [])
    return any("DDBStreamBatchInfo" in json.loads(message["Body"]) for message in messages)


def _mapping(aws: Aws, alias: str) -> Any:
    [mapping] = aws.functions.list_event_source_mappings(FunctionName=alias)["EventSourceMappings"]
    return mapping


def _url(aws: Aws, arn: str) -> str:
    return aws.queues.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
