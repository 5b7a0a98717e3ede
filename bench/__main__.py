"""``python -m bench``: every benchmark in one run, and one table of our figures, the rivals' and what is promised."""

import json
import os
from pathlib import Path

import click

from bench.driver.benchmark import Benchmark
from bench.driver.process import ROOT, Outcome, run
from bench.driver.record import record
from bench.driver.suite import BENCHMARKS
from bench.driver.table import prices, table
from cli.output import Output

NAMES = tuple(one.name for one in BENCHMARKS)


@click.command()
@click.option("--full", is_flag=True, help="With larger audiences and what takes long: an hour, not ten minutes.")
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="Run this one; may be repeated.")
@click.option(
    "--record",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=ROOT / ".trebuche" / "bench.json",
    help="Where the JSON record goes; .trebuche/bench.json when left out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as one line of JSON, and no table.")
def main(*, full: bool, only: tuple[str, ...], path: Path, as_json: bool) -> None:
    """Run all benchmarks; exits with 1 when one broke, or a promise is not kept.

    One that breaks stops no other. Each measures ours and its rival in the same run, so its ratio depends on the
    machine as little as can be; do not run anything else meanwhile.
    """
    output = Output(as_json=as_json)
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load > processors:
        output.warning(f"The machine is busy (load {load:.0f} on {processors} processors): figures will suffer")
    chosen = [one for one in BENCHMARKS if (one.name in only if only else one.arguments(full=full) is not None)]
    outcomes = [_run(output, one, f"{number}/{len(chosen)}", full) for number, one in enumerate(chosen, 1)]
    units = sorted({unit for one in outcomes for unit in (one.document or {}).get("prices", ())})
    document = record(outcomes, units, full=full, load=load)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
    if as_json:
        output.document(document)
    else:
        for line in (*table(outcomes), "", *(prices(units) if units else ())):
            output.line(line)
        output.note(f"Recorded in {path}")
    raise SystemExit(0 if document["good"] else 1)


def _run(output: Output, benchmark: Benchmark, place: str, full: bool) -> Outcome:
    arguments = benchmark.arguments(full=full) or ()
    with output.status(f"{place} {benchmark.name}: {benchmark.about}") as status:
        outcome = run(benchmark, arguments, full=full, tell=lambda text: status.update(f"{place} {text}"))
    told = f"{place} {benchmark.name}: {outcome.seconds:.0f} s"
    if outcome.good:
        output.success(told)
    else:
        output.failure(f"{told}, {outcome.error or 'a promise is not kept'}")
    return outcome


if __name__ == "__main__":
    main()
