"""Entry point of ``trebuche``: the commands, and how errors become one sentence and an exit code."""

import os
import sys

import click

from cli.commands.call import call
from cli.commands.cost import cost
from cli.commands.deploy import deploy
from cli.commands.dev import dev
from cli.commands.doctor import doctor
from cli.commands.init import init
from cli.commands.keys import keys, ticket
from cli.commands.logs import logs
from cli.commands.promote import promote
from cli.commands.prune import prune
from cli.commands.record import record
from cli.commands.redrive import redrive
from cli.commands.revoke import revoke
from cli.commands.rollback import rollback
from cli.commands.sandbox import sandbox
from cli.commands.status import status
from cli.commands.undeploy import undeploy
from cli.commands.version import show_version
from cli.commands.watch import watch
from trebuche.errors import TrebucheError

_OK, _FAILED, _INTERRUPTED = 0, 1, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Print the versions of trebuche and of what it stands on.",
)
def trebuche() -> None:
    """Run, call, watch and deploy realtime actors.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """


def _keep_examples(command: click.Command) -> None:
    """Have click see the mark before a block that is not to be wrapped: a raw docstring holds it as two characters."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    if isinstance(command, click.Group):
        for part in command.commands.values():
            _keep_examples(part)


for _command in (
    init,
    dev,
    call,
    watch,
    deploy,
    promote,
    rollback,
    record,
    status,
    doctor,
    logs,
    keys,
    ticket,
    revoke,
    redrive,
    prune,
    undeploy,
    cost,
    sandbox,
):
    trebuche.add_command(_command)
_keep_examples(trebuche)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after ``trebuche``; those of the process when left out.

    Returns:
        The exit code.
    """
    try:
        # So that click leaves errors and exit codes to the lines below.
        result = trebuche.main(arguments, prog_name="trebuche", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except TrebucheError as error:
        click.secho(f"✗ {error}", fg="red", err=True, color=_colour())
        return _FAILED
    except BrokenPipeError:
        # Python flushes standard output once more at its end, which must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    return result if isinstance(result, int) else _OK


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None
