"""How a run of ``trebuche dev`` can end, and what the next one makes of it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loop.workshop import READY_SECONDS, SAID_SECONDS, Workshop, eventually


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """A copied checkout of this test's own; nothing may be left of it."""
    copy = Workshop.create(tmp_path / "a copy")
    yield copy
    eventually(lambda: not copy.processes(), what="the end of all processes")


def _sandbox(workshop: Workshop) -> dict[str, Any]:
    path = workshop.root / ".trebuche/sandbox.json"
    eventually(path.exists, seconds=READY_SECONDS, what="the sandbox")
    return dict(json.loads(path.read_text()))


def test_killed_run_is_cleaned_up_by_the_next_which_ctrl_c_ends(workshop: Workshop) -> None:
    """After kill -9 in the middle of a deploy the next run gets ready; Ctrl-C leaves no process and no record."""
    killed = workshop.develop()
    locks = workshop.root / ".trebuche/sandbox/state/.pulumi/locks"
    eventually(lambda: [*locks.glob("**/*.json")], seconds=READY_SECONDS, what="the deploy")
    killed.process.send_signal(signal.SIGKILL)
    killed.interrupt()

    running = workshop.develop()
    running.record()
    assert running.interrupt() == 0
    assert not workshop.processes()
    assert not (workshop.root / ".trebuche/dev.json").exists()
    assert not (workshop.root / ".trebuche/sandbox").exists()
    assert "Traceback" not in running.printed()


def test_killed_pulumi_is_made_good_by_the_next_save(workshop: Workshop) -> None:
    """A deploy whose CLI was killed half-way is told; the next save frees the stack and deploys."""
    running = workshop.develop()
    running.says("Deploying: ")
    [lock] = (workshop.root / ".trebuche/sandbox/state/.pulumi/locks").glob("**/*.json")
    os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)
    running.says("The deploy failed")
    workshop.replace("trebuche.yaml", "memory: 1024", "memory: 512")
    running.record(failed_before=True)
    assert running.interrupt() == 0


def test_dead_emulator_ends_the_run_plainly(workshop: Workshop) -> None:
    """Without its emulator the run cannot go on: it says so and fails."""
    running = workshop.develop()
    os.kill(_sandbox(workshop)["emulator_pid"], signal.SIGKILL)
    assert running.process.wait(SAID_SECONDS) == 1
    assert "The local AWS died" in running.printed()
    assert "Traceback" not in running.printed()
