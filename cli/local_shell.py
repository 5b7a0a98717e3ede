"""Stack ``sandbox`` is that of the local AWS which runs here: a command on it needs no ``eval`` first."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from cli.checkout import STACK
from sandbox.environment import pulumi_environment, unset_names
from sandbox.record import load


def enter(root: Path, stack: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """Have this process and its children speak to the sandbox of a checkout, if that is what the stack's name means.

    Whoever has chosen an AWS endpoint keeps it, and where no sandbox runs the name is as good as any other.

    Args:
        root: The checkout.
        stack: The stack's name.
        environ: The process's environment.
    """
    record = load(root) if stack == STACK and not environ.get("AWS_ENDPOINT_URL") else None
    if record is None:
        return
    settings = pulumi_environment(root, record, environ)
    for name in unset_names(environ):
        environ.pop(name, None)
    environ.update(settings)
