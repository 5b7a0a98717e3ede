"""``trebuche call``: one call of one method."""

import click

from cli.commands.options import as_json, endpoint, token


@click.command(short_help="Call an actor's method and print the result.")
@click.argument("actor")
@click.argument("method")
@click.argument("arguments", nargs=-1, metavar="[JSON]...")
@endpoint
@token
@as_json
@click.option("--timeout", "timeout_seconds", type=click.FloatRange(min=0.1), default=30.0, show_default=True,
              help="Seconds to wait for the answer, drops included.")  # fmt: skip
def call(
    actor: str,
    method: str,
    arguments: tuple[str, ...],
    *,
    endpoint: str | None,
    token: str | None,
    as_json: bool,
    timeout_seconds: float,
) -> int:
    r"""Call METHOD of ACTOR with JSON arguments and print the result.

    \b
      trebuche call todos addTodo '"Buy milk"'
      trebuche call game move '"ada"' 1 0

    When the connection drops, the same call is sent again; it takes effect once. With --json, one document is
    printed whatever happens: {"callID":…,"result":…} or {"callID":…,"error":{"message":…,"code":…,"retryable":…}}.
    """
    from cli.endpoint import Door
    from cli.invoke import invoke_and_print
    from cli.output import Output

    return invoke_and_print(
        Output(as_json=as_json), actor, method, arguments, door=Door(endpoint, token), timeout_seconds=timeout_seconds
    )
