"""What a mapping of an SQS queue may be set to (Lambda developer guide, "Parameters for SQS"). Pure."""

import json
from dataclasses import dataclass
from typing import Final

from sandbox.aws import Json
from sandbox.pump.settings import (
    PARTIAL_RESPONSE,
    check_filters,
    check_metrics,
    check_range,
    check_responses,
    patterns_of,
    refuse,
    refuse_settings_of_others,
)

FIFO: Final = ".fifo"
RECEIVED_AT_ONCE: Final = 10
"""Messages of one ReceiveMessage; a larger batch has to be gathered in a window."""
_DEFAULTS: Final[Json] = {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
_CHANGEABLE: Final = frozenset({*_DEFAULTS, "FilterCriteria", "MetricsConfig", "KMSKeyArn", "ScalingConfig"})
_OF_STREAMS: Final = (
    "ParallelizationFactor",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "TumblingWindowInSeconds",
    "DestinationConfig",
    "StartingPositionTimestamp",
)
_LONGEST_BATCH: Final = 10_000
_CONCURRENCY: Final = (2, 1000)


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """A mapping's settings, as its reader uses them."""

    batch_size: int
    window_seconds: float
    partial: bool
    most_concurrent: int | None
    filters: tuple[Json, ...]


def merge(current: Json | None, changes: Json, queue_arn: str) -> Json:
    """The settings document after a create (``current`` None) or an update.

    Raises:
        AwsRefusedError: A value is out of its range, or the setting is none of a queue's.
    """
    refuse_settings_of_others(changes, _OF_STREAMS)
    if changes.get("StartingPosition") is not None:
        raise refuse("StartingPosition is not valid for SQS event sources.")
    wanted = {name: value for name, value in changes.items() if name in _CHANGEABLE and value is not None}
    document = {**(_DEFAULTS if current is None else current), **wanted}
    _check_batches(document, fifo=queue_arn.endswith(FIFO))
    check_responses(document["FunctionResponseTypes"])
    check_metrics(document)
    check_filters(patterns_of(document))
    most = (document.get("ScalingConfig") or {}).get("MaximumConcurrency")
    if most is not None:
        check_range("scalingConfig.maximumConcurrency", most, *_CONCURRENCY)
    return document


def read(document: Json) -> QueueSettings:
    """The settings in a document that ``merge`` has checked."""
    return QueueSettings(
        batch_size=document["BatchSize"],
        window_seconds=document["MaximumBatchingWindowInSeconds"],
        partial=PARTIAL_RESPONSE in document["FunctionResponseTypes"],
        most_concurrent=(document.get("ScalingConfig") or {}).get("MaximumConcurrency"),
        filters=tuple(json.loads(pattern) for pattern in patterns_of(document)),
    )


def _check_batches(document: Json, *, fifo: bool) -> None:
    check_range("BatchSize", document["BatchSize"], 1, _LONGEST_BATCH)
    check_range("MaximumBatchingWindowInSeconds", document["MaximumBatchingWindowInSeconds"], 0, 300)
    if fifo and document["MaximumBatchingWindowInSeconds"]:
        raise refuse("Batching window is not supported for FIFO queues")
    if document["BatchSize"] > RECEIVED_AT_ONCE and not document["MaximumBatchingWindowInSeconds"]:
        text = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        raise refuse(text)
