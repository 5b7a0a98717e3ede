"""``python -m bench.simulation``: p50 and p99 from invocation to delivered, at audiences that no test can have."""

import json
import os
import platform
from dataclasses import asdict

import click

from bench.simulation import calibration
from bench.simulation.scenarios import Result, all_of


def _print(results: list[Result], compared: list[calibration.Compared]) -> None:
    click.echo("simulated, with AWS's quotas; milliseconds from invocation to delivered")
    click.echo(f"{'':52} {'deliveries':>10} {'p50':>9} {'p99':>9} {'last':>9} {'to workers':>10}  refused")
    for one in results:
        figures = f"{one.deliveries:>10,} {one.p50_ms:>9,.0f} {one.p99_ms:>9,.0f} {one.last_ms:>9,.0f}"
        refused = ", ".join(f"{count:,} {kind}s" for kind, count in one.refused.items())
        click.echo(f"{one.name:52} {figures} {one.handed_over:>10,}  {refused}")
    click.echo("\nthe same model with the sandbox's times, against the sandbox (fitted to the first and the last)")
    click.echo(f"{'subscribers':>12} {'p50':>9} {'model':>9} {'error':>7} {'p99':>9} {'model':>9} {'error':>7}")
    for row in compared:
        was = row.measured
        median = f"{was.p50_ms:>9,.0f} {row.p50_ms:>9,.0f} {row.p50_error:>+7.0%}"
        tail = f"{was.p99_ms:>9,.0f} {row.p99_ms:>9,.0f} {row.p99_error:>+7.0%}"
        click.echo(f"{was.subscribers:>12,} {median} {tail}")


@click.command()
@click.option("--calibrate", is_flag=True, help="Measure the sandbox anew, and keep what was measured.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(*, calibrate: bool, as_json: bool) -> None:
    """Simulate how late subscribers hear of a change."""
    if calibrate:
        machine = {"processors": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        calibration.save(calibration.measure(), machine)
    results, compared = all_of(), calibration.compare(calibration.load())
    if as_json:
        errors = [{**asdict(one), "p50_error": one.p50_error, "p99_error": one.p99_error} for one in compared]
        click.echo(json.dumps({"simulated": [asdict(one) for one in results], "calibration": errors}))
    else:
        _print(results, compared)


if __name__ == "__main__":
    main()
