"""The folders that a sandbox's Pulumi runs in: its commands, a private PULUMI_HOME with our provider, its state."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from sandbox import versions
from sandbox.engine.cache import cache_directory
from sandbox.engine.pulumi_cli import SANDBOX_BIN_MARK, ensure_cli, foreign_path

BIN = "bin"
PULUMI_HOME = "pulumi-home"
STATE = "state"

_LANGUAGE_HOST = "pulumi-language-python"


def prepare_home(root: Path, directory: Path, *, console: Console | None = None) -> None:
    """Lay out ``directory``/bin, ``directory``/pulumi-home and ``directory``/state; what is there already stays.

    Args:
        root: The checkout.
        directory: The sandbox's own folder, ``.trebuche/sandbox``.
        console: Where getting the Pulumi CLI is told; standard error when absent.

    Raises:
        EngineError: The Pulumi CLI cannot be had.
    """
    cli = ensure_cli(console or Console(stderr=True))
    for folder in (BIN, PULUMI_HOME, STATE):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    python = _python(root)
    _lay_out_bin(directory / BIN, cli=cli, python=python, environ=os.environ)
    plugin = directory / PULUMI_HOME / "plugins" / f"resource-aws-v{versions.PROVIDER}" / "pulumi-resource-aws"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    _write_command(plugin, _module(python, "sandbox.provider"))


def _lay_out_bin(folder: Path, *, cli: Path, python: Path, environ: Mapping[str, str]) -> None:
    (folder / SANDBOX_BIN_MARK).touch()
    if cli.is_relative_to(cache_directory(environ)):
        # The engine looks for its language host beside its own executable: a link to elsewhere would not do.
        for tool in cli.parent.iterdir():
            _link(tool, folder / tool.name)
    else:
        _write_command(folder / "pulumi", shlex.quote(str(cli)))
    places = os.pathsep.join([str(cli.parent), foreign_path(environ)])
    if shutil.which(_LANGUAGE_HOST, path=places) is None:
        _write_command(folder / _LANGUAGE_HOST, _module(python, "sandbox.engine.language_host"))


def _python(root: Path) -> Path:
    own = root.absolute() / ".venv" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def _module(python: Path, name: str) -> str:
    """A shell command that runs an installed module, whatever the current directory holds (``-P``)."""
    return f"{shlex.quote(str(python))} -P -m {name}"


def _link(source: Path, target: Path) -> None:
    new = target.with_name(f".{target.name}.new")
    new.unlink(missing_ok=True)
    try:
        os.link(source, new)
    except OSError:
        # Another file system.
        shutil.copy2(source, new)
    new.replace(target)


def _write_command(path: Path, command: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    new.chmod(0o755)
    new.replace(path)
