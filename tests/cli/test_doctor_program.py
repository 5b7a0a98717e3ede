"""A program held against what its components make, and what the engine would do to tables."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.doctor.expected import SIGNATURE, Answer, Key, answers_of, expected_nodes, known
from cli.doctor.findings import PROGRAM, Finding
from cli.doctor.log_role import ELSEWHERE, with_log_role
from cli.doctor.program import combined, replaced
from cli.doctor.programmed import as_digested, as_programmed, differences
from infra.plan import make_plan
from infra.stack_settings import AwsSettings
from policies.model import ALIAS, DEPLOYMENT, FUNCTION, ROUTE, STAGE, TABLE, UNKNOWN, Node, Stack
from policies.rules import BY_ID
from tests.infra.project import make_project

ASK = (FUNCTION, "app-websocket-function")
STATE = (TABLE, "app-state-table")


def expected(root: Path, answers: Mapping[Key, Answer] | None = None) -> dict[Key, Node]:
    """What a small project's components ask for."""
    return expected_nodes(make_plan(make_project(root), "dev", {}), answers or {})


def test_components_are_asked_what_they_make(tmp_path: Path) -> None:
    """All resources with their inputs; before a deployment nobody knows what AWS computes."""
    nodes = expected(tmp_path)

    assert nodes[ASK].get("timeout") == 29
    assert nodes[STATE].get("streamViewType") == "NEW_AND_OLD_IMAGES"
    assert nodes[ALIAS, "app-websocket-alias"].get("functionVersion") is UNKNOWN
    assert nodes[ASK].get("code") == {"path": ".trebuche/build/websocket.zip"}


def test_what_is_deployed_is_known_from_the_state(tmp_path: Path) -> None:
    """What refers to a deployed resource has its id and outputs, without what is written down as a signature only."""
    resources: list[dict[str, Any]] = [
        {
            "type": FUNCTION,
            "urn": "urn:pulumi:dev::trebuche::x::app-websocket-function",
            "id": "f",
            "outputs": {"version": "7", "code": {SIGNATURE: "archive", "path": "f.zip"}},
        },
        {"type": "pulumi:providers:aws", "urn": "urn:pulumi:dev::trebuche::x::provider"},
    ]

    answers = answers_of(resources)

    assert answers == {ASK: Answer("f", {"version": "7"})}
    assert expected(tmp_path, answers)[ALIAS, "app-websocket-alias"].get("functionVersion") == "7"


@pytest.mark.parametrize(
    ("wanted", "asked", "said"),
    [
        ({"timeout": 29}, {"timeout": 29.0}, []),
        ({"timeout": 29}, {"timeout": 3.0}, ["timeout is 3, not 29"]),
        ({"policy": '{"a": [1]}'}, {"policy": '{"a":[1]}'}, []),
        ({"policy": '{"a": [1]}'}, {"policy": '{"a":[2]}'}, ["policy.a[0] is 2, not 1"]),
        ({}, {"vpcConfig": {"subnetIds": ["s"]}}, ['vpcConfig is {"subnetIds": ["s"]}, not nothing']),
        ({"environment": {"variables": {"A": "b"}}}, {"environment": {"variables": {}}}, ["environment.variables.A"]),
        ({"layers": ["a"]}, {"layers": ["a", "b"]}, ['layers is ["b"], not nothing']),
        (
            {"policy": '[{"Sid": "A"}, {"Sid": "B"}]'},
            {"policy": '[{"Sid": "B"}]'},
            ['policy is nothing, not [{"Sid": "A"}]'],
        ),
        ({"role": UNKNOWN}, {"role": "arn"}, []),
        ({"role": "arn"}, {"role": UNKNOWN}, []),
        ({"key": "k"}, {"key": "[secret]"}, []),
        ({}, {"retries": 3, "__defaults": ["retries"]}, []),
        ({}, {"retries": 3, "__defaults": []}, ["retries is 3, not nothing"]),
        ({"tags": {"a": "b"}}, {"tags": {}, "tagsAll": {}}, []),
        ({"layers": []}, {}, []),
    ],
)
def test_what_differs_is_told_as_far_as_it_is_known(
    wanted: dict[str, Any], asked: dict[str, Any], said: list[str]
) -> None:
    """Documents by what they say; not what the provider has filled in, nor what is secret or not known yet."""
    found = [str(one) for one in differences(wanted, asked)]

    assert len(found) == len(said)
    assert all(one.startswith(text) for one, text in zip(found, said, strict=True))


