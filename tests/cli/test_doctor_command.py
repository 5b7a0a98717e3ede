"""``trebuche doctor`` and ``status --drift`` on what the engine says, without an engine."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.doctor.configured import as_configured, as_configured_now, wanted_of
from cli.doctor.findings import PROGRAM, RUNNING, Finding
from cli.doctor.program import REFUSED, findings, nodes
from cli.doctor.report import all_rules, print_rules
from cli.drift import Difference, Drifted, drift
from cli.output import Output
from infra.plan import OPEN_TO_ALL, make_plan
from policies.model import FUNCTION, STAGE, Node, Problem, Stack
from policies.pack import text_of
from policies.rules import BY_ID
from tests.infra.project import CONFIG, make_project

WORDS = {PROGRAM: "program", RUNNING: "running"}
URN = "urn:pulumi:dev::trebuche::aws:apigatewayv2/stage:Stage::app-stage-stage"


def violation(rule: str, problem: Problem) -> dict[str, Any]:
    """What the engine notes in its event log for a policy's violation."""
    title = BY_ID[rule].title
    return {
        "policyEvent": {
            "policyName": rule,
            "resourceUrn": URN,
            "message": f"{title}\n{text_of(BY_ID[rule], problem)}\n",
        }
    }


def test_violation_is_read_back_whole() -> None:
    """What the policy pack says goes through the engine as text, and comes out as it was."""
    stage = Node(urn=URN, type=STAGE, props={"name": "dev"})
    event = violation("throttle", Problem(stage, "its rate is 0: all is answered with 429", "set both: rate, burst"))

    assert list(findings([event])) == [
        Finding(
            rule="throttle",
            severity="error",
            part=PROGRAM,
            where="Stage dev",
            what="its rate is 0: all is answered with 429",
            mend="set both: rate, burst",
            sources=BY_ID["throttle"].sources,
        )
    ]


def test_refusal_of_the_engine_is_a_finding() -> None:
    """What AWS's provider refuses by itself is told with the resource; the engine's own follow-ups are not."""
    events: list[dict[str, Any]] = [
        {"diagnosticEvent": {"severity": "error", "urn": URN, "message": "Name is too long\n"}},
        {"diagnosticEvent": {"severity": "error", "message": "preview failed\n"}},
        {"diagnosticEvent": {"severity": "warning", "message": "timeout"}},
    ]

    [found] = findings(events)

    assert (found.rule, found.where, found.what) == (REFUSED, "app-stage-stage", "Name is too long")


def preview(name: str, memory: int, stateful: str) -> dict[str, Any]:
    """What the engine notes of a function that a program asks for."""
    inputs = {"name": name, "memorySize": memory, "environment": {"variables": {"TREBUCHE_STATEFUL": stateful}}}
    step = {"op": "create", "urn": f"urn:x::{name}", "type": FUNCTION, "new": {"inputs": inputs}}
    return {"resourcePreEvent": {"metadata": step}}


@pytest.mark.parametrize(
    ("memory", "stateful", "texts"),
    [
        (1024, "true", []),
        (64, "true", ["its memorySize is 64, and trebuche.yaml says 1024"]),
        (1024, "false", ["its TREBUCHE_STATEFUL is false, and trebuche.yaml says true"]),
    ],
)
def test_function_is_as_trebuche_yaml_says(memory: int, stateful: str, texts: list[str]) -> None:
    """What a transform makes of it is named before it is deployed; of functions that nobody named nothing is said."""
    wanted = {"app-dev-actor-todo-list": {"memorySize": 1024, "TREBUCHE_STATEFUL": "true"}}
    asked = nodes(
        [preview("app-dev-actor-todo-list", memory, stateful), preview("elsewhere", 1, "?"), {"summaryEvent": {}}]
    )

    found = as_configured(wanted).check(Stack("dev", tuple(asked)))

    assert [one.what for one in found] == texts


