"""``python -m sandbox.engine``: ``cli`` gets the Pulumi CLI, ``home --directory D`` lays a sandbox out."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from sandbox.engine.errors import EngineError
from sandbox.engine.home import prepare_home
from sandbox.engine.pulumi_cli import ensure_cli


def main(arguments: list[str]) -> int:
    """Run one of the two commands; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.engine")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("cli", help="get the Pulumi CLI and print its path")
    home = commands.add_parser("home", help="lay out a sandbox's folders")
    home.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout")
    home.add_argument("--directory", type=Path, required=True, help="the sandbox's folder")
    chosen = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        if chosen.command == "cli":
            print(ensure_cli(console))
        else:
            prepare_home(chosen.root, chosen.directory, console=console)
    except EngineError as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
