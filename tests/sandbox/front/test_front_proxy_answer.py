"""Answers of functions through a proxy integration, without anything running."""

import json
from typing import Any

import pytest

from sandbox.front.outcome import BROKEN
from sandbox.front.proxy_answer import read_answer


def read(**answer: Any) -> Any:
    """What an answer with status 200 and these members means."""
    return read_answer(json.dumps({"statusCode": 200, **answer}).encode())


@pytest.mark.parametrize("status", [200, 226, 299, 300, 404, 599])
def test_final_statuses_are_passed_on(status: int) -> None:
    """From 200 to 599."""
    assert read(statusCode=status).status == status


@pytest.mark.parametrize("status", [True, 0, -5, 99, 100, 101, 199, 600, 999, 200.0, "200", None, [200]])
def test_any_other_status_makes_an_answer_malformed(status: object) -> None:
    """What is no integer, or no status that a response could have."""
    assert read(statusCode=status) is BROKEN


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b'"text"', b"5", b"not json", b"{}"])
def test_what_is_no_object_is_malformed(payload: bytes) -> None:
    """An answer is an object with a statusCode."""
    assert read_answer(payload) is BROKEN


@pytest.mark.parametrize("body", [{"a": 1}, 5, ["x"], True])
def test_body_that_is_no_text_is_malformed(body: object) -> None:
    """Functions serialize it themselves."""
    assert read(body=body) is BROKEN


@pytest.mark.parametrize(
    "answer",
    [
        {"headers": ["x"]},
        {"headers": "x"},
        {"headers": {"a": {"b": 1}}},
        {"headers": {"a": ["b"]}},
        {"headers": {"a": "x\r\nX-Evil: 1"}},
        {"headers": {"a": "x\x00"}},
        {"headers": {"a b": "x"}},
        {"headers": {"": "x"}},
        {"multiValueHeaders": {"a": "x"}},
        {"multiValueHeaders": {"a": [["x"]]}},
        {"multiValueHeaders": {"a": ["x\ny"]}},
    ],
)
def test_headers_that_cannot_be_sent_make_an_answer_malformed(answer: dict[str, Any]) -> None:
    """Of another form, or with control characters."""
    assert read(**answer) is BROKEN


def test_headers_are_read_whatever_their_case() -> None:
    """Scalars are written as JSON has them; null is none."""
    headers = {"X-Text": "a\tb", "x-number": 1.5, "X-Flag": True, "X-None": None}
    assert read(headers=headers).headers == {"x-text": "a\tb", "x-number": "1.5", "x-flag": "true"}
    assert read(headers=None, multiValueHeaders=None).headers == {}


def test_multi_value_headers_go_before_single_ones() -> None:
    """Of a name that is in both, and several values are joined."""
    read_headers = read(headers={"a": "1", "b": "2"}, multiValueHeaders={"A": ["3", "4"], "c": []}).headers
    assert read_headers == {"a": "3, 4", "b": "2"}