def test_transform_is_named_by_what_it_changed(tmp_path: Path) -> None:
    """Whatever it is that it changed, where no other rule knows the property."""
    nodes = expected(tmp_path)
    changed = replace(nodes[ASK], urn=f"urn:pulumi:dev::x::{ASK[1]}", props={**nodes[ASK].props, "memorySize": 128.0})
    others = [node for key, node in nodes.items() if key != ASK]

    [found] = as_programmed(nodes).check(Stack("dev", (changed, *others)))

    assert (found.node, found.what) == (changed, "it is not as its component makes it: memorySize is 128, not 512")
    assert list(as_programmed(nodes).check(Stack("dev", tuple(nodes.values())))) == []


@pytest.mark.parametrize(
    ("triggers", "count"), [({"routes": "0" * 64}, 1), ({"routes": "1" * 64}, 0), (UNKNOWN, 0), ({}, 0)]
)
def test_constant_that_looks_like_a_digest_is_named(triggers: Any, count: int) -> None:
    """The policy pack cannot tell it from one; where there is none at all, the pack's own rule says so."""
    wanted = {(DEPLOYMENT, "app"): Node(urn="app", type=DEPLOYMENT, props={"triggers": {"routes": "1" * 64}})}
    asked = Node(urn="urn:x::app", type=DEPLOYMENT, props={"triggers": triggers})

    found = list(as_digested(wanted).check(Stack("dev", (asked,))))

    assert len(found) == count


def test_rest_of_a_program_is_judged_where_the_engine_stopped(tmp_path: Path) -> None:
    """A preview that is refused early tells of some resources only: what is missing is as the components make it."""
    nodes = expected(tmp_path)
    route = next(key for key, node in nodes.items() if node.type == ROUTE)
    asked = replace(
        nodes[route], urn=f"urn:pulumi:dev::x::{route[1]}", props={**nodes[route].props, "operationName": "x"}
    )

    whole = combined(Stack("dev", (asked,)), nodes, {})

    assert {(one.type, one.urn) for one in whole.nodes} == set(nodes)
    assert whole.by_urn[route[1]].get("operationName") == "x"
    assert [rule.id for rule in BY_ID.values() if not rule.types and list(rule.check(whole))] == []


def step(type_: str, operation: str) -> dict[str, Any]:
    """What the engine notes of a step."""
    urn = f"urn:pulumi:dev::trebuche::{type_}::app-state-table"
    return {"resourcePreEvent": {"metadata": {"op": operation, "urn": urn, "type": type_, "diffs": ["hashKey"]}}}


def test_table_that_would_be_made_anew_is_named() -> None:
    """What is stored in it goes with it; functions and stages are made anew as they like."""
    events = [step(TABLE, "update"), step(TABLE, "replace"), step(STAGE, "replace"), {"summaryEvent": {}}]

    [found] = replaced(events)

    assert (found.rule, found.where, found.is_error) == ("table-replaced", "Table app-state-table", True)
    assert "hashKey" in found.what


def test_values_are_read_as_the_rules_read_them() -> None:
    """Archives by their place."""
    archive = {SIGNATURE: "x", "path": "a.zip", "hash": "0"}

    assert known({"code": archive, "n": [1]}) == {"code": {"path": "a.zip"}, "n": [1]}


DOUBT = Finding(
    rule=ELSEWHERE,
    severity="warning",
    part=PROGRAM,
    where="Stage dev",
    what="it logs",
    mend="see that there is one",
    sources=("a",),
)


@pytest.mark.parametrize(
    ("answer", "severities"), [({"cloudwatchRoleArn": "arn:aws:iam::1:role/logs"}, []), ({}, ["error"])]
)
def test_log_role_is_looked_up(monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], severities: list[str]) -> None:
    """The doubt ends where AWS can be asked; other findings stay."""
    other = replace(DOUBT, rule="throttle")

    class Account:
        def client(self, _service: str, **_: object) -> "Account":
            return self

        def get_account(self) -> dict[str, str]:
            return answer

    monkeypatch.setattr("cli.doctor.log_role.open_session", lambda *_: Account())
    found = list(with_log_role([DOUBT, other], AwsSettings(), "eu-west-1"))

    assert [one.severity for one in found if one.rule == ELSEWHERE] == severities
    assert other in found
