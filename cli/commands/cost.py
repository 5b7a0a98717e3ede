"""``trebuche cost``: what a run has cost, or traffic would."""

import click

from cli.commands.options import as_json


@click.command(short_help="Price what the sandbox has counted, or predict what traffic would cost.")
@click.option("--connections", type=click.IntRange(1), help="Open at the same time.")
@click.option("--updates-per-minute", type=click.FloatRange(0), help="Calls that change a state, all together.")
@click.option("--subscribers", type=click.IntRange(0), help="Who watch what changes.")
@click.option("--size", help="Of a state, such as 1KB.")
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True, max=730), help="How long in a month; 730 is always."
)
@click.option("--window", help="Deliver only the latest value of each so long, such as 250ms.")
@click.option("--users", type=click.IntRange(1), help="Of a run: for how many users it was.")
@click.option("--prices", is_flag=True, help="Print the price list with its sources, and do nothing else.")
@click.option("--at", metavar="URL", help="AWS address of the sandbox; the one of this checkout when left out.")
@as_json
def cost(
    *,
    connections: int | None,
    updates_per_minute: float | None,
    subscribers: int | None,
    size: str | None,
    hours: float | None,
    window: str | None,
    users: int | None,
    prices: bool,
    at: str | None,
    as_json: bool,
) -> int:
    r"""Price what the sandbox has counted; with traffic, predict what it would cost, and which quota ends first.

    \b
      trebuche cost
      trebuche cost --connections 10000 --updates-per-minute 100 --subscribers 100
      trebuche cost --connections 1000000 --window 250ms

    Prices are those of us-east-1, without free tiers; each has its source and date (--prices). What is left out of the
    traffic is 10,000 connections, 100 updates a minute, 100 subscribers each, 1 KB, always.
    """
    from cli.checkout import checkout_root
    from cli.cost.asked import machines_of, traffic_of
    from cli.cost.report import predict, price_run, print_prices
    from cli.output import Output
    from cli.sandbox_control import running_sandbox

    output = Output(as_json=as_json)
    if prices:
        return print_prices(output)
    asked = {"connections": connections, "updates_per_minute": updates_per_minute, "subscribers": subscribers}
    traffic = traffic_of({**asked, "hours": hours}, size, window)
    if traffic is None:
        return price_run(output, running_sandbox(at), users)
    return predict(output, traffic, machines_of(checkout_root()))
