"""``trebuche sandbox …``: the local AWS by itself, for plain Pulumi commands."""

import click

from cli.commands.options import as_json

_port = click.option("--port", type=click.IntRange(1, 65535), help="Port of the local AWS; a free one when left out.")

_at = click.option(
    "--at",
    metavar="URL",
    help="AWS address of the sandbox; the one that runs in this checkout when left out.",
)


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


@sandbox.group(invoke_without_command=True, short_help="Show the sandbox's clock, or turn it.")
@_at
@as_json
@click.pass_context
def clock(context: click.Context, *, at: str | None, as_json: bool) -> int:
    """Show the clock that drives limits, expiry, batching windows and alarms: real time, unless it was turned.

    With --json: {"now":…,"offset":…}, both in seconds.
    """
    from cli.output import OK, Output
    from cli.sandbox_control import print_clock

    return OK if context.invoked_subcommand else print_clock(Output(as_json=as_json), at)


@clock.command()
@click.argument("duration")
@_at
@as_json
def advance(duration: str, *, at: str | None, as_json: bool) -> int:
    r"""Turn the clock forward by DURATION, such as 90s, 10m, 2h, 1d or 1h30m.

    Whatever falls due on the way is started, in the order of its time, before the command returns.

    \b
      trebuche sandbox clock advance 2h
    """
    from cli.output import Output
    from cli.sandbox_control import advance_clock

    return advance_clock(Output(as_json=as_json), at, duration)


@sandbox.group(invoke_without_command=True, short_help="Show what AWS would have billed for, or begin at zero.")
@_at
@as_json
@click.pass_context
def meter(context: click.Context, *, at: str | None, as_json: bool) -> int:
    """Show what AWS would have billed for since the sandbox started: units by resource and cause.

    `trebuche cost` puts prices to them. With --json: {"since":…,"now":…,"counts":[…],"standing":[…]}.
    """
    from cli.output import OK, Output
    from cli.sandbox_control import print_meter

    return OK if context.invoked_subcommand else print_meter(Output(as_json=as_json), at)


@meter.command("reset")
@_at
def reset_meter(*, at: str | None) -> int:
    """Begin at zero."""
    from cli.output import Output
    from cli.sandbox_control import reset_meter as work

    return work(Output(), at)


@sandbox.group(invoke_without_command=True, short_help="List what can be made to go wrong, and switch it on and off.")
@_at
@as_json
@click.pass_context
def faults(context: click.Context, *, at: str | None, as_json: bool) -> int:
    """List the faults: what each does, what it takes, and which are on. All are off at first.

    With --json: {"faults":[{"name":…,"description":…,"filters":[…],"parameters":{…},"set":…}]}.
    """
    from cli.output import OK, Output
    from cli.sandbox_control import print_faults

    return OK if context.invoked_subcommand else print_faults(Output(as_json=as_json), at)


@faults.command("set")
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--rate", type=float, default=1.0, show_default=True, help="Chance of striking at each opportunity.")
@click.option("--count", type=int, help="Strike so often at most.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draw the same chances again.")
@_at
def set_fault(
    name: str, settings: tuple[str, ...], *, rate: float, count: int | None, seed: int, at: str | None
) -> int:
    r"""Switch fault NAME on; KEY=VALUE narrows it down, or tells it how.

    \b
      trebuche sandbox faults set throttled-table table=todo-* --rate 0.1 --seed 7
    """
    from cli.output import Output
    from cli.sandbox_control import set_fault as work

    return work(Output(), at, name, {"rate": rate, "count": count, "seed": seed}, settings)


@faults.command("clear")
@click.argument("name", required=False)
@_at
def clear_faults(name: str | None, *, at: str | None) -> int:
    """Switch fault NAME off, or all of them."""
    from cli.output import Output
    from cli.sandbox_control import clear_faults as work

    return work(Output(), at, name)
