"""DynamoDB Streams as a program of anybody's reads them."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from tests.support.front import turnable_front
from tests.support.sandbox import Aws, Json

DAY_SECONDS = 24 * 3600.0


def shards(streams: Any, arn: str) -> list[str]:
    """The shards of a stream."""
    return [shard["ShardId"] for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]]


def oldest(streams: Any, arn: str, shard: str) -> str:
    """An iterator at a shard's beginning."""
    answer = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return str(answer["ShardIterator"])


def records(streams: Any, arn: str) -> Iterator[Json]:
    """All records of a stream, shard after shard."""
    for shard in shards(streams, arn):
        yield from streams.get_records(ShardIterator=oldest(streams, arn, shard))["Records"]


def code_of(call: Any, **request: Any) -> str:
    """AWS's name of the error that a call must end with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def test_on_demand_table_has_four_shards_and_each_key_one_of_them(aws: Aws) -> None:
    """Changes of one partition key stay together and in order; those of many keys are in several shards."""
    table, arn = aws.table()
    for entry in "abc":
        for actor in range(12):
            aws.put(table, f"actor-{actor}", entry)
    streams = aws.client("dynamodbstreams")
    places: dict[str, set[str]] = {}
    order: dict[str, list[str]] = {}
    for shard in shards(streams, arn):
        for record in streams.get_records(ShardIterator=oldest(streams, arn, shard))["Records"]:
            keys = record["dynamodb"]["Keys"]
            places.setdefault(keys["actorId"]["S"], set()).add(shard)
            order.setdefault(keys["actorId"]["S"], []).append(keys["entry"]["S"])
    assert len(shards(streams, arn)) == 4
    assert len(places) == 12
    assert all(len(where) == 1 for where in places.values())
    assert len(set.union(*places.values())) > 1
    assert all(seen == ["a", "b", "c"] for seen in order.values())


def test_provisioned_table_has_a_shard_per_partition(aws: Aws) -> None:
    """A partition takes 1,000 writes or 3,000 reads per second: 5 and 5 fit into one."""
    answer = aws.dynamodb.create_table(
        TableName="small",
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    arn = answer["TableDescription"]["LatestStreamArn"]
    assert len(shards(aws.client("dynamodbstreams"), arn)) == 1


def test_sequence_numbers_rise_as_numbers_and_have_no_leading_zero(aws: Aws) -> None:
    """They are decimal texts of 21 to 40 digits, of different lengths: comparing them as texts would be wrong."""
    table, arn = aws.table()
    for number in range(3):
        aws.put(table, "todos", f"v{number}")
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records(aws.client("dynamodbstreams"), arn)]
    assert [int(number) for number in numbers] == sorted({int(number) for number in numbers})
    assert all(21 <= len(number) <= 40 and number[0] != "0" for number in numbers)


def test_record_says_how_large_its_change_is(aws: Aws) -> None:
    """SizeBytes counts names and values of keys and images."""
    table, arn = aws.table()
    aws.put(table, "todos", "v1", state={"B": b"12345"})
    (record,) = records(aws.client("dynamodbstreams"), arn)
    keys = len("actorId") + len("todos") + len("entry") + len("v1")
    assert record["dynamodb"]["SizeBytes"] == keys + keys + len("state") + 5


def test_iterators_begin_where_they_are_told(aws: Aws) -> None:
    """LATEST is behind everything; at and after a sequence number mean that."""
    table, arn = aws.table()
    for entry in "abc":
        aws.put(table, "todos", entry)
    streams = aws.client("dynamodbstreams")
    place = next(name for name in shards(streams, arn) if _entries(streams, oldest(streams, arn, name)))
    where = {"StreamArn": arn, "ShardId": place}
    second = streams.get_records(ShardIterator=oldest(streams, arn, place))["Records"][1]["dynamodb"]["SequenceNumber"]
    at = streams.get_shard_iterator(**where, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=second)
    after = streams.get_shard_iterator(**where, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=second)
    latest = streams.get_shard_iterator(**where, ShardIteratorType="LATEST")["ShardIterator"]
    aws.put(table, "todos", "d")
    assert _entries(streams, at["ShardIterator"]) == ["b", "c", "d"]
    assert _entries(streams, after["ShardIterator"]) == ["c", "d"]
    assert _entries(streams, latest) == ["d"]
    for since, entries in ((0, ["a", "b", "c", "d"]), (4_000_000_000, [])):
        at = streams.get_shard_iterator(**where, ShardIteratorType="AT_TIMESTAMP", Timestamp=since)["ShardIterator"]
        assert _entries(streams, at) == entries


def _entries(streams: Any, iterator: str) -> list[str]:
    page = streams.get_records(ShardIterator=iterator)["Records"]
    return [record["dynamodb"]["Keys"]["entry"]["S"] for record in page]


def test_what_is_not_there_is_refused_by_awss_names(aws: Aws) -> None:
    """Unknown streams, shards, iterators and sequence numbers."""
    table, arn = aws.table()
    aws.put(table, "todos", "a")
    streams = aws.client("dynamodbstreams")
    shard = shards(streams, arn)[0]
    where = {"StreamArn": arn, "ShardId": shard}
    none = "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-01-01T00:00:00.000"
    assert code_of(streams.describe_stream, StreamArn=none) == "ResourceNotFoundException"
    unknown = {"StreamArn": arn, "ShardId": "shardId-00000000000000000000-0000000f"}
    horizon = {"ShardIteratorType": "TRIM_HORIZON"}
    assert code_of(streams.get_shard_iterator, **unknown, **horizon) == "ResourceNotFoundException"
    assert code_of(streams.get_records, ShardIterator="x") == "ValidationException"
    after = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "1" * 21}
    assert code_of(streams.get_shard_iterator, **where, **after) == "TrimmedDataAccessException"


def forged(**fields: object) -> str:
    """An iterator that nobody has handed out, in the form of those that are."""
    place = {"stream": "x", "shard": 0, "position": 0, "issued": 0.0, **fields}
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("get_records", {"ShardIterator": forged()}, "ValidationException"),
        ("get_records", {"ShardIterator": forged(shard=99, position=-1)}, "ValidationException"),
        ("get_records", {"ShardIterator": forged(stream=7)}, "ValidationException"),
        ("get_records", {"ShardIterator": "A" * 400}, "ValidationException"),
        ("get_records", {"ShardIterator": "ü"}, "ValidationException"),
        ("get_records", {"ShardIterator": 7}, "SerializationException"),
        ("get_records", {}, "ValidationException"),
        ("get_records", {"ShardIterator": forged(), "Limit": 0}, "ValidationException"),
        ("get_records", {"ShardIterator": forged(), "Limit": "many"}, "SerializationException"),
        ("get_records", {"ShardIterator": forged(), "Limit": True}, "SerializationException"),
        (
            "get_shard_iterator",
            {"StreamArn": 7, "ShardId": "y", "ShardIteratorType": "LATEST"},
            "SerializationException",
        ),
        (
            "get_shard_iterator",
            {"StreamArn": "x", "ShardId": "y", "ShardIteratorType": "LATEST"},
            "ValidationException",
        ),
        ("get_shard_iterator", {}, "ValidationException"),
    ],
)
def test_malformed_requests_are_refused(aws: Aws, operation: str, request_: Json, code: str) -> None:
    """What a caller has made up is the caller's mistake, never the service's."""
    assert code_of(getattr(aws.client("dynamodbstreams"), operation), **request_) == code


@pytest.mark.parametrize(
    "fields",
    [
        {"ShardIteratorType": "YESTERDAY"},
        {},
        {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "first"},
        {"ShardIteratorType": "AT_SEQUENCE_NUMBER"},
        {"ShardIteratorType": "AT_TIMESTAMP"},
    ],
)
def test_malformed_places_are_refused(aws: Aws, fields: Json) -> None:
    """An iterator is made for one of five kinds of places, each named in full."""
    _, arn = aws.table()
    streams = aws.client("dynamodbstreams")
    where = {"StreamArn": arn, "ShardId": shards(streams, arn)[0]}
    assert code_of(streams.get_shard_iterator, **where, **fields) == "ValidationException"


def test_changed_iterator_is_refused(aws: Aws) -> None:
    """A good iterator with one letter changed is none."""
    _, arn = aws.table()
    streams = aws.client("dynamodbstreams")
    iterator = oldest(streams, arn, shards(streams, arn)[0])
    changed = iterator[:60] + ("A" if iterator[60] != "A" else "B") + iterator[61:]
    assert code_of(streams.get_records, ShardIterator=changed) == "ValidationException"
    assert streams.get_records(ShardIterator=iterator)["Records"] == []


def test_reader_without_permission_is_refused(aws: Aws) -> None:
    """The caller's own policy is judged before anything is shown."""
    table, arn = aws.table()
    aws.put(table, "todos", "a")
    root = aws.client("dynamodbstreams")
    iterator = oldest(root, arn, shards(root, arn)[0])
    aws.iam.create_user(UserName="reader")
    key = aws.iam.create_access_key(UserName="reader")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    reader = aws.client("dynamodbstreams", **keys)
    assert code_of(reader.get_records, ShardIterator=iterator) == "AccessDeniedException"
    assert code_of(reader.describe_stream, StreamArn=arn) == "AccessDeniedException"


