"""``python -m bench.savings``: the page's five optimisations, measured, as the tables of docs/costs.md."""

import asyncio
import json
from dataclasses import asdict

import click

from bench.savings import counted
from bench.savings.advice import all_of
from bench.savings.tables import advice_table, gzip_table
from tests.loop.stack import deployed_stack


@click.command()
@click.option("--measure", is_flag=True, help="Count anew in a sandbox, and keep what was counted.")
@click.option("--minutes", default=6, show_default=True, help="Of W1's hour that are run for that.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(*, measure: bool, minutes: int, as_json: bool) -> None:
    """Say what each of the page's optimisations saves of W1's hour."""
    if measure:
        with deployed_stack() as deployed:
            counted.save(asyncio.run(counted.measure(deployed, minutes)))
    what = counted.load()
    if as_json:
        units = sorted({name.partition(" ")[0] for name in what.hour})
        rows = [asdict(one) for one in all_of(what)]
        click.echo(json.dumps({"advice": rows, "frames": [asdict(one) for one in what.frames], "prices": units}))
        return
    for line in (*advice_table(what, all_of(what)), "", *gzip_table(what.frames)):
        click.echo(line)


if __name__ == "__main__":
    main()
