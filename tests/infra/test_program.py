"""The program as Pulumi runs it."""

import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import config as runtime_config

from tests.infra.project import CONFIG, make_project
from tests.infra.recording import Recording, deploy

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A small project with this repository's program."""
    root = make_project(tmp_path)
    shutil.copy(ROOT / "__main__.py", root)
    before = list(sys.path)
    token = runtime_config.CONFIG.set({})
    yield root
    runtime_config.CONFIG.reset(token)
    sys.path[:] = before


def run(root: Path, into: Recording | None = None) -> Recording:
    """Run the program of a project."""
    return deploy(lambda: runpy.run_path(str(root / "__main__.py")), into=into)


def test_program_deploys_the_application(project: Path) -> None:
    """One application, one provider, nothing else at the top."""
    recording = run(project)

    assert {one.type for one in recording.resources if one.parent == ""} == {
        "pulumi:providers:aws",
        "trebuche:aws:StreamingApp",
    }


def test_program_reads_the_stacks_settings(project: Path) -> None:
    """What Pulumi hands over reaches the resources."""
    pulumi.runtime.set_all_config({"trebuche:logRetentionDays": "1"})

    logs = run(project).inputs("aws:cloudwatch/logGroup:LogGroup")

    assert {one["retentionInDays"] for one in logs} == {1}


@pytest.mark.parametrize("websocket", [True, False])
def test_bad_configuration_creates_nothing(project: Path, websocket: bool) -> None:
    """A mistake ends the program with its message, as the error that Pulumi prints without a stack."""
    extra = "" if websocket else "websocket: {enabled: false}\n"
    (project / "trebuche.yaml").write_text(CONFIG.replace("1024", "64") + extra)
    recording = Recording()

    with pytest.raises(pulumi.RunError) as refused:
        run(project, recording)

    assert recording.resources == []
    assert str(refused.value) == (
        "trebuche.yaml:8: actors.TodoList.memory: 64 is not allowed; it must be a whole number of MB from 128 to 10240"
    )
    assert refused.value.__suppress_context__


def test_program_is_short() -> None:
    """What it does is read in one glance."""
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 40
