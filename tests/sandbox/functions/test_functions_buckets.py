"""Buckets as destinations of what has failed."""

import json
import re
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, Json, eventually

DAY = r"\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}"
NO_LIST: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["logs:*", "s3:PutObject"], "Resource": "*"}],
}


def bucket(aws: Aws) -> tuple[str, str]:
    """Name and ARN of a new bucket."""
    name = f"bucket-{uuid.uuid4().hex}"
    aws.client("s3").create_bucket(Bucket=name)
    return name, f"arn:aws:s3:::{name}"


def stored(aws: Aws, name: str) -> tuple[str, Json]:
    """The one object of a bucket, as soon as it is there: its key and its content."""
    s3 = aws.client("s3")
    [found] = eventually(lambda: s3.list_objects_v2(Bucket=name).get("Contents"))
    return found["Key"], json.loads(s3.get_object(Bucket=name, Key=found["Key"])["Body"].read())


def test_a_failed_event_is_stored(aws: Aws) -> None:
    """The record of event and error, below the function's name and the day."""
    function, (name, arn) = aws.function("raise ValueError(event)"), bucket(aws)
    aws.functions.put_function_event_invoke_config(
        FunctionName=function.name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    aws.functions.invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"n": 1}')
    key, record = stored(aws, name)
    assert re.fullmatch(f"aws/lambda/async/{function.name}/{DAY}", key)
    assert (record["requestPayload"], record["responsePayload"]["errorType"]) == ({"n": 1}, "ValueError")


def test_given_up_records_are_stored_with_what_they_hold(aws: Aws) -> None:
    """A bucket gets the records, too, below the mapping and the shard: nobody has to read the stream again."""
    function, (name, arn), (table, stream) = aws.function("record(event)\nraise ValueError"), bucket(aws), aws.table()
    mapping = aws.functions.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=function.name,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    aws.put(table, "a", "1")
    key, letter = stored(aws, name)
    assert re.fullmatch(f"aws/lambda/{mapping['UUID']}/shardId-[0-9a-f-]+/{DAY}", key)
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert letter["payload"] == function.events()[0]


def test_a_bucket_needs_two_permissions(aws: Aws) -> None:
    """To put objects, and to list them."""
    function, (_, arn) = aws.function("pass", role=aws.role(NO_LIST)), bucket(aws)
    with pytest.raises(ClientError) as caught:
        aws.functions.put_function_event_invoke_config(
            FunctionName=function.name, DestinationConfig={"OnFailure": {"Destination": arn}}
        )
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
