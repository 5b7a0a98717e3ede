"""``python -m sandbox serve``: the sandbox as a process of its own."""

import asyncio
import json
import sys
from pathlib import Path

import click

from sandbox.errors import EmulatorDiedError
from sandbox.expiry import DELAY_SECONDS
from sandbox.quotas import read_quotas
from sandbox.record import SandboxRecord
from sandbox.server import Options, serve
from trebuche.errors import TrebucheError

EMULATOR_DIED = 3
CANNOT_START = 1


@click.group()
def main() -> None:
    """A local AWS on the loopback interface."""


@main.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the AWS address; 0 takes a free one.")
@click.option("--parent-pipe", is_flag=True, help="Stop when standard input ends; tell errors on standard output, too.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The checkout; its .trebuche/ is used.",
)
@click.option("--no-pulumi", is_flag=True, help="Do without the Pulumi CLI and its folders.")
@click.option(
    "--quota",
    "quotas",
    multiple=True,
    metavar="NAME=N",
    help="connect-rate, request-rate, control-rate per second; concurrent-executions; of an API routes, integrations, "
    "stages, authorizers.",
)
@click.option(
    "--ttl-delay",
    type=click.FloatRange(min=0),
    default=DELAY_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long expired items of tables stay; on AWS for days.",
)
def serve_command(
    port: int, parent_pipe: bool, root: Path, no_pulumi: bool, quotas: tuple[str, ...], ttl_delay: float
) -> None:
    """Serve until Ctrl-C; one line of JSON on standard output says when it is ready, and where."""
    try:
        options = Options(
            root=root.resolve(),
            port=port,
            parent_pipe=parent_pipe,
            pulumi=not no_pulumi,
            quotas=read_quotas(quotas),
            ttl_delay_seconds=ttl_delay,
        )
        asyncio.run(serve(options, on_ready=_announce))
    except TrebucheError as error:
        if parent_pipe:
            print(json.dumps({"error": str(error)}), flush=True)
        else:
            click.echo(str(error), err=True)
        sys.exit(EMULATOR_DIED if isinstance(error, EmulatorDiedError) else CANNOT_START)


def _announce(record: SandboxRecord) -> None:
    print(record.to_json(), flush=True)
    click.echo(f"AWS is at {record.aws_endpoint} (account 000000000000, keys test/test). Ctrl-C stops it.", err=True)


if __name__ == "__main__":
    main(prog_name="python -m sandbox")
