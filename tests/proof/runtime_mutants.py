"""``python -m tests.proof.runtime_mutants``: break a sentence of the runtime at a time, and see it noticed.

Most of them the explorer notices within its first schedules. What it cannot see (a second line of defence that stands
in for the first, a delay that is mended later) a unit test holds.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.mutants.rules import ROOT, Mutant
from tests.mutants.scratch import Scratch

FILE: Final = "tests/proof/runtime_mutants.toml"
EXPLORER: Final = "explorer"
SEEDS: Final = 1_000
_EXPLORE: Final = f"""
from trebuche_testing.campaign import first_failure
from trebuche_testing.explore import ledger
print(first_failure(ledger, range({SEEDS})))
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run those that were asked for; 0 when each was noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.runtime_mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"names in {FILE}; all when left out")
    names = parser.parse_args(words).names
    known = read_mutants()
    if unknown := set(names) - {mutant.rule for mutant in known}:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}; the names stand in {FILE}")
    console = Console(highlight=False)
    missed = 0
    with tempfile.TemporaryDirectory(prefix="runtime-mutants-") as folder:
        scratch = Scratch(Path(folder))
        for mutant in known:
            if not names or mutant.rule in names:
                started = time.monotonic()
                told = notice(scratch, mutant)
                missed += told is None
                mark = "[red]✗ not noticed[/]" if told is None else f"[green]✓[/] {told}"
                console.print(f"{mutant.rule:32} {mark} [dim]{time.monotonic() - started:.0f} s[/]", soft_wrap=True)
    return int(missed > 0)


def read_mutants() -> list[Mutant]:
    """What the file holds."""
    entries = tomllib.loads((ROOT / FILE).read_text(encoding="utf-8"))
    folder = "lambda_src/trebuche"
    return [
        Mutant(FILE, name, entry["noticed_by"], f"{folder}/{entry['file']}", entry["find"], entry["replace"])
        for name, entry in entries.items()
    ]


def notice(scratch: Scratch, mutant: Mutant) -> str | None:
    """How a mutant is noticed; None when it is not."""
    if mutant.test != EXPLORER:
        return mutant.test if scratch.fails(mutant) else None
    with scratch.broken(mutant) as folder:
        path = os.pathsep.join(map(str, (folder, folder / "lambda_src")))
        done = subprocess.run(
            [sys.executable, "-B", "-c", _EXPLORE],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
    seed = done.stdout.strip()
    return None if seed == "None" else f"seed {seed}"


if __name__ == "__main__":
    sys.exit(main())
