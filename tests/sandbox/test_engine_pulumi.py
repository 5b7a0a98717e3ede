"""Literal ``pulumi`` commands on a program without AWS, in a folder whose path has spaces and a quote."""

import json
import os
import select
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.engine.home import prepare_home
from sandbox.environment import child_environment

ROOT = Path(__file__).parents[2]
_TIMEOUT_SECONDS = 120

PROGRAM = """
import pulumi

class Shelf(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Shelf", name)
        self.register_outputs({})

Shelf("one")
pulumi.export("answer", pulumi.Config().require_int("answer"))
"""

PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no_shelves(args, report):
    if args.resource_type == "test:index:Shelf":
        report("shelves are not allowed here")

rule = ResourceValidationPolicy("no-shelves", "No shelves.", no_shelves, EnforcementLevel.MANDATORY)
PolicyPack("strict", policies=[rule])
"""


@dataclass(frozen=True)
class Sandbox:
    """A laid-out home without an emulator: nothing here asks for AWS."""

    directory: str
    aws_endpoint: str = "http://127.0.0.1:9"


class Project:
    """A Pulumi project with a stack ``dev``."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.environ = environ
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: shelves\nruntime: python\n")
        self.write(PROGRAM)
        self.pulumi("stack", "init", "dev")
        self.pulumi("config", "set", "answer", "42")

    def write(self, program: str) -> None:
        """Replace the program."""
        (self.folder / "__main__.py").write_text(program)

    def pulumi(self, *arguments: str, code: int = 0) -> str:
        """Run a command; returns what it printed on standard output."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh project on a fresh home."""
    folder = tmp_path / "somebody's own folder"
    sandbox = Sandbox(str(folder / "sandbox"))
    prepare_home(ROOT, folder / "sandbox")
    return Project(folder / "project", child_environment(ROOT, sandbox))


def test_preview_up_refresh_and_destroy(project: Project) -> None:
    """The engine keeps its state where the environment says, and a second preview is silent."""
    project.pulumi("preview")
    project.pulumi("up", "--yes", "--skip-preview")
    assert json.loads(project.pulumi("stack", "output", "--json")) == {"answer": 42}

    project.pulumi("preview", "--expect-no-changes")
    project.pulumi("refresh", "--yes", "--skip-preview")
    exported = json.loads(project.pulumi("stack", "export"))
    assert [one["type"] for one in exported["deployment"]["resources"]] == ["pulumi:pulumi:Stack", "test:index:Shelf"]
    [state] = project.folder.parent.glob("sandbox/state/.pulumi/stacks/shelves/dev.json")
    assert state.stat().st_size > 0

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert "resources" not in json.loads(project.pulumi("stack", "export"))["deployment"]


def test_a_program_error_shows_its_traceback_once(project: Project) -> None:
    """The user sees their own lines, no line of the host, and the command fails."""
    project.write(f"{PROGRAM}\ndef stumble():\n    raise ValueError('no such shelf')\n\nstumble()\n")

    output = project.pulumi("up", "--yes", "--skip-preview", code=1)

    assert output.count("ValueError: no such shelf") == 1
    assert f'File "{project.folder}/__main__.py"' in output
    assert "in stumble" in output
    assert "language_host" not in output
    assert len(json.loads(project.pulumi("stack", "export"))["deployment"]["resources"]) == 2


def test_a_refusal_that_several_outputs_wait_for_is_told_once(project: Project) -> None:
    """The program's own words, and nothing of the way that they have come."""
    project.write(
        "import pulumi\n\n"
        "def refuse(_):\n    raise pulumi.RunError('this is not to be deployed')\n\n"
        "verdict = pulumi.Output.from_input(1).apply(refuse)\n"
        "for name in ('a', 'b', 'c'):\n    pulumi.export(name, verdict.apply(str))\n"
    )
    shown = project.pulumi("up", "--yes", "--skip-preview", "--stack", "dev", code=1)
    assert "error: this is not to be deployed" in shown
    assert "Exception calling application" not in shown
    assert shown.partition("Diagnostics:")[2].count("this is not to be deployed") == 1


@pytest.mark.parametrize(("statement", "code"), [("raise SystemExit(0)", 0), ("raise SystemExit('enough')", 1)])
def test_a_program_that_exits_is_taken_at_its_word(project: Project, statement: str, code: int) -> None:
    """Leaving with zero is success, anything else is a failure."""
    project.write(f"{PROGRAM}\n{statement}\n")

    assert ("enough" in project.pulumi("preview", code=code)) == bool(code)


def test_a_mandatory_policy_stops_the_preview(project: Project, tmp_path: Path) -> None:
    """A policy pack in Python runs, and its words reach the user."""
    pack = tmp_path / "a policy pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(PACK)

    output = project.pulumi("preview", "--policy-pack", str(pack), code=1)

    assert "shelves are not allowed here" in output


def test_about_and_install_work(project: Project) -> None:
    """The commands around a program answer as well."""
    about = json.loads(project.pulumi("about", "--json"))
    assert {"pulumi", "pulumi_aws"} <= {one["name"].replace("-", "_") for one in about["dependencies"]}

    project.pulumi("install")


def _start_waiting(project: Project) -> "subprocess.Popen[str]":
    """A preview that has reached the program's last line and stays there."""
    project.write("import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(600)\n")
    return subprocess.Popen(
        ["pulumi", "preview", "--non-interactive"],
        cwd=project.folder,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _pid_of_program(command: "subprocess.Popen[str]") -> int:
    assert command.stdout is not None
    for line in command.stdout:
        if " pid " in line:
            return int(line.split()[-1])
    raise AssertionError("the program did not start")


def test_ctrl_c_is_quiet(project: Project) -> None:
    """The engine tells that it was interrupted; nobody adds a traceback."""
    with _start_waiting(project) as command:
        _pid_of_program(command)
        os.killpg(command.pid, signal.SIGINT)
        output, _ = command.communicate(timeout=_TIMEOUT_SECONDS)

    assert command.returncode != 0
    assert "Traceback" not in output
    assert "KeyboardInterrupt" not in output


def test_a_killed_engine_leaves_no_host_behind(project: Project) -> None:
    """The host ends with the engine that started it."""
    with _start_waiting(project) as command:
        host = _pid_of_program(command)
        descriptor = os.pidfd_open(host)
        try:
            command.kill()
            _wait_for_exit(descriptor)
        finally:
            os.close(descriptor)


def _wait_for_exit(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(_TIMEOUT_SECONDS * 1000), "the host is still there"
