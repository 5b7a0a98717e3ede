"""Which log events FilterLogEvents finds by a pattern."""

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, Json

TEXTS = {"error": "ERROR 400: bad request", "warning": "WARN slow request", "lower": "error: no"}
EVENTS: dict[str, Json] = {
    "first": {"level": "ERROR", "took": 12.5, "of": {"user": "ann"}, "tags": ["a", "b"], "done": None},
    "second": {"level": "INFO", "took": 3, "of": {"user": "bob"}, "tags": [{"k": 1}], "good": True},
}


def found(aws: Aws, messages: dict[str, str], pattern: str) -> list[str]:
    """The names of the messages that a pattern finds."""
    logs: Any = aws.client("logs")
    group = f"found-{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    at = int(time.time() * 1000)
    events = [{"timestamp": at, "message": message} for message in messages.values()]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    answer = logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]
    return [name for name, message in messages.items() if message in [event["message"] for event in answer]]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", ["error", "warning", "lower"]),
        ("ERROR", ["error"]),
        ("request ERROR", ["error"]),
        ('"slow request"', ["warning"]),
        ('"ERROR request"', []),
        ("request -ERROR", ["warning"]),
        ('-"bad request"', ["warning", "lower"]),
        ("?ERROR ?WARN", ["error", "warning"]),
        ("?ERROR no", ["lower"]),
        ("%^[Ee]rror|400%", ["error", "lower"]),
    ],
)
def test_terms_find_messages(aws: Aws, pattern: str, names: list[str]) -> None:
    """In the case that they are written in; a phrase as a whole."""
    assert found(aws, TEXTS, pattern) == names


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ('{ $.level = "ERROR" }', ["first"]),
        ("{ $.level != ERROR }", ["second"]),
        ('{ $.of.user = "b*" }', ["second"]),
        ("{ $.of.user = %^a% }", ["first"]),
        ("{ $.took > 3 }", ["first"]),
        ("{ $.took = 3 || $.took = 12.5 }", ["first", "second"]),
        ('{ ($.took >= 3) && ($.level = "INFO") }', ["second"]),
        ('{ $.tags[0] = "a" }', ["first"]),
        ('{ $.tags[*] = "b" }', ["first"]),
        ("{ $.tags[0].k = 1 }", ["second"]),
        ("{ $.done IS NULL }", ["first"]),
        ("{ $.good IS TRUE }", ["second"]),
        ("{ $.good NOT EXISTS }", ["first"]),
        ("{ $.nothing != 1 }", []),
    ],
)
def test_selectors_find_events_in_json(aws: Aws, pattern: str, names: list[str]) -> None:
    """By texts, numbers, regular expressions and what is there at all; a message that is no JSON is none of them."""
    messages = {"text": "level ERROR", **{name: json.dumps(event) for name, event in EVENTS.items()}}
    assert found(aws, messages, pattern) == names


@pytest.mark.parametrize(
    "pattern", ["a.b", '"open', "{ $.a }", "{ $.a = }", "{ $.a < b }", "{ a = 1 }", "[a, b=1]", "%(%", "{ $.a = %(% }"]
)
def test_what_is_no_pattern_is_refused(aws: Aws, pattern: str) -> None:
    """Rather than taken for one that finds everything."""
    with pytest.raises(ClientError, match="Invalid filter pattern") as caught:
        found(aws, TEXTS, pattern)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"
