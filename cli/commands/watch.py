"""``trebuche watch``: an actor's state as it changes."""

import click

from cli.commands.options import as_json, endpoint, token


@click.command(short_help="Print an actor's state, now and after every change.")
@click.argument("actor")
@click.option("--property", "prop", default="state", show_default=True, help="The property to observe.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many states.")
@endpoint
@token
@as_json
def watch(actor: str, *, prop: str, count: int | None, endpoint: str | None, token: str | None, as_json: bool) -> int:
    r"""Print the state of ACTOR, now and after every change, until Ctrl-C.

    \b
      trebuche watch todos
      trebuche watch game --property players --json

    After a drop the stream is resumed where it was. With --json, each line is {"sequence":…,"timestamp":…,"state":…}.
    """
    from cli.endpoint import Door
    from cli.output import Output
    from cli.show import watch_and_print

    return watch_and_print(Output(as_json=as_json), actor, prop, count=count, door=Door(endpoint, token))
