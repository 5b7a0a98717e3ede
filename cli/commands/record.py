"""``trebuche record``: the frames of real clients, for the gate of a promotion."""

import click

from cli.commands.options import as_json, at_home, token


@click.command(short_help="Note the frames between clients and a stage, without content.")
@click.argument("stack", default="staging", callback=at_home)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on this machine; 0 takes a free one.")
@token
@as_json
def record(stack: str, *, port: int, token: str | None, as_json: bool) -> int:
    r"""Relay between clients on this machine and STACK, and note their frames in .trebuche/frames/STACK.jsonl.

    \b
      trebuche record staging

    Texts are masked and numbers are 0; answers and states are left out. Whom a client called, and with which members,
    stays: `trebuche promote STACK …` tries those calls on the release that it takes on. Credentials that a client shows
    (header, query or sub-protocol) are passed on and not written down; --token is shown for clients that show none.
    """
    from cli.checkout import checkout_root
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.record import record_and_print
    from cli.running import guarded

    output = Output(as_json=as_json)
    return guarded(
        output, lambda: record_and_print(output, PulumiStack(checkout_root(), stack), port=port, token=token)
    )
