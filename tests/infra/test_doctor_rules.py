"""Each rule of the doctor: a stack that breaks it is named, and the program's own is not."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from policies.documents import many, statements
from policies.model import ROLE_POLICY, SCALING, UNKNOWN, Node, Stack
from policies.rules import BY_ID, RULES
from tests.infra.doctor_mutants import IN_PRODUCTION, MUTANTS, statement
from tests.infra.doctored import Change, drop, record
from tests.infra.project import CONFIG

SETTINGS: dict[str, dict[str, str]] = {
    "dev": {},
    "production": {},
    "full": {
        "accessLogs": "true",
        "ownAccountLogRole": "true",
        "provisionedConcurrency": "2",
        "tracing": "true",
    },
    "guarded": {"config": CONFIG + "auth: {api_keys: true}\n"},
    "scaled": {"snapStart": "true", "capacity": '{"minimum": 5, "maximum": 100}'},
}


@cache
def sample(name: str) -> Stack:
    """The program's resources under some settings; its archives are gone afterwards."""
    with TemporaryDirectory() as folder:
        return record(Path(folder), "production" if name == "production" else "dev", **SETTINGS[name])


def found(stack: Stack) -> dict[str, list[str]]:
    """Rule to what it says."""
    named = {rule.id: [f"{one.node and one.node.label}: {one.what}" for one in rule.check(stack)] for rule in RULES}
    return {rule: texts for rule, texts in named.items() if texts}


@pytest.mark.parametrize("complete", [True, False], ids=["running", "preview"])
@pytest.mark.parametrize("name", SETTINGS)
def test_program_itself_has_no_findings(name: str, complete: bool) -> None:
    """Nothing is said of a stack that is as it should be, under any setting."""
    assert found(replace(sample(name), complete=complete)) == {}


@pytest.mark.parametrize(
    ("rule", "mutate"), [pytest.param(rule, one, id=f"{rule}: {what}") for rule, what, one in MUTANTS]
)
def test_broken_stack_is_named(rule: str, mutate: Change) -> None:
    """The rule that is broken speaks."""
    assert rule in found(mutate(sample("dev")))


@pytest.mark.parametrize(("rule", "mutate"), [pytest.param(rule, one, id=what) for rule, what, one in IN_PRODUCTION])
def test_production_is_held_to_more(rule: str, mutate: Change) -> None:
    """What may be missing on a trial stage is named in production."""
    assert set(found(mutate(sample("production")))) == {rule}


def test_fixed_capacity_is_named_where_its_scaling_is_gone() -> None:
    """A provisioned table without its target is one that cannot grow."""
    assert set(found(drop(SCALING, "app-state")(sample("scaled")))) == {"table-capacity"}


def test_every_rule_has_a_mutant() -> None:
    """No rule is untested, and no mutant is of a rule that is gone."""
    assert {rule for rule, _, _ in MUTANTS + IN_PRODUCTION} == set(BY_ID)
    assert len(BY_ID) == len(RULES)


def _policies() -> list[tuple[str, str, str]]:
    return [
        (policy.urn, one["Sid"], action)
        for policy in sample("full").all(ROLE_POLICY)
        for one in statements(policy.props["policy"])
        for action in many(one["Action"])
    ]


def test_each_permission_of_the_program_is_missed() -> None:
    """Take away any action of any role: the doctor says so (what a function does is listed in policies/program.py)."""
    silent = []
    for urn, sid, action in _policies():
        role = urn.removesuffix("-execution-policy")
        remove = statement(lambda one, gone=action: one["Action"].remove(gone), sid, role)  # type: ignore[misc]
        if not found(remove(sample("full"))):
            silent.append(f"{role}: {sid}: {action}")

    assert silent == []


def test_unknown_values_are_no_findings() -> None:
    """A preview of a stack that was never deployed knows no ARN, no id and no policy document."""
    computed = ("id", "arn", "streamArn", "invokeArn", "apiEndpoint", "executionArn", "version", "url")

    def hide(node: Node) -> Node:
        props = {key: value for key, value in node.props.items() if key not in computed}
        made = [key for key in node.refers if key not in ("environment", "loggingConfig")]
        return replace(node, props=props | dict.fromkeys(made, UNKNOWN))

    hidden = tuple(hide(node) for node in sample("dev").nodes)

    assert found(replace(sample("dev"), nodes=hidden, complete=False)) == {}
