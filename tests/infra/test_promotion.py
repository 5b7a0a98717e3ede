"""Which release a stack takes by plain ``pulumi up``."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.plan import Plan, make_plan
from infra.promotion import Candidate, objections, without_secrets
from infra.provider import make_provider
from infra.releases import pack
from tests.infra.conftest import deploy_plan
from tests.infra.project import make_project
from tests.infra.recording import Recording, deploy, resolve

HERE, THERE, OTHER = "a" * 64, "b" * 64, "c" * 64
BEFORE = {"actors": {"todos": {"class": "TodoList"}}, "types": {}}
WITHOUT: dict[str, Any] = {"actors": {}, "types": {}}


def candidate(interface: Any = None, **changes: Any) -> Candidate:
    """A release on its way to production."""
    given = {"stack": "production", "release": HERE, "interface": interface, "source": "staging", **changes}
    return Candidate(**given)


def own(release: str) -> dict[str, Any]:
    """Outputs of production."""
    return {"release": release, "interfaces": {release[:12]: pack(BEFORE)}}


def test_release_of_the_source_is_taken() -> None:
    """The same digest runs in the stage before."""
    assert objections(candidate(), own(OTHER), {"release": HERE}) == []


def test_other_release_is_refused_with_both_digests() -> None:
    """The text says which stack, which releases, and what to do."""
    [text] = objections(candidate(), own(OTHER), {"release": THERE})

    for part in ("production", "staging", HERE[:12], THERE[:12], "Deploy it to staging first"):
        assert part in text


def test_source_without_a_release_is_no_objection() -> None:
    """A stage that was never deployed has nothing to promote, and nothing is known to differ."""
    assert objections(candidate(), own(OTHER), {}) == []


def test_running_release_may_be_deployed_again() -> None:
    """A setting of production can be changed while staging is ahead."""
    assert objections(candidate(WITHOUT), own(HERE), {"release": THERE}) == []


def test_breaking_difference_is_refused_unless_it_is_allowed() -> None:
    """In a stack that others depend on, which is one that has a stage before it."""
    [text] = objections(candidate(WITHOUT), own(OTHER), {"release": HERE})

    assert text.startswith("breaking: todos (TodoList) is gone")
    assert objections(candidate(WITHOUT, allowed=["todos"]), own(OTHER), {"release": HERE}) == []
    assert objections(candidate(WITHOUT), {}, {"release": HERE}) == []


def test_stack_without_a_stage_before_it_takes_every_change() -> None:
    """Where actors are being written, methods are renamed and taken back: ``make run`` deploys each save."""
    assert objections(candidate(WITHOUT, source=None), own(OTHER), {}) == []


def rolled_back(root: Path, taken_back: str | None = None) -> Plan:
    """The plan of a stack whose file holds a rollback, by default of the program's own release."""
    release = make_plan(make_project(root), "dev", {}).release
    back = {"takenBack": taken_back or release, "release": THERE, "versions": {"actor-todo-list": 3}}
    return make_plan(root, "dev", {"trebuche:rollback": json.dumps(back)})


def test_rollback_points_the_aliases_to_earlier_versions(tmp_path: Path) -> None:
    """A function that was not there then keeps its newest; the outputs name what runs."""
    plan = rolled_back(tmp_path)

    recording, outputs = deploy_plan(plan)

    named = {one["functionName"]: one["functionVersion"] for one in recording.inputs("aws:lambda/alias:Alias")}
    assert (named["my-app-dev-actor-todo-list"], named["my-app-dev-websocket"]) == ("3", "7")
    assert outputs["release"] == THERE
    assert plan.warnings == plan.config.warnings


def test_rollback_of_another_release_is_over(tmp_path: Path) -> None:
    """The next release runs everywhere, and the key that stayed is told."""
    plan = rolled_back(tmp_path, OTHER)

    recording, outputs = deploy_plan(plan)

    assert {one["functionVersion"] for one in recording.inputs("aws:lambda/alias:Alias")} == {"7"}
    assert outputs["release"] == plan.release
    assert "pulumi config rm trebuche:rollback --stack dev" in plan.warnings[-1]


def test_secret_among_the_outputs_makes_no_secret_of_the_releases() -> None:
    """What a program exports besides is left alone, and does not hide what later promotions read."""

    def found(outputs: dict[str, Any] | None) -> tuple[bool, Any]:
        async def look(read: pulumi.Output[Any]) -> tuple[bool, Any]:
            return await read.is_secret(), await read.future()

        def ask() -> pulumi.Output[tuple[bool, Any]]:
            read = without_secrets(pulumi.Output.secret(outputs))
            return pulumi.Output.from_input(look(read))

        answer: tuple[bool, Any] = resolve(ask)
        return answer

    assert found({"release": HERE, "password": "x"}) == (False, {"release": HERE})
    assert found(None) == (False, {})


def test_nothing_is_made_before_the_verdict(tmp_path: Path) -> None:
    """A refusal ends the program before its provider, and so before every resource."""
    plan, recording = make_plan(make_project(tmp_path), "dev", {}), Recording()

    def refuse(_: object) -> object:
        raise pulumi.RunError("refused")

    with pytest.raises(pulumi.RunError, match="refused"):
        deploy(lambda: make_provider(plan, pulumi.Output.from_input(1).apply(refuse)), into=recording)

    assert recording.resources == []
