"""What a mapping may be set to: AWS's names, defaults and ranges (Lambda API reference). Pure."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sandbox.aws import AwsRefusedError, Json
from sandbox.pump.filters import is_valid

PARTIAL_RESPONSE: Final = "ReportBatchItemFailures"
EVENT_COUNT: Final = "EventCount"
"""The one group of metrics that streams and queues have."""
FILTERS: Final = 5
FILTER_BYTES: Final = 4096
_DESTINATION = re.compile(r"arn:[\w-]+:((sqs|sns):[\w-]+:\d{12}:[\w.-]+|s3:::[\w.-]+)")

_DEFAULTS: Final[Json] = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
    "DestinationConfig": {"OnFailure": {}},
}
_RANGES: Final = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "TumblingWindowInSeconds": (0, 900),
}
_SHORTEST_AGE_SECONDS: Final = 60
_OF_BROKERS: Final = (
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "SelfManagedEventSource",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
)
"""Settings of Kafka, of Amazon MQ and of DocumentDB."""
_OF_QUEUES: Final = ("ScalingConfig", "ProvisionedPollerConfig", "StartingPositionTimestamp")
"""What no stream of a table has: the last one is for Kinesis, whose positions can be times."""
_CHANGEABLE: Final = frozenset({*_DEFAULTS, "FilterCriteria", "MetricsConfig", "KMSKeyArn"})


@dataclass(frozen=True, slots=True)
class Settings:
    """A mapping's settings, as the pump uses them; -1 stands for "for ever"."""

    batch_size: int
    window_seconds: float
    tumbling_seconds: int
    parallelization: int
    retries: int
    age_seconds: float
    bisect: bool
    partial: bool
    on_failure: str | None
    filters: tuple[Json, ...]


def refuse(message: str) -> AwsRefusedError:
    """The error for a parameter with a value that AWS does not take."""
    return AwsRefusedError(400, "InvalidParameterValueException", message)


def merge(current: Json | None, changes: Json) -> Json:
    """The settings document after a create (``current`` None) or an update.

    Raises:
        AwsRefusedError: A value is out of its range or of its form.
    """
    refuse_settings_of_others(changes, _OF_QUEUES)
    wanted = {name: value for name, value in changes.items() if name in _CHANGEABLE and value is not None}
    document = {**(_DEFAULTS if current is None else current), **wanted}
    for name, (low, high) in _RANGES.items():
        check_range(name, document[name], low, high)
    if 0 <= document["MaximumRecordAgeInSeconds"] < _SHORTEST_AGE_SECONDS:
        raise refuse("Invalid value for MaximumRecordAgeInSeconds: it is -1 or 60 to 604800.")
    check_responses(document["FunctionResponseTypes"])
    check_metrics(document)
    _check_destination(_destination_of(document))
    check_filters(patterns_of(document))
    return document


def read(document: Json) -> Settings:
    """The settings in a document that ``merge`` has checked."""
    return Settings(
        batch_size=document["BatchSize"],
        window_seconds=document["MaximumBatchingWindowInSeconds"],
        tumbling_seconds=document["TumblingWindowInSeconds"],
        parallelization=document["ParallelizationFactor"],
        retries=document["MaximumRetryAttempts"],
        age_seconds=document["MaximumRecordAgeInSeconds"],
        bisect=document["BisectBatchOnFunctionError"],
        partial=PARTIAL_RESPONSE in document["FunctionResponseTypes"],
        on_failure=_destination_of(document),
        filters=tuple(json.loads(pattern) for pattern in patterns_of(document)),
    )


def refuse_settings_of_others(changes: Json, names: Iterable[str]) -> None:
    """Refuse what the kind of event source has no use for; an empty value is as good as none.

    Args:
        changes: The request.
        names: Settings of other kinds, beside those of brokers.

    Raises:
        AwsRefusedError: InvalidParameterValueException, by the setting's name.
    """
    for name in (*names, *_OF_BROKERS):
        if changes.get(name) not in (None, [], {}):
            raise refuse(f"Unsupported {name} parameter for given event source mapping type.")


def check_range(name: str, value: object, low: int, high: int) -> None:
    """Refuse a number outside its range, as the API's own validation does.

    Raises:
        AwsRefusedError: ValidationException.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        camel = name[0].lower() + name[1:]
        text = f"1 validation error detected: Value '{value}' at '{camel}' failed to satisfy constraint: Member must "
        raise AwsRefusedError(400, "ValidationException", f"{text}have value between {low} and {high}")


def check_responses(types: Iterable[object]) -> None:
    """Refuse a kind of answer that Lambda does not read.

    Raises:
        AwsRefusedError: InvalidParameterValueException.
    """
    for kind in types:
        if kind != PARTIAL_RESPONSE:
            raise refuse(f"Unsupported value '{kind}' in functionResponseTypes; allowed: [{PARTIAL_RESPONSE}]")


def check_metrics(document: Json) -> None:
    """Refuse metrics that there are not, or that are another source's.

    Raises:
        AwsRefusedError: ValidationException.
    """
    metrics = (document.get("MetricsConfig") or {}).get("Metrics") or []
    if not isinstance(metrics, list) or any(metric != EVENT_COUNT for metric in metrics):
        text = (
            f"1 validation error detected: Value '{metrics}' at 'metricsConfig.metrics' failed to satisfy constraint: "
            f"Member must satisfy constraint: [Member must satisfy enum value set: [{EVENT_COUNT}]]"
        )
        raise AwsRefusedError(400, "ValidationException", text)


def _destination_of(document: Json) -> str | None:
    destination: str | None = ((document.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    return destination


def _check_destination(destination: str | None) -> None:
    if destination is not None and (not _DESTINATION.fullmatch(destination) or destination.endswith(".fifo")):
        raise refuse(f"The provided destination config DestinationConfig is invalid: {destination}")


def patterns_of(document: Json) -> list[str]:
    """The filter patterns in a settings document, as JSON texts."""
    filters = (document.get("FilterCriteria") or {}).get("Filters") or []
    return [entry.get("Pattern") or "{}" for entry in filters]


def check_filters(patterns: list[str]) -> None:
    """Refuse too many filters, and what is none.

    Raises:
        AwsRefusedError: InvalidParameterValueException.
    """
    if len(patterns) > FILTERS:
        raise refuse(f"Maximum number of filters is {FILTERS}.")
    for pattern in patterns:
        try:
            valid = len(pattern.encode()) <= FILTER_BYTES and is_valid(json.loads(pattern))
        except ValueError:
            valid = False
        if not valid:
            raise refuse("Invalid filter pattern definition.")
