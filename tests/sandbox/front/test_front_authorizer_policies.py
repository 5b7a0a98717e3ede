"""Policies that authorizers answer with, judged without anything running."""

import json
from typing import Any

import pytest

from sandbox.front.authorizer_answer import read_answer

ARN = "arn:aws:execute-api:us-east-1:000000000000:a1b2/live/$connect"
EVENT = {
    "requestContext": {
        "requestTimeEpoch": 1_800_000_000_000,
        "identity": {"sourceIp": "10.1.2.3", "userAgent": "probe/1.0"},
    }
}


def judged(*statements: dict[str, Any]) -> int:
    """The status that a policy of these statements comes to; each allows the route if it says nothing else."""
    usual = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN}
    completed = [{**usual, **one} for one in statements]
    for statement in completed:
        for part in ("Action", "Resource"):
            if f"Not{part}" in statement:
                del statement[part]
    answer = {"principalId": "u", "policyDocument": {"Version": "2012-10-17", "Statement": completed}}
    return read_answer(json.dumps(answer).encode(), ARN, EVENT).status


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ({"NotAction": "execute-api:ManageConnections"}, 200),
        ({"NotAction": ["execute-api:Invoke", "a:b"]}, 403),
        ({"NotResource": "arn:x"}, 200),
        ({"NotResource": "arn:aws:execute-api:*"}, 403),
    ],
)
def test_opposites_of_action_and_resource_are_judged(statement: dict[str, Any], status: int) -> None:
    """NotAction and NotResource speak of all but what they name."""
    assert judged(statement) == status


CONDITIONS = [
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
    ({"IpAddress": {"aws:SourceIp": ["192.168.0.0/16", "10.1.2.3"]}}, True),
    ({"IpAddress": {"aws:SourceIp": "10.0.0.1"}}, False),
    ({"NotIpAddress": {"aws:SourceIp": "10.0.0.1"}}, True),
    ({"StringLike": {"aws:UserAgent": "probe/*"}}, True),
    ({"StringEquals": {"AWS:UserAgent": "other"}}, False),
    ({"DateLessThan": {"aws:CurrentTime": "2027-06-01T00:00:00Z"}}, True),
    ({"DateGreaterThan": {"aws:CurrentTime": "2027-06-01T00:00:00Z"}}, False),
    ({"NumericGreaterThanEquals": {"aws:EpochTime": "1800000000"}}, True),
    ({"Bool": {"aws:SecureTransport": "true"}}, True),
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"aws:UserAgent": "other"}}, False),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS)
def test_conditions_decide_about_their_statements(condition: dict[str, Any], *, holds: bool) -> None:
    """An Allow counts when its conditions hold, and so does a Deny."""
    assert judged({"Condition": condition}) == (200 if holds else 403)
    assert judged({}, {"Effect": "Deny", "Condition": condition}) == (403 if holds else 200)


@pytest.mark.parametrize("missing", ["Action", "Resource", "Effect"])
def test_statement_without_a_part_is_no_policy(missing: str) -> None:
    """It is the authorizer's fault: 500."""
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN}
    del statement[missing]
    answer = {"principalId": "u", "policyDocument": {"Statement": statement}}
    assert read_answer(json.dumps(answer).encode(), ARN, EVENT).status == 500
