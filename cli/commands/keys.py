"""``trebuche keys`` and ``trebuche ticket``: what programs and browsers connect with."""

import click

from cli.commands.options import as_json, stack

claims = click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="What rules may ask for; as often as needed. A value that is JSON is that, any other a text.",
)


@click.group(short_help="Make, list and remove API keys.")
def keys() -> None:
    """API keys of a stack, with which programs connect (auth.api_keys in trebuche.yaml)."""


@keys.command(short_help="Make a key and print it, once.")
@click.argument("name")
@claims
@click.option("--days", type=click.IntRange(min=1, max=3650), help="After so many days the key stops to count.")
@stack
@as_json
def add(name: str, *, claims: tuple[str, ...], days: int | None, stack: str, as_json: bool) -> int:
    r"""Make a key for the principal NAME and print it. Only its digest is kept.

    \b
      trebuche keys add billing --claim role=service
    """
    from cli.checkout import checkout_root
    from cli.keys import add_key_and_print
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.target import deployed_target

    target = deployed_target(PulumiStack(checkout_root(), stack))
    return add_key_and_print(Output(as_json=as_json), target, name, claims, days)


@keys.command(name="list", short_help="Print which keys there are.")
@stack
@as_json
def list_(*, stack: str, as_json: bool) -> int:
    """Print id and principal of each key; the keys themselves are nowhere."""
    from cli.checkout import checkout_root
    from cli.keys import list_keys_and_print
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.target import deployed_target

    return list_keys_and_print(Output(as_json=as_json), deployed_target(PulumiStack(checkout_root(), stack)))


@keys.command(short_help="Remove a key.")
@click.argument("key_id")
@stack
def remove(key_id: str, *, stack: str) -> int:
    """Forget the key KEY_ID: within a minute it opens no connection any more."""
    from cli.checkout import checkout_root
    from cli.keys import remove_key_and_print
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.target import deployed_target

    return remove_key_and_print(Output(), deployed_target(PulumiStack(checkout_root(), stack)), key_id)


@click.command(short_help="Make a ticket that opens one connection.")
@click.argument("name")
@claims
@click.option("--seconds", type=click.IntRange(min=5, max=300), default=60, show_default=True,
              help="How long it may wait to be used; auth.tickets.seconds is the most.")  # fmt: skip
@stack
@as_json
def ticket(name: str, *, claims: tuple[str, ...], seconds: int, stack: str, as_json: bool) -> int:
    """Make a ticket for the principal NAME: it opens one connection, and only soon (auth.tickets in trebuche.yaml)."""
    from cli.checkout import checkout_root
    from cli.keys import ticket_and_print
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.target import deployed_target

    target = deployed_target(PulumiStack(checkout_root(), stack))
    return ticket_and_print(Output(as_json=as_json), target, name, claims, seconds)
