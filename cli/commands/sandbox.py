"""``trebuche sandbox …``: the local AWS by itself, for plain Pulumi commands."""

import click

from cli.commands.options import as_json

_port = click.option("--port", type=click.IntRange(1, 65535), help="Port of the local AWS; a free one when left out.")


@click.group(short_help="The local AWS by itself, for plain Pulumi commands.")
def sandbox() -> None:
    """The local AWS by itself.

    What is stored in it lives as long as it runs.
    """


@sandbox.command()
@_port
def start(*, port: int | None) -> int:
    """Start a sandbox that goes on in the background."""
    from cli.local_aws import start_and_print
    from cli.output import Output

    return start_and_print(Output(), port)


@sandbox.command()
def stop() -> int:
    """Stop the sandbox; what is stored in it is gone."""
    from cli.local_aws import stop_and_print
    from cli.output import Output

    return stop_and_print(Output())


@sandbox.command()
@as_json
def status(*, as_json: bool) -> int:
    """Say whether a sandbox is running; ends with 1 when none is."""
    from cli.local_aws import print_status
    from cli.output import Output

    return print_status(Output(as_json=as_json))


@sandbox.command()
@as_json
def env(*, as_json: bool) -> int:
    r"""Print what makes plain Pulumi commands use the sandbox; starts one when none is running.

    \b
      eval "$(trebuche sandbox env)"
      pulumi up

    With --json: {"set":{…},"unset":[…]}.
    """
    from cli.local_aws import print_environment
    from cli.output import Output

    return print_environment(Output(as_json=as_json))
