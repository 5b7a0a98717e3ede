"""The event source mapping API, as boto3 sees it."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, Json

TAKE = "record(event)"


def refusal(aws: Aws, **request: object) -> tuple[str, int]:
    """Code and status of a create that must fail."""
    wanted: Json = request
    with pytest.raises(ClientError) as caught:
        aws.functions.create_event_source_mapping(**wanted)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def ends(aws: Aws) -> Json:
    """A stream and a function, as a create names them."""
    return {
        "EventSourceArn": aws.table()[1],
        "FunctionName": aws.function(TAKE).name,
        "StartingPosition": "TRIM_HORIZON",
    }


def test_defaults_are_awss(aws: Aws, ends: Json) -> None:
    """What is not said gets Lambda's own defaults, not the emulator's."""
    made = aws.functions.create_event_source_mapping(**ends)
    shown = aws.functions.get_event_source_mapping(UUID=made["UUID"])
    assert (made["State"], shown["State"]) == ("Creating", "Enabled")
    assert shown["BatchSize"] == 100
    assert shown["MaximumBatchingWindowInSeconds"] == 0
    assert shown["ParallelizationFactor"] == 1
    assert (shown["MaximumRetryAttempts"], shown["MaximumRecordAgeInSeconds"]) == (-1, -1)
    assert shown["BisectBatchOnFunctionError"] is False
    assert shown["EventSourceMappingArn"].endswith(f":event-source-mapping:{made['UUID']}")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("BatchSize", 10_001),
        ("MaximumBatchingWindowInSeconds", 301),
        ("ParallelizationFactor", 11),
        ("MaximumRetryAttempts", 10_001),
        ("MaximumRecordAgeInSeconds", 604_801),
    ],
)
def test_value_out_of_range_is_refused(aws: Aws, ends: Json, setting: str, value: int) -> None:
    """Each range is Lambda's own."""
    assert refusal(aws, **ends, **{setting: value}) == ("ValidationException", 400)
    assert aws.functions.list_event_source_mappings(EventSourceArn=ends["EventSourceArn"])["EventSourceMappings"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"StartingPosition": None},
        {"StartingPosition": "AT_TIMESTAMP"},
        {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:queue.fifo"}}},
        {"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": "INSERT"}'}]}},
        {"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": [{"wildcard": "I*"}]}'}]}},
        {"MaximumRecordAgeInSeconds": 59},
        {"FunctionResponseTypes": ["Other"]},
        {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}},
        {"FilterCriteria": {"Filters": [{"Pattern": "{}"}] * 6}},
        {"DestinationConfig": {"OnFailure": {"Destination": "queue"}}},
        {"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-01-01T00:00:00.000"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_invalid_parameter_is_refused(aws: Aws, ends: Json, change: Json) -> None:
    """A value that Lambda does not take is refused by name, and nothing is made."""
    request = {name: value for name, value in (ends | change).items() if value is not None}
    assert refusal(aws, **request) == ("InvalidParameterValueException", 400)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ScalingConfig", {"MaximumConcurrency": 2}),
        ("ProvisionedPollerConfig", {"MinimumPollers": 2}),
        ("Queues", ["q"]),
        ("Topics", ["t"]),
        ("SourceAccessConfigurations", [{"Type": "BASIC_AUTH", "URI": "u"}]),
        ("SelfManagedEventSource", {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a:1"]}}),
        ("StartingPositionTimestamp", 1_700_000_000),
    ],
)
def test_settings_of_other_sources_are_refused(aws: Aws, ends: Json, name: str, value: object) -> None:
    """What queues and brokers are set to is none of a stream's, when a mapping is made and when it is changed."""
    text = f"Unsupported {name} parameter for given event source mapping type."
    with pytest.raises(ClientError) as caught:
        aws.functions.create_event_source_mapping(**(ends | {name: value}))
    assert caught.value.response["Error"]["Message"] == text
    if name in ("ScalingConfig", "ProvisionedPollerConfig", "SourceAccessConfigurations"):
        identifier = aws.functions.create_event_source_mapping(**ends)["UUID"]
        with pytest.raises(ClientError, match=f"Unsupported {name} parameter"):
            aws.functions.update_event_source_mapping(UUID=identifier, **cast("Any", {name: value}))


def test_unknown_function_is_refused(aws: Aws, ends: Json) -> None:
    """The function must be there."""
    assert refusal(aws, **(ends | {"FunctionName": "nobody"})) == ("ResourceNotFoundException", 404)


def test_second_mapping_of_the_same_ends_is_a_conflict(aws: Aws, ends: Json) -> None:
    """One stream and one function make one mapping; another alias of the function is another one."""
    aws.functions.create_event_source_mapping(**ends)
    version = aws.functions.publish_version(FunctionName=ends["FunctionName"])["Version"]
    alias = aws.functions.create_alias(FunctionName=ends["FunctionName"], Name="live", FunctionVersion=version)
    assert refusal(aws, **ends) == ("ResourceConflictException", 409)
    made = aws.functions.create_event_source_mapping(**(ends | {"FunctionName": alias["AliasArn"]}))
    assert made["FunctionArn"] == alias["AliasArn"]
    assert refusal(aws, **(ends | {"FunctionName": f"{ends['FunctionName']}:live"}))[1] == 409


def test_list_finds_by_stream_and_by_function(aws: Aws, ends: Json) -> None:
    """Both filters narrow the list; together they find one."""
    made = aws.functions.create_event_source_mapping(**ends)["UUID"]
    other = ends | {"EventSourceArn": aws.table()[1]}
    second = aws.functions.create_event_source_mapping(**other)["UUID"]

    def found(**wanted: str) -> set[str]:
        listed = aws.functions.list_event_source_mappings(**wanted)  # type: ignore[arg-type]
        return {mapping["UUID"] for mapping in listed["EventSourceMappings"]}

    assert found(FunctionName=ends["FunctionName"]) == {made, second}
    assert found(EventSourceArn=ends["EventSourceArn"]) == {made}
    assert found() >= {made, second}


def test_update_changes_only_what_it_names(aws: Aws, ends: Json) -> None:
    """An update keeps the other settings, and checks like a create."""
    identifier = aws.functions.create_event_source_mapping(**ends, BatchSize=7)["UUID"]
    updated = aws.functions.update_event_source_mapping(UUID=identifier, MaximumRetryAttempts=3, Enabled=False)
    shown = aws.functions.get_event_source_mapping(UUID=identifier)
    assert (updated["State"], shown["State"]) == ("Updating", "Disabled")
    assert (shown["BatchSize"], shown["MaximumRetryAttempts"]) == (7, 3)
    with pytest.raises(ClientError):
        aws.functions.update_event_source_mapping(UUID=identifier, BatchSize=0)


def test_deleted_mapping_is_not_found(aws: Aws, ends: Json) -> None:
    """Delete tells that it has begun; afterwards there is none."""
    identifier = aws.functions.create_event_source_mapping(**ends)["UUID"]
    assert aws.functions.delete_event_source_mapping(UUID=identifier)["State"] == "Deleting"
    for call in (aws.functions.get_event_source_mapping, aws.functions.delete_event_source_mapping):
        with pytest.raises(aws.functions.exceptions.ResourceNotFoundException):
            call(UUID=identifier)


@pytest.mark.parametrize(
    ("position", "code", "text"),
    [
        (None, "InvalidParameterValueException", "Value null at 'startingPosition'"),
        ("NOW", "ValidationException", "enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"),
        ("AT_TIMESTAMP", "InvalidParameterValueException", "Unsupported starting position for arn type"),
    ],
)
def test_starting_position_is_refused_in_awss_words(
    aws: Aws, ends: Json, position: str | None, code: str, text: str
) -> None:
    """It has to be there, to be known, and to be one that streams of tables have."""
    with pytest.raises(ClientError) as caught:
        aws.functions.create_event_source_mapping(**(ends | {"StartingPosition": position}))
    error = caught.value.response["Error"]
    assert error["Code"] == code
    assert text in error["Message"]


@pytest.mark.parametrize("metrics", [["Bogus"], ["EventCount", "ErrorCount"], "EventCount"])
def test_metrics_that_there_are_not_are_refused(aws: Aws, ends: Json, metrics: object) -> None:
    """Streams and queues have one group of them."""
    url = aws.sqs.create_queue(QueueName=f"metrics-{aws.folder.name[-20:]}")["QueueUrl"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for source in (ends, {"EventSourceArn": queue, "FunctionName": ends["FunctionName"]}):
        assert refusal(aws, **source, MetricsConfig={"Metrics": metrics}) == ("ValidationException", 400)
