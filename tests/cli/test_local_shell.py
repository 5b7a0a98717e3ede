"""Stack ``sandbox`` leads to the local AWS that runs in the checkout, and to nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from cli.local_shell import enter
from cli.main import trebuche
from sandbox.record import SandboxRecord, write

ENDPOINT = "http://127.0.0.1:4599"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """One in which a process runs that passes for a sandbox."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "sandbox", "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # Popen may return before the kernel tells the new command line of a process.
        process.stdout.readline()
        (tmp_path / ".trebuche").mkdir()
        record = SandboxRecord(process.pid, process.pid, ENDPOINT, ENDPOINT, str(tmp_path / "run"), 0.0)
        write(tmp_path, record)
        yield tmp_path
        process.communicate()


def entered(root: Path, stack: str, **before: str) -> dict[str, str]:
    """The environment afterwards."""
    environ = {"PATH": "/usr/bin", **before}
    enter(root, stack, environ)
    return environ


def test_stack_sandbox_leads_to_the_running_sandbox(checkout: Path) -> None:
    """Keys, state and endpoint are its own, and nothing leads elsewhere."""
    found = entered(checkout, "sandbox", AWS_PROFILE="work", PULUMI_ACCESS_TOKEN="pul-1")

    assert found["AWS_ENDPOINT_URL"] == ENDPOINT
    assert str(checkout / "run") in found["PULUMI_BACKEND_URL"]
    assert not {"AWS_PROFILE", "PULUMI_ACCESS_TOKEN"} & set(found)


@pytest.mark.parametrize(("stack", "before"), [("production", {}), ("sandbox", {"AWS_ENDPOINT_URL": "http://other"})])
def test_other_stacks_and_chosen_endpoints_are_left_alone(checkout: Path, stack: str, before: dict[str, str]) -> None:
    """Production is never the sandbox's, and whoever has chosen an endpoint keeps it."""
    assert entered(checkout, stack, **before) == {"PATH": "/usr/bin", **before}


def test_without_a_sandbox_the_name_means_nothing(tmp_path: Path) -> None:
    """Somebody may have a stack of that name."""
    (tmp_path / ".trebuche").mkdir()
    (tmp_path / ".trebuche/sandbox.json").write_text(json.dumps({"pid": 1}))

    assert entered(tmp_path, "sandbox") == {"PATH": "/usr/bin"}


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--stack", "sandbox"),
        ("record", "sandbox"),
        ("rollback", "sandbox"),
        ("promote", "staging", "sandbox"),
        ("promote", "sandbox", "staging"),
    ],
)
def test_commands_on_stack_sandbox_reach_no_other_backend(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Whether the stack is an option or an argument: what is done afterwards is done to the sandbox."""
    monkeypatch.setattr("cli.checkout.checkout_root", lambda: checkout)
    name, *rest = words
    with patch.dict(os.environ, {"PULUMI_BACKEND_URL": "s3://work"}):
        os.environ.pop("AWS_ENDPOINT_URL", None)
        trebuche.commands[name].make_context(name, rest)

        assert os.environ["AWS_ENDPOINT_URL"] == ENDPOINT
        assert str(checkout / "run") in os.environ["PULUMI_BACKEND_URL"]
