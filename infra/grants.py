"""Permissions as values: a component says what using it takes, an execution role collects it. All IAM JSON is here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

_VERSION = "2012-10-17"

LAMBDA_TRUST = json.dumps(
    {
        "Version": _VERSION,
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)
"""Who may take an execution role."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions on resources; one statement of a policy."""

    sid: str
    """Letters and digits; unique in a policy."""
    actions: tuple[str, ...]
    resources: tuple[pulumi.Input[str], ...]


def policy(grants: Sequence[Grant]) -> pulumi.Output[str]:
    """The policy document of some grants, in their order."""
    return pulumi.Output.json_dumps(
        {
            "Version": _VERSION,
            "Statement": [
                {"Sid": grant.sid, "Effect": "Allow", "Action": list(grant.actions), "Resource": list(grant.resources)}
                for grant in grants
            ],
        }
    )
