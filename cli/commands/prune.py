"""``trebuche prune``: old versions of a stack's functions, deleted."""

import click

from cli.commands.options import agreed, as_json, stack


@click.command(short_help="Delete old versions of the functions, after a list and a question.")
@stack
@click.option(
    "--keep", type=click.IntRange(min=1), default=10, show_default=True, help="Versions of each function that stay."
)
@agreed
@as_json
def prune(stack: str, *, keep: int, yes: bool, as_json: bool) -> int:
    """Delete the versions of a stack's functions that nothing refers to any more.

    Each deploy that changes a function publishes a version, and the ones before stay, to be gone back to. What an alias
    names is never deleted, and neither are the newest ones. No Pulumi command does this.
    """
    from cli.asking import Asker
    from cli.checkout import checkout_root
    from cli.output import Output
    from cli.prune import prune_and_print
    from cli.pulumi_stack import PulumiStack
    from cli.running import guarded

    output = Output(as_json=as_json)
    chosen = PulumiStack(checkout_root(), stack)
    return guarded(output, lambda: prune_and_print(output, chosen, Asker(yes=yes), keep=keep))
