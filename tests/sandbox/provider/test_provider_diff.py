"""What is a difference, what replaces, and what is remembered; pure."""

import json
from typing import Any

import pytest

from sandbox.provider import wire
from sandbox.provider.diff import ChangeKind, blend, compare, imported_inputs, refreshed_inputs
from sandbox.provider.properties import (
    ARCHIVE,
    BOOLEAN,
    INTEGER,
    POLICY,
    STRING,
    STRING_MAP,
    STRING_SET,
    fields,
    list_of,
)

FIELDS = {
    "name": STRING.but(replaces=True),
    "size": INTEGER.but(default=128),
    "on": BOOLEAN,
    "filled": STRING.but(computed=True),
    "policy": POLICY,
    "members": STRING_SET,
    "steps": list_of(fields(a=INTEGER, b=INTEGER.but(computed=True))),
    "variables": STRING_MAP,
    "log": fields(format=STRING, level=STRING.but(computed=True), kind=STRING.but(replaces=True)),
    "code": ARCHIVE,
    "stored": STRING.but(record_only=True),
}


def paths(state: dict[str, Any], wanted: dict[str, Any]) -> dict[str, tuple[ChangeKind, bool]]:
    """Path → what happens, and whether it replaces."""
    return {change.path: (change.kind, change.replaces) for change in compare(FIELDS, state, wanted)}


def code(digest: str, **content: Any) -> dict[str, Any]:
    """An archive."""
    return {wire.SIGNATURE: wire.ARCHIVE, "hash": digest, **content}


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ({"size": 128}, {}),
        ({}, {"size": 128}),
        ({"on": False}, {}),
        ({"filled": "by AWS"}, {}),
        ({"variables": {}}, {}),
        ({"members": ["b", "a"]}, {"members": ["a", "b"]}),
        ({"variables": {"a": "1", "b": "2"}}, {"variables": {"b": "2", "a": "1"}}),
        ({"steps": [{"a": 1, "b": 5}]}, {"steps": [{"a": 1}]}),
        ({"log": {"format": "JSON", "level": "INFO"}}, {"log": {"format": "JSON"}}),
        ({"code": code("1")}, {"code": code("1", assets={"a": "…"})}),
        (
            {"policy": json.dumps({"Statement": [{"Action": "a", "Resource": ["x", "y"]}], "Version": "v"})},
            {"policy": json.dumps({"Version": "v", "Statement": {"Resource": ["y", "x"], "Action": ["a"]}}, indent=2)},
        ),
    ],
)
def test_other_spellings_and_what_aws_fills_in_are_no_difference(state: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Defaults, computed values, orders without a meaning and policies that say the same stay silent."""
    assert paths(state, wanted) == {}


@pytest.mark.parametrize(
    ("state", "wanted", "expected"),
    [
        ({"name": "a"}, {"name": "b"}, {"name": (ChangeKind.UPDATE, True)}),
        ({"size": 512}, {}, {"size": (ChangeKind.UPDATE, False)}),
        ({"on": True}, {}, {"on": (ChangeKind.UPDATE, False)}),
        ({"filled": "by AWS"}, {"filled": "mine"}, {"filled": (ChangeKind.UPDATE, False)}),
        ({}, {"members": ["a"]}, {"members": (ChangeKind.ADD, False)}),
        ({"members": ["a"]}, {}, {"members": (ChangeKind.DELETE, False)}),
        ({"steps": [{"a": 1}, {"a": 2}]}, {"steps": [{"a": 2}, {"a": 1}]}, {"steps": (ChangeKind.UPDATE, False)}),
        ({"log": {"kind": "x"}}, {"log": {"kind": "y"}}, {"log.kind": (ChangeKind.UPDATE, True)}),
        ({"code": code("1")}, {"code": code("2")}, {"code": (ChangeKind.UPDATE, False)}),
        ({}, {"code": code("2")}, {"code": (ChangeKind.ADD, False)}),
        (
            {"variables": {"a": "1", "gone": "2"}},
            {"variables": {"a": "3", "odd key": "4"}},
            {
                "variables.a": (ChangeKind.UPDATE, False),
                "variables.gone": (ChangeKind.DELETE, False),
                'variables["odd key"]': (ChangeKind.ADD, False),
            },
        ),
    ],
)
def test_differences_are_named_by_path(
    state: dict[str, Any], wanted: dict[str, Any], expected: dict[str, tuple[ChangeKind, bool]]
) -> None:
    """Each change says where it is, what happens, and whether it replaces; drift of an unset default counts."""
    assert paths(state, wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "path", "replaces"),
    [
        ({"name": wire.UNKNOWN}, "name", True),
        ({"size": wire.UNKNOWN}, "size", False),
        ({"log": {"format": wire.UNKNOWN}}, "log.format", False),
        ({"variables": {"a": wire.UNKNOWN}}, "variables.a", False),
        ({"members": ["a", wire.UNKNOWN]}, "members", False),
        ({"steps": [{"a": wire.UNKNOWN}]}, "steps", False),
    ],
)
def test_unknown_values_are_differences_in_a_preview(wanted: dict[str, Any], path: str, replaces: bool) -> None:
    """What is not known yet may change, and replaces where a change would."""
    state = {"name": "n", "size": 128, "variables": {"a": "1"}, "members": ["a"], "log": {"format": "x"}, "steps": []}
    assert paths(state, {**state, **wanted})[path][1] is replaces


def test_state_keeps_the_programs_spelling_and_what_aws_does_not_store() -> None:
    """Equal values stay as they were written; drift shows as it is; what nobody stores is remembered."""
    given = {"members": ["b", "a"], "size": 1, "log": {"format": "JSON"}, "code": code("1"), "stored": "s"}
    live = {"members": ["a", "b"], "size": 2, "log": {"format": "JSON", "level": "INFO"}, "arn": "arn", "stored": "x"}
    assert blend(FIELDS, given, live) == {
        "members": ["b", "a"],
        "size": 2,
        "log": {"format": "JSON", "level": "INFO"},
        "code": code("1"),
        "stored": "s",
        "arn": "arn",
    }


def test_a_handler_can_forget_what_is_only_remembered() -> None:
    """Code that was changed behind the stack's back counts as gone, so that the next up brings it back."""
    assert "code" not in blend(FIELDS, {"code": code("1")}, {"code": None})


def test_refreshed_inputs_hold_what_the_program_had_set() -> None:
    """AWS's additions stay out of the inputs, also inside objects; what is gone is gone."""
    given = {"size": 1, "log": {"format": "JSON"}, "members": ["a"]}
    live = {"size": 2, "log": {"format": "Text", "level": "INFO"}, "filled": "x"}
    assert refreshed_inputs(FIELDS, given, live) == {"size": 2, "log": {"format": "Text"}}


def test_imported_inputs_hold_more_than_defaults() -> None:
    """An import writes down what deviates."""
    live = {"name": "n", "size": 128, "on": False, "members": [], "variables": {"a": "1"}, "arn": "arn"}
    assert imported_inputs(FIELDS, live) == {"name": "n", "variables": {"a": "1"}}
