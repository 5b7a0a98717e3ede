"""``trebuche rollback``: what ran before."""

import click

from cli.commands.options import agreed, as_json, at_home


@click.command(short_help="Put the release before live again.")
@click.argument("stack", default="production", callback=at_home)
@click.option("--to", "wanted", metavar="RELEASE", help="The beginning of its digest; else the one that ran before.")
@click.option("--undo", is_flag=True, help="Put live again what a rollback took back.")
@agreed
@as_json
def rollback(stack: str, *, wanted: str | None, undo: bool, yes: bool, as_json: bool) -> int:
    r"""Put the release that ran before live again on STACK, within seconds.

    \b
      trebuche rollback production

    Stored states are tried on the older code first. Functions get their earlier versions, with their code, memory, time
    and environment; sockets stay open. Tables, routes, roles and alarms stay as they are. It is written to the stack
    file, so that a preview is silent afterwards. The same with Pulumi: `trebuche:rollback` in the stack file, then
    `pulumi up --stack STACK`.
    """
    from cli.asking import Asker
    from cli.checkout import checkout_root
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.rollback import rollback_and_print
    from cli.running import guarded

    output, chosen = Output(as_json=as_json), PulumiStack(checkout_root(), stack)
    return guarded(output, lambda: rollback_and_print(output, chosen, Asker(yes=yes), wanted=wanted, undo=undo))
