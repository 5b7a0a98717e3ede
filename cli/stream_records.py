"""Records of a table's stream, as Lambda delivers them: read again, or made from what a table holds now."""

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.dead_letters import DeadLetter
from trebuche.contract import ACTOR_ID

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

Json = dict[str, Any]

_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})
_PAGE = 1_000
_EMPTY_PAGES = 10
"""An open shard has no end, and an empty page may come before a full one (GetRecords API reference)."""


class RecordsGoneError(Exception):
    """The stream does not have them: it keeps records for 24 hours, and a deleted stream none."""


def read_again(client: "DynamoDBStreamsClient", letter: DeadLetter) -> list[Json]:
    """The records that a message stands for, as events.

    Raises:
        RecordsGoneError: They are older than 24 hours, or the stream is not there any more.
    """
    try:
        found = list(_records(client, letter))
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            raise RecordsGoneError from error
        raise
    # Some have left the stream already; the states, which are sent instead, hold what they said.
    if not found or found[-1]["dynamodb"]["SequenceNumber"] != letter.last:
        raise RecordsGoneError
    return found


def _records(client: "DynamoDBStreamsClient", letter: DeadLetter) -> Iterator[Json]:
    iterator: str | None = client.get_shard_iterator(
        StreamArn=letter.stream_arn,
        ShardId=letter.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=letter.first,
    )["ShardIterator"]
    empty = 0
    while iterator and empty < _EMPTY_PAGES:
        page = client.get_records(ShardIterator=iterator, Limit=_PAGE)
        empty = 0 if page["Records"] else empty + 1
        for record in page["Records"]:
            number = record["dynamodb"]["SequenceNumber"]
            if not letter.covers(number):
                return
            yield as_event(record, letter.stream_arn)
            if number == letter.last:
                return
        iterator = page.get("NextShardIterator")


def as_event(record: Mapping[str, Any], stream_arn: str) -> Json:
    """A record of GetRecords in the form in which Lambda hands it to a function."""
    return {**_plain(record), "eventSourceARN": stream_arn}


def current_state(item: Mapping[str, Any], letter: DeadLetter, number: str) -> Json:
    """A record that says of an actor what its item says now.

    Args:
        item: The state table's item.
        letter: Whose records are gone.
        number: Stands in for a sequence number: by it the function names the record when it fails.
    """
    return {
        "eventID": f"redrive-{number}",
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": letter.stream_arn.split(":")[3],
        "eventSourceARN": letter.stream_arn,
        "dynamodb": {
            "Keys": {ACTOR_ID: _plain(item[ACTOR_ID])},
            "NewImage": _plain(item),
            "SequenceNumber": number,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def _plain(value: Any) -> Any:
    """boto3's bytes, dates and numbers as JSON has them."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if isinstance(value, datetime) else value
