"""Which conditions of policies a function's calls meet."""

from datetime import UTC, datetime
from typing import Any

import pytest

from policies.conditions import Caller, holds, judged

WHO = Caller(
    region="eu-west-1",
    account="123456789012",
    role="arn:aws:iam::123456789012:role/actor",
    now=datetime(2026, 11, 23, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        (None, True),
        ({}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"AWS:securetransport": ["false"]}}, False),
        ({"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}, False),
        ({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}, True),
        ({"StringLike": {"aws:RequestedRegion": "eu-*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/actor"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, False),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}, True),
        ({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}, True),
        ({"Null": {"aws:SourceVpc": "true"}}, True),
        ({"Null": {"aws:SourceVpc": "false"}}, False),
        ({"Null": {"aws:TokenIssueTime": "true"}}, None),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}}, None),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"IpAddress": {"aws:SourceIp": "8.8.8.0/24"}}, None),
        ({"IpAddress": {"aws:SourceIp": "somewhere"}}, None),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, None),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}, False),
        ({"NumericLessThan": {"aws:EpochTime": "1"}}, False),
        ({"DateLessThan": {"aws:CurrentTime": "soon"}}, None),
        ({"StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}}, True),
        ({"StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}}, False),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1", "aws:PrincipalTag/team": "x"}}, None),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalTag/team": "x"}}, False),
    ],
    ids=str,
)
def test_condition_is_met(condition: Any, verdict: bool | None) -> None:
    """Told where it can be told; all parts of a condition must hold."""
    assert holds(condition, WHO) is verdict


def test_what_is_not_known_yet_is_not_judged() -> None:
    """Before a deployment nobody knows the account."""
    nowhere = Caller(now=WHO.now)
    assert holds({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, nowhere) is None


def test_statements_that_never_count_are_left_out() -> None:
    """One that always holds is as good as one without a condition."""
    never = {"Effect": "Allow", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    always = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    unclear = {"Effect": "Allow", "Condition": {"StringEquals": {"s3:prefix": "x"}}}

    assert judged([never, always, unclear], WHO) == [{"Effect": "Deny"}, unclear]
