"""Deploys stack ``sandbox`` with the Pulumi CLI, as a user could."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.checkout import STACK
from cli.dev.events import Progress
from cli.processes import MARK, end_leftovers
from sandbox.engine.locks import holders, is_alive
from sandbox.environment import child_environment
from sandbox.record import SandboxRecord

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deploy went.

    Args:
        ok: Whether everything was deployed.
        progress: What the engine said.
        seconds: How long it took.
        text: What the CLI printed; of use when the engine said nothing.
    """

    ok: bool
    progress: Progress
    seconds: float
    text: str


class Deployer:
    """Runs the Pulumi CLI against a sandbox.

    Args:
        root: The checkout.
        record: The sandbox.
    """

    def __init__(self, root: Path, record: SandboxRecord) -> None:
        self._root = root
        self._directory = Path(record.directory)
        self._environment = deploy_environment(root, record)
        self._selected = False
        self._resources = 0

    async def up(self, report: Callable[[Progress], None]) -> Outcome:
        """Deploy; ``report`` is called whenever the engine got further."""
        started = time.monotonic()
        progress = Progress(expected=self._resources)
        code, text = await self._select_stack()
        if code == 0:
            code, text = await self._up(progress, report)
        # An engine that was killed leaves its providers running.
        if code:
            await asyncio.to_thread(end_leftovers, self._root)
        else:
            self._resources = len(progress.done)
        if code < 0:
            progress.errors = [f"Pulumi was killed by signal {-code}; how far it came is unknown."]
        return Outcome(ok=code == 0, progress=progress, seconds=time.monotonic() - started, text=text)

    def was_killed(self) -> bool:
        """Whether a Pulumi CLI that held the stack is dead: what it made last, the stack's state does not know."""
        return not all(map(is_alive, holders(self._directory)))

    async def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs."""
        code, text = await self._pulumi("stack", "output", "--json", "--stack", STACK)
        return dict(json.loads(text)) if code == 0 else {}

    async def _select_stack(self) -> tuple[int, str]:
        if self._selected:
            return 0, ""
        code, text = await self._pulumi("stack", "select", "--create", STACK, "--non-interactive")
        self._selected = code == 0
        return code, text

    async def _up(self, progress: Progress, report: Callable[[Progress], None]) -> tuple[int, str]:
        log = self._directory / "logs" / "deploy-events.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")
        reader = asyncio.create_task(_follow(log, progress, report))
        try:
            code, text = await self._pulumi(
                "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never", "--stack", STACK,
                "--event-log", str(log),
            )  # fmt: skip
        finally:
            reader.cancel()
        _read_all(log, progress)
        return code, text

    async def _pulumi(self, *words: str) -> tuple[int, str]:
        """Run the CLI; when that is cancelled, the CLI and what it started are ended at once."""
        # A session of its own: a Ctrl-C is for this process, which ends the command itself.
        process = await asyncio.create_subprocess_exec(
            "pulumi", *words, cwd=self._root, env=self._environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.kill()
            end_leftovers(self._root)
            await process.communicate()
            raise
        return process.returncode or 0, output.decode(errors="replace")


def deploy_environment(root: Path, record: SandboxRecord) -> dict[str, str]:
    """The whole environment of a Pulumi CLI that deploys to the sandbox."""
    mark = {MARK: str(root), "PULUMI_DEBUG_COMMANDS": "true"}  # the latter makes --event-log known
    return {**child_environment(root, record), **mark}


async def _follow(log: Path, progress: Progress, report: Callable[[Progress], None]) -> None:
    with log.open() as lines:
        part = ""
        while True:
            # The engine may be in the middle of a line.
            part += lines.readline()
            if part.endswith("\n"):
                progress.read(part)
                part = ""
                report(progress)
            else:
                await asyncio.sleep(_POLL_SECONDS)


def _read_all(log: Path, progress: Progress) -> None:
    """Take in the whole log: what the follower did not get to, and what it did, whose texts are not told twice."""
    progress.errors.clear()
    progress.warnings.clear()
    for line in log.read_text(errors="replace").splitlines():
        progress.read(line)