def test_checkout_says_what_its_functions_get(tmp_path: Path) -> None:
    """By the names that the stack's functions have, those that trebuche.yaml does not name included."""
    make_project(tmp_path, CONFIG)

    wanted = wanted_of(tmp_path, "dev")

    assert wanted["my-app-dev-actor-todo-list"]["memorySize"] == 1024
    assert wanted["my-app-dev-actor-todo-list"]["TREBUCHE_STATEFUL"] == "true"
    assert wanted["my-app-dev-actor-game-room"]["timeout"] == 10
    assert wanted["my-app-dev-websocket"]["timeout"] == 29


def test_what_a_rollback_brought_back_is_not_held_against_the_checkout(tmp_path: Path) -> None:
    """The release that runs then had a trebuche.yaml of its own."""
    release = make_plan(make_project(tmp_path), "dev", {}).release
    back = {"takenBack": release, "release": "0" * 64, "versions": {"actor-todo-list": 3}}

    assert as_configured_now(tmp_path, "dev", {"trebuche:rollback": json.dumps(back)}) == []
    assert [one.id for one in as_configured_now(tmp_path, "dev", {})] == ["as-configured"]


def test_rules_are_listed_with_their_sources() -> None:
    """Each of the doctor's rules has a name of its own, a title and a source, for programs as well."""
    out = io.StringIO()
    print_rules(Output(as_json=True, out=out))
    listed = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [one["id"] for one in listed] == [one.id for one in all_rules()]
    assert len({one["id"] for one in listed}) == len(listed) > len(BY_ID)
    assert all(one["title"] and one["sources"] and one["severity"] in ("error", "warning") for one in listed)


def test_every_bullet_of_the_page_has_a_rule() -> None:
    """The page's three troubleshooting chapters have eleven bullets."""
    sources = {source for rule in all_rules() for source in rule.sources}
    chapters = {"Connections Not Persisting": 3, "Messages Not Broadcasting": 4, "High Latency": 4}
    page = "AWS WebSocket Streaming page, Troubleshooting"

    for chapter, bullets in chapters.items():
        assert {f"{page}: {chapter}, {number}" for number in range(1, bullets + 1)} <= sources


def step(operation: str, old: dict[str, object] | None, new: dict[str, object] | None) -> dict[str, Any]:
    """What the engine notes for a resource that it has read back."""

    def state(outputs: dict[str, object] | None) -> dict[str, object] | None:
        return outputs and {"id": "a", "inputs": {"name": "a"}, "outputs": outputs}

    metadata = {"op": operation, "urn": URN, "type": STAGE, "old": state(old), "new": state(new)}
    return {"resOutputsEvent": {"metadata": metadata}}


def test_drift_names_what_differs_and_what_is_gone() -> None:
    """A resource as it was deployed is not told, nor is what Pulumi keeps for itself."""
    events: list[dict[str, Any]] = [
        step("same", {"name": "a"}, {"name": "a"}),
        step("update", {"name": "a", "burst": 5}, {"name": "a", "burst": 0}),
        step("delete", {"name": "a"}, None),
        {"resOutputsEvent": {"metadata": {"op": "update", "type": "pulumi:pulumi:Stack", "urn": "x"}}},
    ]

    assert list(drift(events)) == [
        Drifted("Stage", "a", False, (Difference("burst", 5, 0),)),
        Drifted("Stage", "a", True, ()),
    ]


def test_page_lists_every_rule() -> None:
    """The table in docs/doctor.md is what `trebuche doctor --rules` says."""
    lines = (Path(__file__).resolve().parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| `")]

    assert rows == [
        [
            f"`{one.id}`",
            one.title,
            one.severity,
            "both" if len(one.on) > 1 else WORDS[one.on[0]],
            "; ".join(one.sources),
        ]
        for one in all_rules()
    ]


def test_production_without_credentials_is_a_finding() -> None:
    """The program's own warning of it, word by word; its others are about what is meant."""
    text = f"{OPEN_TO_ALL}: whoever knows the address may call. Add auth to trebuche.yaml, or say that it is meant"
    events = [{"diagnosticEvent": {"severity": "warning", "message": said}} for said in (text, "timeout")]

    [found] = findings(events)
    assert (found.rule, found.severity, found.where) == ("anonymous-production", "warning", "$connect")
    assert found.what == "whoever knows the address may call"
    assert found.mend == "Add auth to trebuche.yaml, or say that it is meant"
