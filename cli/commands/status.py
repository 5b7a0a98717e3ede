"""``trebuche status``: how a deployed stack is."""

import click

from cli.commands.options import as_json, stack


@click.command(short_help="Say how a deployed stack is.")
@stack
@click.option("--drift", is_flag=True, help="Say instead what AWS has other than what was deployed.")
@as_json
def status(stack: str, *, drift: bool, as_json: bool) -> int:
    """Print a stack's endpoint, release, last update, functions, tables, stream, and alarms that are going off.

    Everything is asked of AWS. Ends with 1 when the stack is not deployed, when a part of it is missing or not active,
    or when an alarm goes off. The same with Pulumi, as far as it knows: `pulumi stack output --stack STACK`.

    With --drift, every resource is read back and held against what was deployed; ends with 1 when one differs or is
    gone. Nothing is changed. The same with Pulumi: `pulumi refresh --preview-only --diff --stack STACK`.
    """
    from cli.checkout import checkout_root
    from cli.drift import print_drift
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.running import guarded
    from cli.stack_status import print_stack_status

    output = Output(as_json=as_json)
    work = print_drift if drift else print_stack_status
    return guarded(output, lambda: work(output, PulumiStack(checkout_root(), stack)))
