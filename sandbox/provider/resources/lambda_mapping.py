"""Event source mappings, as the sandbox's own front keeps and runs them."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.checking import Failure, list_of, mapping_of
from sandbox.provider.cloud import BUSY, Scope, existing, patiently, until
from sandbox.provider.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    REGION,
    STRING,
    TAGS,
    Props,
    between,
    fields,
    one_of,
    set_of,
)
from sandbox.provider.resources.lambda_function import FUNCTION_REFERENCE
from sandbox.provider.table import Edit, Handler, ResourceType
from sandbox.provider.translate import from_api, to_api

_STATE_SECONDS = 30
# Five by default, ten on request (Lambda quotas).
_MOST_FILTERS = 10


class MappingHandler(Handler):
    """An event source mapping, as the sandbox's own front keeps and runs it; id is the UUID."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateEventSourceMapping, repeated while a fresh role cannot read the source yet."""
        request = {**to_api(_MAPPING, inputs), "Enabled": inputs.get("enabled", True)}
        answer = patiently(
            lambda: scope.client("lambda").create_event_source_mapping(**request),
            codes=("InvalidParameterValueException",),
            saying=("Cannot access stream", "does not have permissions to call"),
            seconds=_STATE_SECONDS,
        )
        return str(answer["UUID"])

    def settle(self, scope: Scope, ident: str, inputs: Props) -> None:
        """Wait for the state that was asked for."""
        _steady(scope, ident)

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetEventSourceMapping; ``functionName`` from the function's ARN, ``enabled`` from the state."""
        client = scope.client("lambda")
        answer = existing(lambda: client.get_event_source_mapping(UUID=ident))
        if answer is None or answer.get("State") == "Deleting":
            return None
        arn = answer.get("EventSourceMappingArn") or scope.arn("lambda", f"event-source-mapping:{ident}")
        found = {
            **from_api(_MAPPING, answer),
            "functionName": answer["FunctionArn"],
            "functionArn": answer["FunctionArn"],
            "enabled": answer.get("State") in ("Enabled", "Enabling", "Creating", "Updating"),
            "uuid": ident,
            "arn": arn,
            "state": answer.get("State"),
            "tags": self._tags(scope, arn, state),
        }
        return {name: value for name, value in found.items() if value is not None}

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateEventSourceMapping with what changed; a dropped setting goes back to its default."""
        client, wanted = scope.client("lambda"), {**_MAPPING_DEFAULTS, **edit.new}
        settings = edit.changed - {"tags"}
        if settings:
            request = to_api(_MAPPING, wanted, settings)
            request |= {"Enabled": wanted["enabled"]} if "enabled" in settings else {}
            # Busy while an earlier change is carried out: one at a time.
            patiently(
                lambda: client.update_event_source_mapping(UUID=ident, **request), codes=BUSY, seconds=_STATE_SECONDS
            )
            _steady(scope, ident)
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            arn = edit.old["arn"]
            if removed:
                existing(lambda: client.untag_resource(Resource=arn, TagKeys=removed))
            if added:
                existing(lambda: client.tag_resource(Resource=arn, Tags=added))

    def _tags(self, scope: Scope, arn: str, state: Props) -> dict[str, str]:
        """The tags, or the remembered ones where mappings have none (the front, which runs them, keeps none)."""
        answer = existing(lambda: scope.client("lambda").list_tags(Resource=arn))
        tags: dict[str, str] = answer["Tags"] if answer is not None else state.get("tags") or {}
        return tags

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteEventSourceMapping, and wait until it is gone."""
        client = scope.client("lambda")
        client.delete_event_source_mapping(UUID=ident)
        until(
            lambda: existing(lambda: client.get_event_source_mapping(UUID=ident)) is None,
            seconds=_STATE_SECONDS,
            waiting_for=f"event source mapping {ident} to be gone",
        )


_MAPPING_DEFAULTS: Props = {
    "enabled": True,
    "filterCriteria": {"filters": []},
    "destinationConfig": {},
    "scalingConfig": {},
    "functionResponseTypes": [],
    "maximumRetryAttempts": -1,
    "maximumRecordAgeInSeconds": -1,
    "maximumBatchingWindowInSeconds": 0,
    "tumblingWindowInSeconds": 0,
    "parallelizationFactor": 1,
    "bisectBatchOnFunctionError": False,
    "kmsKeyArn": "",
}


def _steady(scope: Scope, ident: str) -> None:
    def settled() -> bool:
        state = scope.client("lambda").get_event_source_mapping(UUID=ident).get("State", "Enabled")
        return state in ("Enabled", "Disabled")

    until(settled, seconds=_STATE_SECONDS, waiting_for=f"event source mapping {ident} to be steady")


def _mapping_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    """What CreateEventSourceMapping refuses across properties (developer guide, DynamoDB and SQS sources)."""
    source = str(inputs.get("eventSourceArn") or "")
    if not source:
        yield Failure("eventSourceArn", "'eventSourceArn' is required")
    if ":dynamodb:" in source and not inputs.get("startingPosition"):
        yield Failure("startingPosition", "'startingPosition' is required for a stream")
    if ":dynamodb:" in source and inputs.get("startingPosition") == "AT_TIMESTAMP":
        yield Failure("startingPosition", "'startingPosition' of a DynamoDB stream is TRIM_HORIZON or LATEST")
    age = inputs.get("maximumRecordAgeInSeconds")
    if isinstance(age, int) and age != -1 and not 60 <= age <= 604800:
        yield Failure(
            "maximumRecordAgeInSeconds", f"'maximumRecordAgeInSeconds' is {age}; AWS accepts -1 or 60 to 604800"
        )
    if len(list_of(mapping_of(inputs.get("filterCriteria")).get("filters"))) > _MOST_FILTERS:
        yield Failure("filterCriteria", f"AWS accepts at most {_MOST_FILTERS} filters")


_REPLACES = STRING.but(replaces=True)


_MAPPING = {
    "functionName": FUNCTION_REFERENCE,
    "eventSourceArn": _REPLACES,
    "startingPosition": one_of("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP").but(replaces=True),
    "enabled": BOOLEAN.but(default=True),
    "batchSize": between(1, 10000).but(computed=True),
    "maximumBatchingWindowInSeconds": between(0, 300).but(default=0),
    "parallelizationFactor": between(1, 10).but(computed=True),
    "maximumRetryAttempts": between(-1, 10000).but(computed=True),
    "maximumRecordAgeInSeconds": INTEGER.but(computed=True),
    "bisectBatchOnFunctionError": BOOLEAN,
    "functionResponseTypes": set_of(one_of("ReportBatchItemFailures")),
    "destinationConfig": fields(onFailure=fields(destinationArn=STRING.but(required=True, api="Destination"))),
    "filterCriteria": fields(filters=set_of(fields(pattern=DOCUMENT.but(longest=4096)))),
    "tumblingWindowInSeconds": between(0, 900).but(default=0),
    "scalingConfig": fields(maximumConcurrency=between(2, 1000)),
    "metricsConfig": fields(metrics=set_of(one_of("EventCount"))),
    "kmsKeyArn": STRING.but(api="KMSKeyArn"),
    "tags": TAGS,
    "region": REGION,
}


ROWS = (
    ResourceType(
        token="aws:lambda/eventSourceMapping:EventSourceMapping",
        fields=_MAPPING,
        outputs=("arn", "uuid", "functionArn", "state", "tagsAll"),
        handler=MappingHandler(),
        rules=_mapping_rules,
    ),
)
