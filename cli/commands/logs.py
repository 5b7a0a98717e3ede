"""``trebuche logs``: what the functions of a stack say."""

import click

from cli.commands.options import as_json, stack


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    from cli.function_logs import parse_since

    try:
        return parse_since(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(short_help="Print the functions' logs.")
@click.argument("function", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--since", default="10m", show_default=True, callback=_seconds, help="How far back: 90s, 10m, 2h, 1d.")
@stack
@as_json
def logs(function: str | None, *, follow: bool, since: int, stack: str, as_json: bool) -> int:
    """Print the logs of FUNCTION, or of all functions of the stack, in the order of time.

    FUNCTION is a role (`websocket`, `stream-processor`, `actor-todo-list`), an actor's class (`TodoList`) or the name
    of a function. With --json, each line is {"at":…,"role":…,"line":…}. The same with Pulumi:
    `pulumi logs --stack STACK`, where the stack file says aws:region.
    """
    from cli.checkout import checkout_root
    from cli.function_logs import print_logs
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.running import guarded

    output = Output(as_json=as_json)
    chosen = PulumiStack(checkout_root(), stack)
    return guarded(output, lambda: print_logs(output, chosen, function, since_seconds=since, follow=follow))
