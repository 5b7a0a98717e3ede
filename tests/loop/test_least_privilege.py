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
    "Statement": [{"Sid": "Spare", "Effect": "Allow", "Action": ["dynamodb:Scan"], "Resource": ["*"]}],
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


def failing(deployed: Deployed, scenario: Scenario, part: str) -> str | None:
    """The check that fails without a permission."""
    with removal_of(deployed, part).removed(deployed.aws):
        failure = asyncio.run(scenario.first_failure())
    return failure.check if failure else None


def test_permission_that_is_taken_away_is_missed(deployed: Deployed, scenario: Scenario) -> None:
    """An action, a resource and a resource policy: each is needed by the check that fails."""
    assert "todos" in (failing(deployed, scenario, "actor-todo-list State action dynamodb:PutItem") or "")
    todos = deployed.outputs["functions"]["actor-todo-list"]
    assert failing(deployed, scenario, f"websocket Invoke resource {todos}") == "call todos forwarded"
    assert "game directly" in (failing(deployed, scenario, "actor-game-room:live permission for") or "")


def test_permission_that_nobody_needs_is_found(deployed: Deployed, scenario: Scenario) -> None:
    """An action that no code uses can be taken away, and nothing fails."""
    name = deployed.outputs["functions"]["websocket"].split(":")[6]
    role = deployed.aws.functions.get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
    deployed.aws.roles.put_role_policy(RoleName=role, PolicyName="spare", PolicyDocument=json.dumps(SPARE))
    try:
        assert failing(deployed, scenario, "Spare action dynamodb:Scan") is None
    finally:
        deployed.aws.roles.delete_role_policy(RoleName=role, PolicyName="spare")
