"""One run of ``trebuche dev``, from the first sandbox process to the last."""

import asyncio
import os
import signal
from collections.abc import Coroutine, Mapping
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from cli.checkout import STACK, DevRecord, command_line
from cli.dev.changes import SourceChanges
from cli.dev.console import Console, serving_console
from cli.dev.deploy import Deployer, Outcome
from cli.dev.events import Progress
from cli.dev.lock import only_one
from cli.dev.tail import tail_failures
from cli.output import OK, Output, Status
from cli.processes import end_leftovers
from cli.sandbox_process import attached, check_port, last_words, take_over
from sandbox.environment import DEFAULT_REGION
from sandbox.errors import SandboxError
from sandbox.record import SandboxRecord

_QUIET_SECONDS = 1.0
"""Without a terminal, this long between two lines of progress."""


async def develop(root: Path, output: Output, port: int | None) -> int:
    """Run until Ctrl-C; returns the exit code.

    Raises:
        CommandError: Another run is alive, the port is taken, or the sandbox did not start or died.
    """
    with only_one(root):
        check_port(port)
        # Of an earlier run that was killed.
        DevRecord.path(root).unlink(missing_ok=True)
        stop = _stop_signal()
        await _until(stop, _run(root, output, port))
        output.note("Stopped.")
    return OK


async def _run(root: Path, output: Output, port: int | None) -> None:
    # What a killed run leaves behind: its sandbox, and the deploys to it.
    await asyncio.to_thread(take_over, root)
    await asyncio.to_thread(end_leftovers, root)
    try:
        async with serving_console(root) as console:
            while True:
                port = await _run_once(root, output, port, console)
    finally:
        DevRecord.path(root).unlink(missing_ok=True)


async def _run_once(root: Path, output: Output, port: int | None, console: Console) -> int:
    """Run until it is better to start from nothing; returns the port, so that the address stays the same."""
    output.note("Starting the local AWS …")
    async with attached(root, port) as (record, process):
        output.success(f"Local AWS at {record.aws_endpoint}")
        session = _Session(root, output, record, console)
        await _first_of(session.watch(), session.follow(), session.tail(), _die_with(process, root))
    return urlsplit(record.aws_endpoint).port or 0


class _Session:
    """Deploys on every change and shows what fails."""

    def __init__(self, root: Path, output: Output, record: SandboxRecord, console: Console) -> None:
        self._root = root
        self._output = output
        self._console = console
        self._record = record
        self._deployer = Deployer(root, record)
        self._changes = SourceChanges(root)
        self._announced = False
        self._warned: set[str] = set()
        self._region: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def watch(self) -> None:
        await self._changes.watch()

    async def follow(self) -> None:
        """Deploy now and on every change; returns when a killed deploy makes it better to start from nothing."""
        await self._deploy("Deploying")
        async for paths in self._changes.batches():
            if self._deployer.was_killed():
                self._output.note("Starting from nothing after a deploy that was killed …")
                return
            await self._deploy(f"{_summary(paths)} changed; deploying")

    async def tail(self) -> None:
        region = await self._region
        await tail_failures(self._record.aws_endpoint, region, self._output)

    async def _deploy(self, why: str) -> None:
        with self._output.status(f"{why} …") as status:
            outcome = await self._deployer.up(_Reporter(status, why).report)
        self._warn(outcome)
        if not outcome.ok:
            self._explain(outcome)
        elif self._announced:
            self._output.success(f"Deployed in {outcome.seconds:.1f} s ({_changes(outcome.progress)}).")
        else:
            await self._announce(outcome)

    def _warn(self, outcome: Outcome) -> None:
        for text in outcome.progress.warnings:
            if text not in self._warned:
                self._warned.add(text)
                self._output.warning(text)

    def _explain(self, outcome: Outcome) -> None:
        self._output.failure("The deploy failed:")
        for text in outcome.progress.errors or [outcome.text]:
            self._output.block(text)
        before = "What was deployed before keeps serving; save" if self._announced else "Save"
        self._output.note(f"{before} a file to try again, or press Ctrl-C and `make run` to start from nothing.")

    async def _announce(self, outcome: Outcome) -> None:
        outputs = await self._deployer.outputs()
        self._announced = True
        self._region.set_result(_region(outputs))
        self._output.success(f"Ready: {len(outcome.progress.done)} resources in {outcome.seconds:.1f} s.")
        endpoint = outputs.get("wss_endpoint")
        if isinstance(endpoint, str):
            self._console.lead_to(endpoint)
            where = self._record.aws_endpoint
            DevRecord(endpoint, where, STACK, os.getpid(), self._console.address).save(self._root)
            self._invite(endpoint)
        else:
            self._output.warning("There is no endpoint: trebuche.yaml says websocket.enabled: false.")
        self._output.note("Watching lambda_src/, infra/ and trebuche.yaml. Ctrl-C stops everything.")

    def _invite(self, endpoint: str) -> None:
        trebuche = command_line(self._root)
        lines = (
            "",
            f"Endpoint: {endpoint}",
            f"Console:  {self._console.address}",
            "",
            "Paste into another shell:",
            f"  {trebuche} watch todos",
            f"  {trebuche} call todos addTodo '\"Buy milk\"'",
            f'  eval "$({trebuche} sandbox env)"',
            "",
        )
        for line in lines:
            self._output.line(line)


class _Reporter:
    """Tells how far a deploy is: always on a terminal, now and then elsewhere."""

    def __init__(self, status: Status, why: str) -> None:
        self._status = status
        self._why = why
        self._shown = 0
        self._shown_at = monotonic()

    def report(self, progress: Progress) -> None:
        done, now = len(progress.done), monotonic()
        if done == self._shown or (not self._status.is_live and now < self._shown_at + _QUIET_SECONDS):
            return
        self._shown, self._shown_at = done, now
        self._status.update(f"{self._why}: {done} of {progress.total} resources")


async def _die_with(process: asyncio.subprocess.Process, root: Path) -> None:
    code = await process.wait()
    raise SandboxError(f"The local AWS died (exit code {code}): {last_words(root)} Run `make run` again.")


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    await _first_of(_wait(stop), work)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one ends; the others are cancelled and its error is passed on."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()


def _region(outputs: Mapping[str, Any]) -> str:
    """Where the functions are: the fourth part of any of their ARNs."""
    arns = list((outputs.get("functions") or {}).values())
    return str(arns[0]).split(":")[3] if arns else DEFAULT_REGION


def _summary(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _changes(progress: Progress) -> str:
    return f"{len(progress.changed)} changes" if progress.changed else "nothing to change"
