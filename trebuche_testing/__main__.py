"""``python -m trebuche_testing``: explore many schedules, replay one, or check histories that somebody has written."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from trebuche_testing.campaign import SHARES, Tally, explore_seeds, first_failure
from trebuche_testing.draws import draw
from trebuche_testing.explore import ledger
from trebuche_testing.file_check import UNREADABLE, check_file, figures, find_specification, report
from trebuche_testing.history_file import opened
from trebuche_testing.history_lines import HistoryError
from trebuche_testing.mutants import MUTANTS, Mutant
from trebuche_testing.replay import replay
from trebuche_testing.shrink import shrink
from trebuche_testing.violations import KINDS

MUTANT_SEEDS = 1_000


def main() -> int:
    """Run the command; 0 when nothing is wrong (with ``--mutants``: when every mutant was caught)."""
    options = _parser().parse_args()
    if options.check is not None:
        return _check(options)
    if options.replay is not None:
        return _replay(options.replay, options.mutant, small=options.shrink)
    if options.mutants:
        return _mutants(options.seed)
    started = time.monotonic()
    total = _explore(options, started)
    seconds = time.monotonic() - started
    print(json.dumps(_figures(total, seconds)) if options.json else _report(total, seconds))
    return int(bool(total.failed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trebuche_testing", description=__doc__)
    parser.add_argument("--schedules", type=_positive, default=1_000, metavar="N", help="how many (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (default 0)")
    parser.add_argument("--jobs", type=_positive, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--history", type=Path, metavar="FILE", help="write histories as JSON lines; *.gz is packed")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="build a mistake in")
    parser.add_argument("--mutants", action="store_true", help="hold that every mistake is noticed")
    parser.add_argument("--replay", type=int, metavar="SEED", help="show one schedule step by step")
    parser.add_argument("--shrink", action="store_true", help="with --replay: make it smaller first")
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="only hold the histories of a file to a specification"
    )
    parser.add_argument(
        "--specification",
        default="trebuche_testing.ledger:LEDGER",
        metavar="MODULE:NAME",
        help="for --check (default %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print figures for programs")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text}")
    return int(text)


def _check(options: argparse.Namespace) -> int:
    try:
        verdicts = check_file(options.check, find_specification(options.specification))
    except HistoryError as error:
        print(error, file=sys.stderr)
        return UNREADABLE
    print(json.dumps(figures(verdicts)) if options.json else report(verdicts))
    return verdicts.exit_code


def _explore(options: argparse.Namespace, started: float) -> Tally:
    seeds = range(options.seed, options.seed + options.schedules)
    total = Tally()
    wanted = options.history is not None
    with nullcontext() if options.history is None else opened(options.history, "w") as file:
        for tally in explore_seeds(ledger, seeds, mutant=options.mutant, jobs=options.jobs, history=wanted):
            total.add(tally)
            if file is not None:
                file.write(tally.history)
            if sys.stderr.isatty():
                rate = total.schedules / (time.monotonic() - started)
                print(f"\r{total.schedules} of {len(seeds)}, {rate:.0f}/s", end="", file=sys.stderr)
    return total


def _figures(total: Tally, seconds: float) -> dict[str, Any]:
    return {
        "schedules": total.schedules,
        "seconds": round(seconds, 1),
        "perSecond": round(total.schedules / seconds, 1),
        "wrong": {kind: total.wrong[kind] for kind in KINDS},
        "shares": {name: round(total.seen[name] / total.schedules, 3) for name in SHARES},
        "failed": [{"seed": seed, "wrong": wrong} for seed, wrong in total.failed],
    }


def _report(total: Tally, seconds: float) -> str:
    wrong = ", ".join(f"{total.wrong[kind]} {kind}" for kind in KINDS)
    shares = ", ".join(f"{name} {total.seen[name] / total.schedules:.0%}" for name in SHARES)
    lines = [
        f"{total.schedules} schedules in {seconds:.0f} s ({total.schedules / seconds:.0f}/s): {wrong}",
        f"schedules with a {shares}",
    ]
    for seed, problems in total.failed:
        lines.append(f"seed {seed}: {'; '.join(problems)}")
    if total.failed:
        lines.append(f"see one step by step: python -m trebuche_testing --replay {total.failed[0][0]} --shrink")
    return "\n".join(lines)


def _replay(seed: int, mutant: str | None, *, small: bool) -> int:
    subject = ledger()
    make: Callable[[], Mutant | None] = MUTANTS[mutant] if mutant else lambda: None
    plan = draw(seed, subject.specification)
    if small:
        try:
            plan = shrink(plan, subject, make).plan
        except ValueError as error:
            print(error, file=sys.stderr)
            return 0
    return int(bool(replay(plan, subject, make(), print, small=small).violations))


def _mutants(seed: int) -> int:
    missed = 0
    for name, mutant in MUTANTS.items():
        caught = first_failure(ledger, range(seed, seed + MUTANT_SEEDS), name)
        # A schedule that fails without the mistake as well has not caught it.
        clean = caught is not None and first_failure(ledger, range(caught, caught + 1)) is None
        missed += not clean
        said = "not noticed" if caught is None else f"seed {caught}" + ("" if clean else ", which fails without it too")
        print(f"{name:26} {said:12} {mutant.__doc__}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
