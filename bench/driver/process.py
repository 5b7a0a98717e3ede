"""Running one benchmark in a process of its own, so that none can spoil another's figures, or stop them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from bench.driver.benchmark import Benchmark
from bench.driver.rows import MISSED, Row

ROOT: Final = Path(__file__).resolve().parents[2]
FULL_TIMES: Final = 5.0
TELL_SECONDS: Final = 15.0
TIDY_SECONDS: Final = 60.0
"""For a benchmark that was interrupted, to stop the sandbox that it has started."""
LAST_LINES: Final = 3
"""Of what a broken benchmark said, that are told."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a benchmark.

    Attributes:
        document: What it printed; None when it printed nothing that could be read.
        error: Why it has no figures; empty when it has.
    """

    name: str
    arguments: tuple[str, ...]
    seconds: float
    exit_code: int
    document: dict[str, Any] | None
    rows: tuple[Row, ...]
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether it ran, and keeps all that is promised."""
        return not self.error and self.exit_code == 0 and all(row.verdict != MISSED for row in self.rows)


def run(benchmark: Benchmark, arguments: tuple[str, ...], *, full: bool, tell: Callable[[str], None]) -> Outcome:
    """Run a benchmark to its end, whatever that is; ``tell`` hears from time to time that it goes on."""
    command = [sys.executable, "-m", f"bench.{benchmark.name}", *arguments, "--json"]
    patience = benchmark.seconds * (FULL_TIMES if full else 1)
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=errors, start_new_session=True)
        try:
            hung = not _ended(process, patience, lambda passed: tell(f"{benchmark.about}: {passed:.0f} s so far"))
        finally:
            _stop(process)
        document, rows, error = _read(benchmark, _text(out))
        if hung:
            error = f"no end within {patience:.0f} s"
        elif document is None:
            error = " / ".join(_text(errors).strip().splitlines()[-LAST_LINES:]) or error
    seconds = time.monotonic() - started
    return Outcome(benchmark.name, arguments, seconds, process.returncode, document, rows, error)


def _ended(process: subprocess.Popen[bytes], patience: float, tell: Callable[[float], None]) -> bool:
    """Wait for the end; False when it does not come in time."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < patience:
        try:
            process.wait(min(TELL_SECONDS, patience - passed))
            return True
        except subprocess.TimeoutExpired:
            tell(time.monotonic() - started)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a benchmark that still runs; with force, and all that it started, when it does not heed that."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(TIDY_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(benchmark: Benchmark, printed: str) -> tuple[dict[str, Any] | None, tuple[Row, ...], str]:
    """Document, rows, and why there are none."""
    lines = printed.strip().splitlines()
    try:
        document: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        return None, (), "it printed no JSON"
    try:
        return document, tuple(benchmark.read(document)), ""
    except (KeyError, TypeError, ValueError) as error:
        return document, (), f"bench/driver/suite.py cannot read what it printed: {error!r}"


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
