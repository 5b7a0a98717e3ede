"""Filter patterns over stream records."""

import pytest

from sandbox.aws import Json
from sandbox.pump.filters import passes

RECORD: Json = {
    "eventName": "MODIFY",
    "dynamodb": {"NewImage": {"kind": {"S": "state"}, "version": {"N": "8"}, "done": {"BOOL": True}}},
}


def image(rule: object) -> Json:
    """A pattern on the new image's kind."""
    return {"dynamodb": {"NewImage": {"kind": {"S": rule}}}}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({}, True),
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["INSERT"]}, False),
        (image(["state"]), True),
        (image(["other"]), False),
        (image([{"prefix": "st"}]), True),
        (image([{"prefix": "x"}]), False),
        (image([{"suffix": "te"}]), True),
        (image([{"anything-but": ["other"]}]), True),
        (image([{"anything-but": ["state"]}]), False),
        (image([{"anything-but": {"prefix": "st"}}]), False),
        (image([{"equals-ignore-case": "STATE"}]), True),
        ({"userIdentity": {"type": [{"exists": False}]}}, True),
        ({"userIdentity": {"type": ["Service"]}}, False),
        (image([{"exists": True}]), True),
        ({"dynamodb": {"NewImage": {"version": {"N": ["8"]}}}}, True),
        ({"dynamodb": {"NewImage": {"version": {"N": [8]}}}}, False),
        ({"dynamodb": {"NewImage": {"version": {"N": [{"numeric": [">", 1]}]}}}}, False),
        ({"dynamodb": {"NewImage": {"done": {"BOOL": [True]}}}}, True),
        ({"$or": [{"eventName": ["REMOVE"]}, {"eventName": ["MODIFY"]}]}, True),
        ({"$or": [{"eventName": ["REMOVE"]}, {"eventName": ["INSERT"]}]}, False),
    ],
)
def test_pattern(pattern: Json, *, matches: bool) -> None:
    """Literals, prefix, suffix, anything-but, exists, case and $or; numbers are text, numeric never matches."""
    assert passes([pattern], RECORD) is matches


def test_one_of_several_filters_is_enough() -> None:
    """Filters are alternatives; none at all lets everything through."""
    assert passes([{"eventName": ["REMOVE"]}, {"eventName": ["MODIFY"]}], RECORD)
    assert passes([], RECORD)
    assert not passes([{"eventName": ["REMOVE"]}], RECORD)