def test_records_are_kept_for_24_hours(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A day later the record is gone, and who asks for it is refused; an iterator lives 15 minutes."""

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            aws = Aws(front.endpoint, tmp_path)
            streams = aws.client("dynamodbstreams")
            table, arn = await asyncio.to_thread(aws.table)
            await asyncio.to_thread(aws.put, table, "todos", "old")
            (old,) = await asyncio.to_thread(lambda: list(records(streams, arn)))
            shard = next(name for name in await asyncio.to_thread(shards, streams, arn))
            iterator = await asyncio.to_thread(oldest, streams, arn, shard)
            front.clock.advance(16 * 60)
            assert await asyncio.to_thread(lambda: code_of(streams.get_records, ShardIterator=iterator)) == (
                "ExpiredIteratorException"
            )
            front.clock.advance(DAY_SECONDS)
            await asyncio.to_thread(aws.put, table, "todos", "new")
            left = await asyncio.to_thread(lambda: list(records(streams, arn)))
            assert [record["dynamodb"]["Keys"]["entry"]["S"] for record in left] == ["new"]
            number = old["dynamodb"]["SequenceNumber"]
            where = {"StreamArn": arn, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": number}
            codes = await asyncio.to_thread(
                lambda: {code_of(streams.get_shard_iterator, ShardId=name, **where) for name in shards(streams, arn)}
            )
            assert codes == {"TrimmedDataAccessException"}

    asyncio.run(main())
