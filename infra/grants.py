"""Permissions as values: a component says what using it takes, an execution role collects it. All IAM JSON is here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

_VERSION = "2012-10-17"

Conditions = Mapping[str, Mapping[str, str]]
"""Operator to condition key to value."""


def trust(service: str) -> str:
    """Lets one AWS service, and nobody else, take a role."""
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": _VERSION, "Statement": [allow]})


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions on resources; one statement of a policy."""

    sid: str
    """Letters and digits; unique in a policy."""
    actions: tuple[str, ...]
    resources: tuple[pulumi.Input[str], ...]
    conditions: Conditions = field(default_factory=dict)


def policy(grants: Sequence[Grant]) -> pulumi.Output[str]:
    """The policy document of some grants, in their order."""
    return pulumi.Output.json_dumps({"Version": _VERSION, "Statement": [_statement(grant) for grant in grants]})


def _statement(grant: Grant) -> dict[str, object]:
    statement: dict[str, object] = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Action": list(grant.actions),
        "Resource": list(grant.resources),
    }
    if grant.conditions:
        statement["Condition"] = {operator: dict(keys) for operator, keys in grant.conditions.items()}
    return statement
