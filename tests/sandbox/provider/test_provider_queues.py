"""Queues and their mappings through the provider, as a program declares them."""

import json

from tests.sandbox.provider.test_provider_rows import World
from tests.support.provider import DIFF_NONE, Engine, Json
from tests.support.sandbox import Aws

QUEUE = "aws:sqs/queue:Queue"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"


def test_mapping_of_a_queue_is_made_changed_and_set_back(engine: Engine, aws: Aws) -> None:
    """No setting of streams is sent along; a setting that is dropped goes back to its default."""
    world = World(engine)
    queue = engine.create(QUEUE, "queue", {"visibilityTimeoutSeconds": 60})
    inputs: Json = {"functionName": world.function.ident, "eventSourceArn": queue.state["arn"]}
    more: Json = {
        "batchSize": 20,
        "maximumBatchingWindowInSeconds": 2,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "scalingConfig": {"maximumConcurrency": 7},
    }
    mapping = engine.create(MAPPING, "mapping", {**inputs, **more})
    shown = aws.functions.get_event_source_mapping(UUID=mapping.ident)
    assert (shown["BatchSize"], shown["ScalingConfig"]) == (20, {"MaximumConcurrency": 7})
    assert engine.diff(mapping, {**inputs, **more}).changes == DIFF_NONE

    engine.update(mapping, {**inputs, "batchSize": 5, "enabled": False})
    shown = aws.functions.get_event_source_mapping(UUID=mapping.ident)
    assert (shown["State"], shown["BatchSize"], shown["MaximumBatchingWindowInSeconds"]) == ("Disabled", 5, 0)
    assert not shown.get("ScalingConfig")
    assert not shown.get("FunctionResponseTypes")


def test_queue_has_every_setting_that_was_declared(engine: Engine, aws: Aws) -> None:
    """Delay, visibility, waiting, retention and redrive reach SQS and are read back without a difference."""
    dead = engine.create(QUEUE, "dead", {})
    inputs: Json = {
        "delaySeconds": 5,
        "visibilityTimeoutSeconds": 180,
        "receiveWaitTimeSeconds": 20,
        "messageRetentionSeconds": 1209600,
        "redrivePolicy": json.dumps({"deadLetterTargetArn": dead.state["arn"], "maxReceiveCount": 5}),
        "sqsManagedSseEnabled": True,
    }
    queue = engine.create(QUEUE, "queue", inputs)
    held = aws.sqs.get_queue_attributes(QueueUrl=queue.ident, AttributeNames=["All"])["Attributes"]
    assert (held["DelaySeconds"], held["VisibilityTimeout"]) == ("5", "180")
    assert json.loads(held["RedrivePolicy"])["deadLetterTargetArn"] == dead.state["arn"]
    assert engine.diff(queue, inputs).changes == DIFF_NONE
