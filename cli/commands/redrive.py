"""``trebuche redrive``: changes that were given up, delivered after all."""

import click

from cli.commands.options import as_json, stack


@click.command(short_help="Deliver changes that were given up to the failure queue.")
@stack
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="Messages to take at most.")
@as_json
def redrive(*, stack: str, limit: int, as_json: bool) -> int:
    """Take the messages of the failure queue and hand what they stand for to the stream processor again.

    The changes are read from the state table's stream once more, in their order. After 24 hours the stream no longer
    has them: then each actor whose subscribers may be behind is sent as it is now. A message is deleted only when the
    function reported no failure; the others stay, and the command ends with 1. Subscribers that have a change already
    see nothing of it. No Pulumi command does this: no resource changes.
    """
    from cli.checkout import checkout_root
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.redrive import redrive_and_print
    from cli.running import guarded

    output = Output(as_json=as_json)
    return guarded(output, lambda: redrive_and_print(output, PulumiStack(checkout_root(), stack), limit=limit))
