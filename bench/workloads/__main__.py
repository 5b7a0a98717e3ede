"""``python -m bench.workloads``: what an hour of W1 and of W2 costs, part by part, each beside what it may cost."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from bench.cost_run import Counts
from bench.workloads import hot, steady
from bench.workloads.parts import Parts
from cli.cost.prices import PRICES
from tests.loop.stack import deployed_stack


@click.command()
@click.option("--minutes", default=6, show_default=True, help="Of W1's hour that are run.")
@click.option(
    "--seconds", default=15.0, show_default=True, help="Of W2's hour that are run, with and without a window."
)
@click.option("--counts", "with_counts", is_flag=True, help="Print what was counted, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(*, minutes: int, seconds: float, with_counts: bool, as_json: bool) -> None:
    """Price both workloads; exits with 1 when an hour costs more than its limit."""
    with deployed_stack() as deployed:
        phases = asyncio.run(steady.run(deployed, minutes))
        latest_run = asyncio.run(hot.run(deployed, seconds, window=True))
        every_run = asyncio.run(hot.run(deployed, seconds, window=False))
        # Before the sandbox is stopped, which may fail on a busy machine: all this has taken minutes.
        hour, latest, every = steady.price(phases), hot.price(latest_run), hot.price(every_run)
        of_hour = (phases.connecting, phases.subscribing, phases.steady, phases.leaving)
        all_counts = (*of_hour, latest_run.counts, every_run.counts)
        if as_json:
            documents = {"w1": hour.document(), "w2": latest.document(), "w2every": every.document()}
            click.echo(json.dumps({**documents, "prices": _units(all_counts)}))
        else:
            _print_steady(hour)
            _print_hot(latest, latest_run, every)
        if with_counts:
            _print_counts(all_counts)
    raise SystemExit(0 if hour.good and latest.good else 1)


def _print_steady(hour: steady.Hour) -> None:
    click.echo(
        f"W1, {steady.CONNECTIONS:,} connections: a steady hour ${hour.usd:.4f} without transfer "
        f"(at most ${steady.LIMIT}; upstream's own page ${steady.UPSTREAM})"
    )
    again = f" ({hour.repeated} handshakes were made again)" if hour.repeated else ""
    coming = {f"connecting{again}": hour.connecting, "subscribing": hour.subscribing, "leaving": hour.leaving}
    for name, sums in {"steady": hour.steady, **coming}.items():
        click.echo(f"{name}:")
        _print_parts(sums)
    click.echo(f"standing, of each hour: ${hour.standing:.5f}")


def _print_hot(latest: hot.Hour, run: hot.Run, every: hot.Hour) -> None:
    rate = run.calls / run.seconds
    click.echo(
        f"W2, 20 changes a second, window {hot.WINDOW_MS} ms: an hour ${latest.usd:.4f} without transfer (at most "
        f"${hot.LIMIT}); run at {rate:.1f} a second with {run.window_ms} ms; {latest.fewer:.1f} times fewer deliveries "
        f"(at least {hot.FEWER}) than without a window"
    )
    _print_parts(latest.steady)
    click.echo(f"W2 with every value delivered: an hour ${every.usd:.4f} without transfer")
    _print_parts(every.steady)


def _print_parts(sums: Parts) -> None:
    for part, usd in sums.items():
        click.echo(f"  {part:24} ${usd:.5f}")


def _units(counts: Iterable[Counts]) -> list[str]:
    """The billed units behind the dollars, for the price list."""
    return sorted({one["unit"] for phase in counts for one in phase} & PRICES.keys())


def _print_counts(counts: Iterable[Counts]) -> None:
    for one in (one for phase in counts for one in phase):
        click.echo(_line(one), err=True)


def _line(one: Mapping[str, Any]) -> str:
    return f"{one['unit']:30} {one['resource']:50} {one['cause']:32} {one['amount']:.6g}"


if __name__ == "__main__":
    main()
