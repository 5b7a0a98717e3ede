"""The processes that functions run in: a sandbox sees its own, and nobody else's."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from sandbox.aws import AwsClient
from sandbox.faults.workers import Workers
from sandbox.processes import children
from tests.support.sandbox import eventually


@contextlib.contextmanager
def emulator_with_a_worker() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a child that runs function ``f`` and waits for its next event; it ends when the child does."""
    words = ["sh", "-c", "cat; exit 3"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, env={**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "f"}) as running:
        try:
            eventually(lambda: [pid for pid in children(running.pid) if "pipe" in waits(pid)])
            yield running
        finally:
            assert running.stdin is not None
            running.stdin.close()


def waits(pid: int) -> str:
    """What a process waits for, in the kernel's words."""
    try:
        return Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return ""


def test_processes_of_another_sandbox_are_left_alone() -> None:
    """Of two that run a function of one name only one's own worker is killed."""
    aws = AwsClient(cast("Any", None), "")
    with emulator_with_a_worker() as ours, emulator_with_a_worker() as theirs:
        asyncio.run(Workers(aws, ours.pid).kill_idle("f"))
        assert ours.wait(20) == 3
        assert len(list(children(theirs.pid))) == 1


def test_without_an_emulator_there_are_no_workers() -> None:
    """A front without a process of its own kills nothing."""
    with emulator_with_a_worker() as somebodys:
        asyncio.run(Workers(AwsClient(cast("Any", None), "")).kill_idle("f"))
        assert len(list(children(somebodys.pid))) == 1
