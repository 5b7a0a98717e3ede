"""``python -m tests.mutants``: switch off each rule of the sandbox and see its test fail."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tests.mutants.rules import Mutant, RuleError, read_mutants
from tests.mutants.scratch import Scratch


def main(words: Sequence[str] | None = None) -> int:
    """Run the mutants that were asked for; 0 when each was caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("rules", nargs="*", help="ids of docs/sandbox.md; all when left out")
    parser.add_argument("--section", help="only the rules of one section, e.g. sockets")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(words)
    console = Console(stderr=chosen.json, highlight=False)
    try:
        mutants = _choose(read_mutants(), chosen.rules, chosen.section)
        caught = _run(mutants, console)
    except RuleError as error:
        console.print(f"[red]✗[/] {escape(str(error))}")
        return 2
    missed = [mutant.rule for mutant, noticed in caught.items() if not noticed]
    if chosen.json:
        print(json.dumps({"rules": len(mutants), "caught": len(mutants) - len(missed), "missed": missed}))
    console.print(f"{len(mutants)} rules switched off, {len(mutants) - len(missed)} caught")
    return 1 if missed or not mutants else 0


def _choose(mutants: Sequence[Mutant], rules: Sequence[str], section: str | None) -> list[Mutant]:
    if unknown := set(rules) - {mutant.rule for mutant in mutants}:
        raise RuleError(f"no such rule: {', '.join(sorted(unknown))}; the ids stand in tests/mutants/*.toml")
    return [mutant for mutant in mutants if (not rules or mutant.rule in rules) and section in (None, mutant.section)]


def _run(mutants: Sequence[Mutant], console: Console) -> dict[Mutant, bool]:
    caught = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        scratch = Scratch(Path(folder))
        if mutants and not scratch.passes([mutant.test for mutant in mutants]):
            raise RuleError("the tests do not pass with all rules in force; run them first")
        for number, mutant in enumerate(mutants, 1):
            started = time.monotonic()
            noticed = caught[mutant] = scratch.fails(mutant)
            mark = "[green]✓[/]" if noticed else "[red]✗ not noticed:[/]"
            seconds = time.monotonic() - started
            console.print(f"{mark} {number:3}/{len(mutants)} {mutant.section}/{mutant.rule} [dim]{seconds:.1f} s[/]")
    return caught


if __name__ == "__main__":
    sys.exit(main())
