"""``python -m tests.proof.loop_under_load``: the tests of the whole loop, again and again, with every core busy.

What passes only on an idle machine, or only in one order, fails here: each run has an order of its own, and beside it
one process per core does nothing but compute, or other runs go on. Nothing is tried twice.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.mutants.rules import ROOT

RUNS: Final = 10
TESTS: Final = "tests/loop"
BURN: Final = "while True: pass"
SLOWEST: Final = 5
NOT_PASSED: Final = ("failure", "error", "skipped")


@dataclass(frozen=True)
class Run:
    """One run of the tests.

    Args:
        seed: Of the order; ``pytest --randomly-seed`` repeats it.
        tests: How many ran.
        failed: Ids of those that failed, or the reason why none ran.
        seconds: How long it took.
        load: Processes that wanted a core, on average over its last minute.
        slowest: The seconds of the tests that took longest, with their share of what they were first to set up.
    """

    seed: int
    tests: int
    failed: tuple[str, ...]
    seconds: float
    load: float
    slowest: dict[str, float]


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """So many processes that compute for as long as the block lasts."""
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def run_once(seed: int, tests: Sequence[str], console: Console) -> Run:
    """Run the tests in the order that a seed gives; what a failed run printed is printed here."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", f"--randomly-seed={seed}", f"--junitxml={report}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests], cwd=ROOT, capture_output=True, text=True, check=False
        )
        seconds, failed = _read(report) if report.exists() else ({}, ())
    if done.returncode != 0:
        failed = failed or (f"pytest ended with {done.returncode}",)
        console.print(done.stdout + done.stderr, markup=False, soft_wrap=True)
    slowest = dict(sorted(seconds.items(), key=lambda pair: -pair[1])[:SLOWEST])
    elapsed, load = round(time.monotonic() - started, 1), round(os.getloadavg()[0], 1)
    return Run(seed, len(seconds), failed, elapsed, load, slowest)


def _read(report: Path) -> tuple[dict[str, float], tuple[str, ...]]:
    """The seconds of each test in pytest's report, and which of them did not pass; one that was skipped did not."""
    cases = {
        f"{case.get('classname')}::{case.get('name')}": case for case in ElementTree.parse(report).iter("testcase")
    }
    bad = tuple(name for name, case in cases.items() if any(part.tag in NOT_PASSED for part in case))
    return {name: float(case.get("time", 0)) for name, case in cases.items()}, bad


def main(words: Sequence[str] | None = None) -> int:
    """Run the proof; 0 when every run passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.loop_under_load", description=__doc__)
    parser.add_argument("tests", nargs="*", default=[TESTS], help=f"tests to run; {TESTS} when left out")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how often; {RUNS} when left out")
    parser.add_argument("--seed", type=int, help="seed of the first run's order; the next ones count up from it")
    parser.add_argument("--jobs", type=int, default=1, help="runs beside each other, each the others' load; 1")
    parser.add_argument("--burners", type=int, help="busy processes; one per core beside a single run, else none")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first run that fails")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(words)
    console = Console(stderr=chosen.json, highlight=False)
    first = random.SystemRandom().randrange(2**31) if chosen.seed is None else chosen.seed
    burners = chosen.burners
    if burners is None:
        burners = (os.cpu_count() or 1) if chosen.jobs == 1 else 0
    seeds = range(first, first + chosen.runs)
    ended = threading.Event()
    runs: list[Run] = []

    def run(seed: int) -> None:
        if not ended.is_set():
            done = run_once(seed, chosen.tests, console)
            runs.append(done)
            console.print(escape(_line(len(runs), chosen.runs, done)), soft_wrap=True)
            if done.failed and not chosen.keep_going:
                ended.set()

    with busy_cores(burners), ThreadPoolExecutor(chosen.jobs) as pool:
        list(pool.map(run, seeds))
    _print_table(runs, console)
    green = sum(not run.failed for run in runs)
    if chosen.json:
        print(json.dumps({"runs": chosen.runs, "green": green, "each": [asdict(run) for run in runs]}))
    return 0 if green == chosen.runs else 1


def _line(number: int, of: int, run: Run) -> str:
    said = ", ".join(run.failed) or "all passed"
    return f"{number:2}/{of} seed {run.seed}: {run.tests} tests in {run.seconds:.0f} s, load {run.load}: {said}"


def _print_table(runs: Sequence[Run], console: Console) -> None:
    table = Table("run", "seed", "tests", "failures", "seconds", "load", title="The whole loop under load")
    for number, run in enumerate(runs, 1):
        cells = (number, run.seed, run.tests, len(run.failed), f"{run.seconds:.0f}", run.load)
        table.add_row(*map(str, cells))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
