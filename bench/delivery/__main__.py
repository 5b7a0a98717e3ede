"""``python -m bench.delivery``: seconds from a call to its last subscriber, ours and the page's algorithm's."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import click

from bench.delivery.audiences import Audience, our_audience, pages_audience
from bench.delivery.figures import HELD_AT, LIMIT, Figures
from bench.delivery.page import deploy_page
from tests.loop.conftest import Deployed
from tests.loop.stack import deployed_stack
from tests.support.sandbox import Aws

SHORT: Final = (1, 100)
FULL: Final = (1, 100, 1_000)
ROUNDS: Final = {1: 9, 100: 5, 1_000: 2}


async def timed(audience: Audience, number: int) -> float:
    """Seconds from a call to its last subscriber."""
    started = time.perf_counter()
    _, _ = await asyncio.gather(audience.call(number), audience.arrived(number))
    return time.perf_counter() - started


async def measure(deployed: Deployed, url: str, counts: tuple[int, ...]) -> Figures:
    """Both in turns for each number of subscribers; the first round of each only starts functions."""
    taken: dict[str, dict[int, float]] = {"ours": {}, "rival": {}}
    for count in counts:
        async with our_audience(deployed, count) as ours, pages_audience(url, count) as rival:
            rounds = [
                (await timed(ours, number), await timed(rival, number)) for number in range(1, ROUNDS[count] + 2)
            ][1:]
        for name, column in zip(taken, zip(*rounds, strict=True), strict=True):
            taken[name][count] = statistics.median(column)
    return Figures(taken["ours"], taken["rival"])


def describe(figures: Figures) -> str:
    """For people."""
    lines = []
    for count, ratio in figures.ratios.items():
        ours, rival = figures.ours[count], figures.rival[count]
        told = f" (at least {LIMIT:.0f})" if count == HELD_AT else ""
        lines.append(f"{count} subscribers: {ours:.2f} s, the page's algorithm {rival:.2f} s: {ratio:.1f} times{told}")
    return "\n".join(lines)


@click.command()
@click.option("--full", is_flag=True, help="With 1,000 subscribers too, which takes ten minutes more.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(full: bool, as_json: bool) -> None:
    """Measure ours against the page's algorithm; exit 1 when it is not five times as fast with 100 subscribers."""
    with deployed_stack() as deployed, tempfile.TemporaryDirectory() as folder:
        url = deploy_page(Aws(deployed.local.environment["AWS_ENDPOINT_URL"], Path(folder)))
        figures = asyncio.run(measure(deployed, url, FULL if full else SHORT))
        # Before the sandbox is stopped, which may fail on a busy machine.
        click.echo(figures.to_json() if as_json else describe(figures))
    raise SystemExit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
