"""``trebuche undeploy``: everything of a stack removed."""

import click

from cli.commands.options import agreed, as_json, stack


@click.command(short_help="Remove a stack from AWS, after a list and a question.")
@stack
@agreed
@as_json
def undeploy(stack: str, *, yes: bool, as_json: bool) -> int:
    """Remove everything that a stack has in AWS, its data included.

    Lists what goes and asks; any answer but `yes` ends with exit code 1 and touches nothing. A protected stack is
    refused: the message says how to take it down on purpose. The same with Pulumi: `pulumi destroy --stack STACK`.
    """
    from cli.asking import Asker
    from cli.checkout import checkout_root
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.running import guarded
    from cli.undeploy import undeploy_and_print

    output = Output(as_json=as_json)
    chosen = PulumiStack(checkout_root(), stack)
    return guarded(output, lambda: undeploy_and_print(output, chosen, Asker(yes=yes)))
