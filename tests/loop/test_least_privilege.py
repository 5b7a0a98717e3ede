"""The proof of least privilege, on a few permissions; ``make proof`` takes every one away."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.loop.conftest import Deployed
from tests.proof.least_privilege import PATIENT_SECONDS, giving_up_at_once
from tests.proof.removals import Removal, find_removals
from tests.proof.scenario import Scenario

SPARE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Spare", "Effect": "Allow", "Action": ["dynamodb:Scan", "dynamodb:Query"], "Resource": ["*"]}
    ],
}


@pytest.fixture
def scenario(deployed: Deployed) -> Iterator[Scenario]:
    """Everything that the stack does; it holds before and after."""
    with giving_up_at_once(deployed):
        whole = Scenario(deployed)
        assert asyncio.run(whole.first_failure(seconds=PATIENT_SECONDS, at_once=1)) is None
        yield whole
        assert asyncio.run(whole.first_failure(seconds=PATIENT_SECONDS, at_once=1)) is None


def removal_of(deployed: Deployed, part: str) -> Removal:
    """The first removal whose name holds a text."""
    every = find_removals(deployed.aws, list(deployed.outputs["functions"].values()))
    return next(removal for removal in every if part in removal.name)


def test_permission_that_is_taken_away_is_missed(deployed: Deployed, scenario: Scenario) -> None:
    """An action, a resource and a resource policy: without each, the check that needs it fails, and holds again."""
    todos = deployed.outputs["functions"]["actor-todo-list"]
    for part, check in (
        ("actor-todo-list State action dynamodb:PutItem", "call todos directly"),
        (f"websocket Invoke resource {todos}", "call todos forwarded"),
        ("actor-game-room:live permission for", "call game directly"),
        ("stream-processor Connections action dynamodb:UpdateItem", "subscriber of a deleted actor"),
    ):
        with removal_of(deployed, part).removed(deployed.aws):
            assert asyncio.run(scenario.failure_of(check)) is not None, part
        assert asyncio.run(scenario.failure_of(check, seconds=PATIENT_SECONDS)) is None, part


def test_permission_that_nobody_needs_is_found(deployed: Deployed, scenario: Scenario) -> None:
    """An action that no code uses can be taken away, and nothing fails."""
    name = deployed.outputs["functions"]["websocket"].split(":")[6]
    role = deployed.aws.functions.get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
    deployed.aws.roles.put_role_policy(RoleName=role, PolicyName="spare", PolicyDocument=json.dumps(SPARE))
    try:
        with removal_of(deployed, "Spare action dynamodb:Scan").removed(deployed.aws):
            assert asyncio.run(scenario.first_failure(seconds=PATIENT_SECONDS, at_once=1)) is None
    finally:
        deployed.aws.roles.delete_role_policy(RoleName=role, PolicyName="spare")
