"""AWS/Lambda of event source mappings that ask for it."""

import json
from functools import partial
from typing import Any

from sandbox.clock import Clock
from tests.support.metrics import values
from tests.support.sandbox import Aws, Json, eventually

FAILS = 'print("x")\nraise ValueError("no")'
COUNTED: Any = {"Metrics": ["EventCount"]}
INSERTS: Any = {"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT"]})}]}


def counts(aws: Aws, mapping: str) -> dict[str, float]:
    """What a mapping has counted so far, by the name without its end."""
    names = ("Polled", "FilteredOut", "Invoked", "FailedInvoke", "Dropped", "OnFailureDestinationDelivered", "Deleted")
    where = {"EventSourceMappingUUID": mapping}
    found = {name: values(aws, Clock(), f"{name}EventCount", "Sum", where) for name in names}
    return {name: count for name, count in found.items() if count}


def queue(aws: Aws, name: str) -> tuple[str, str]:
    """URL and ARN of a new queue, whose messages stay hidden for long."""
    url = aws.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    return url, aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def map_stream(aws: Aws, **settings: Any) -> str:
    """A mapping to a function that fails once and for all; its table got two items, of which one was changed."""
    table, stream = aws.table()
    for entry, text in (("a", "1"), ("b", "1"), ("a", "2")):
        aws.put(table, "x", entry, text={"S": text})
    mapping: Any = aws.functions.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=aws.function(FAILS).arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        FilterCriteria=INSERTS,
        **settings,
    )
    return str(mapping["UUID"])


def test_a_mapping_counts_what_becomes_of_its_events(aws: Aws) -> None:
    """Read, filtered out, tried, failed, and handed to the on-failure destination or dropped."""
    _, failed = queue(aws, f"failed-{aws.folder.name}"[:80])
    destination: Json = {"OnFailure": {"Destination": failed}}
    told = map_stream(aws, MetricsConfig=COUNTED, DestinationConfig=destination)
    dropping = map_stream(aws, MetricsConfig=COUNTED)
    silent = map_stream(aws)
    common = {"Polled": 3, "FilteredOut": 1, "Invoked": 2, "FailedInvoke": 2}
    for mapping, ending in ((told, "OnFailureDestinationDelivered"), (dropping, "Dropped")):
        eventually(partial(counts, aws, mapping), (common | {ending: 2}).__eq__)
    assert counts(aws, silent) == {}


def test_a_queues_mapping_counts_what_it_deletes(aws: Aws) -> None:
    """A message that the function reports is not deleted, and has failed."""
    url, arn = queue(aws, f"counted-{aws.folder.name}"[:80])
    body = (
        "print('x')\n"
        "bad = [{'itemIdentifier': one['messageId']} for one in event['Records'] if one['body'] == 'bad']\n"
        "return {'batchItemFailures': bad}"
    )
    for text in ("good", "bad", "good"):
        aws.sqs.send_message(QueueUrl=url, MessageBody=text)
    mapping: Any = aws.functions.create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=aws.function(body).arn,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MetricsConfig=COUNTED,
    )
    eventually(lambda: counts(aws, mapping["UUID"]).get("Deleted") == 2)
    assert counts(aws, mapping["UUID"]) == {"Polled": 3, "Invoked": 3, "FailedInvoke": 1, "Deleted": 2}
