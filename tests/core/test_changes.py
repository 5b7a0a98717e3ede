"""Records of the table's stream, as Lambda delivers them."""

from copy import deepcopy
from typing import Any

import pytest

from trebuche.changes import Change, event_time_ms, read_change

RECORD: dict[str, Any] = {
    "eventID": "c81e728d9d4c2f636f067f89cc14862c",
    "eventName": "MODIFY",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "us-east-1",
    "dynamodb": {
        "ApproximateCreationDateTime": 1767225600.0,
        "Keys": {"actorId": {"S": "todos"}},
        "NewImage": {"actorId": {"S": "todos"}, "version": {"N": "8"}, "state": {"B": "eyJuIjo4fQ=="}},
        "OldImage": {"actorId": {"S": "todos"}, "version": {"N": "7"}, "state": {"B": "eyJuIjo3fQ=="}},
        "SequenceNumber": "800000000003126276362",
        "SizeBytes": 182,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
}


def record(**changes: Any) -> dict[str, Any]:
    """The record with other members; in ``dynamodb`` where they are there, None removes."""
    made = deepcopy(RECORD)
    for key, value in changes.items():
        place = made["dynamodb"] if key in made["dynamodb"] else made
        place[key] = value
    made["dynamodb"] = {key: value for key, value in made["dynamodb"].items() if value is not None}
    return made


def test_a_change_has_both_values() -> None:
    """Numbers come as text, bytes as base64."""
    expected = Change("800000000003126276362", "todos", 8, b'{"n":8}', b'{"n":7}')
    assert read_change(RECORD) == expected


def test_a_first_write_has_no_value_before() -> None:
    """An INSERT."""
    change = read_change(record(eventName="INSERT", OldImage=None))
    assert change is not None
    assert (change.version, change.previous) == (8, None)


def test_a_deletion_keeps_the_last_version() -> None:
    """A REMOVE by a person or a program."""
    change = read_change(record(eventName="REMOVE", NewImage=None))
    assert change is not None
    assert (change.version, change.state, change.previous) == (7, None, None)


def test_an_expiry_is_no_change() -> None:
    """A REMOVE by DynamoDB itself."""
    service = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert read_change(record(eventName="REMOVE", NewImage=None, userIdentity=service)) is None


def test_a_write_that_keeps_the_version_is_no_change() -> None:
    """Another attribute of the item was touched."""
    assert read_change(record(OldImage=RECORD["dynamodb"]["NewImage"])) is None


@pytest.mark.parametrize(
    "image",
    [
        {},
        {"version": {"N": "8"}},
        {"state": {"B": "e30="}},
        {"version": {"N": "eight"}, "state": {"B": "e30="}},
        {"version": {"N": "-8"}, "state": {"B": "e30="}},
        {"version": {"N": "18446744073709551616"}, "state": {"B": "e30="}},
        {"version": {"N": "8"}, "state": {"B": "***"}},
        {"version": {"N": "8"}, "state": {"S": "{}"}},
    ],
)
def test_an_item_that_is_no_state_cannot_be_read(image: dict[str, Any]) -> None:
    """Its subscribers are told so; its deletion, and what it was before it was mended, say nothing."""
    change = read_change(record(NewImage=image))
    assert change is not None
    assert (change.version, change.state) == (8, b"")
    assert read_change(record(eventName="REMOVE", NewImage=None, OldImage=image)) is None
    mended = read_change(record(OldImage=image))
    assert mended is not None
    assert (mended.version, mended.previous) == (8, None)


def test_the_newest_record_tells_the_time() -> None:
    """In milliseconds; 0 without any."""
    assert event_time_ms([record(ApproximateCreationDateTime=1), RECORD]) == 1_767_225_600_000
    assert event_time_ms([]) == 0
