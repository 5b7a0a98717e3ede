"""Fixtures of the program's tests."""

from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest

from infra.app import StreamingApp, StreamingAppArgs
from infra.plan import Plan, make_plan
from infra.provider import make_provider
from tests.infra.project import CONFIG, make_project
from tests.infra.recording import Recording, deploy

Deploy = Callable[..., tuple[Recording, dict[str, object]]]


def plan_project(root: Path, stack: str = "dev", config: str = CONFIG, **stack_config: str) -> Plan:
    """Plan a small project; stack settings by their name after ``trebuche:``."""
    make_project(root, config)
    return make_plan(root, stack, {f"trebuche:{key}": value for key, value in stack_config.items()})


def deploy_plan(plan: Plan) -> tuple[Recording, dict[str, object]]:
    """Deploy; gives the recording and the stack's outputs."""
    outputs: dict[str, object] = {}

    def program() -> None:
        options = pulumi.ResourceOptions(provider=make_provider(plan))
        app = StreamingApp("app", StreamingAppArgs(plan=plan), options)
        pulumi.Output.from_input(app.outputs).apply(outputs.update)

    recording = deploy(program, plan.names.stack)
    assert outputs, "the outputs never resolved"
    return recording, outputs


@pytest.fixture
def deployed(tmp_path: Path) -> Deploy:
    """Deploy a small project; gives the recording and the stack's outputs."""

    def run(stack: str = "dev", config: str = CONFIG, **stack_config: str) -> tuple[Recording, dict[str, object]]:
        return deploy_plan(plan_project(tmp_path, stack, config, **stack_config))

    return run
