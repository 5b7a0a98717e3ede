"""``python -m bench.million``: what a million connections cost and which quotas they need, as tables of docs/costs.md.

Predictions, by the same code as ``trebuche cost``; nothing is run.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from cli.cost.asked import machines_of
from cli.cost.quotas import Need, gateway_requests, needs
from cli.cost.report import predicted
from cli.cost.traffic import Traffic

ROOT: Final = Path(__file__).resolve().parents[1]
CONNECTIONS: Final = 1_000_000
UPDATES_PER_MINUTE: Final = (100, 10_000, 100_000)
"""Nearly silence, W1's rate, and an update a minute for each ten."""
LISTED: Final = 10_000
"""At which every quota is listed."""


def traffic(updates_per_minute: float) -> Traffic:
    """A hundred subscribers each, always connected."""
    return Traffic(connections=CONNECTIONS, updates_per_minute=updates_per_minute, subscribers=100)


def bills() -> Iterator[dict[str, Any]]:
    """A month of each rate, with the quota that it meets first."""
    machines = machines_of(ROOT)
    for rate in UPDATES_PER_MINUTE:
        asked = traffic(rate)
        usd, first = predicted(asked, machines).usd, needs(asked)[0]
        yield {
            "updatesPerMinute": rate,
            "requestsPerSecond": gateway_requests(asked),
            "usd": usd,
            "usdPerUser": usd / CONNECTIONS,
            "first": first.quota,
            "share": first.share,
        }


def bill_table() -> Iterator[str]:
    """As Markdown."""
    yield "| updates a minute | requests a second | US dollars a month | per user | first quota to break |"
    yield "|---|---|---|---|---|"
    for one in bills():
        breaks = "" if one["share"] > 1 else "none; nearest: "
        yield (
            f"| {one['updatesPerMinute']:,} | {one['requestsPerSecond']:,.0f} | {_rounded(one['usd']):,} "
            f"| ${one['usdPerUser']:.3f} | {breaks}{one['first']}, at {one['share']:.0%} |"
        )


def quota_table() -> Iterator[str]:
    """Every quota at one rate, the first to break in front, and what to ask AWS for."""
    yield "| quota | needed | without asking | what to ask AWS for |"
    yield "|---|---|---|---|"
    for need in needs(traffic(LISTED)):
        yield f"| {need.quota} | {need.needed:,.0f} | {need.allowed:,.0f} | {_asked(need)} |"


def _rounded(usd: float) -> int:
    """Three figures: an alarm more is no news at this size."""
    return int(float(f"{usd:.3g}"))


def _asked(need: Need) -> str:
    return need.ask if need.breaks else f"nothing: {need.share:.1%} of it"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(*, as_json: bool) -> None:
    """Say what a million connections cost, which quota breaks first, and what to ask AWS for."""
    if as_json:
        click.echo(json.dumps({"bills": list(bills())}))
        return
    for line in (*bill_table(), "", *quota_table()):
        click.echo(line)


if __name__ == "__main__":
    main()
