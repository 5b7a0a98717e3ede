"""Keeps what only a sandbox's state needs out of the stack files, which are under version control.

Pulumi notes in ``Pulumi.<stack>.yaml`` how a stack's secrets are encrypted (github.com/pulumi/pulumi/issues/8408). The
same salt is in the stack's state, and with ``PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER`` Pulumi takes it from there. A
sandbox's state goes with the sandbox; a salt that it left in a file would keep a later deployment with another
passphrase, or a key of KMS, from starting.
"""

import asyncio
import contextlib
import json
import shutil
from pathlib import Path
from typing import Final

from sandbox.engine.locks import holders, is_alive

SWEEP_SECONDS: Final = 1.0
_STACKS: Final = "state/.pulumi/stacks"
_KEY: Final = "encryptionsalt: "
_SECRET: Final = "secure: "


def remove_salts(root: Path, directory: Path) -> None:
    """Take the salts of a sandbox's stacks out of their files; other salts and all else stay byte for byte.

    A file that held nothing else is removed; one with secrets, which the salt encrypts, keeps it.

    Args:
        root: The folder of Pulumi.yaml.
        directory: The sandbox's own folder.
    """
    for checkpoint in (directory / _STACKS).glob("*/*.json"):
        file = root / f"Pulumi.{checkpoint.stem}.yaml"
        # A command and the sandbox's own sweep may be at it at once: whoever comes second finds nothing to do.
        with contextlib.suppress(FileNotFoundError):
            text = file.read_text()
            # Mostly there is nothing to do, and a state is large.
            if _KEY in text and _SECRET not in text and (salt := _salt_of(checkpoint)) is not None:
                _remove_line(file, f"{_KEY}{salt}", directory)


async def sweep(root: Path, directory: Path) -> None:
    """Do so again and again; for the commands that a user types."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        with contextlib.suppress(OSError):  # somebody else moves the file; there is a next time
            sweep_once(root, directory)


def sweep_once(root: Path, directory: Path) -> None:
    """Remove the salts unless a Pulumi is at work; the lock of one that was killed stays, and holds nothing up."""
    if not any(map(is_alive, holders(directory))):
        remove_salts(root, directory)


def _salt_of(checkpoint: Path) -> str | None:
    try:
        latest = json.loads(checkpoint.read_text())["checkpoint"]["latest"]
        return str(latest["secrets_providers"]["state"]["salt"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # being written, or another secrets provider


def _remove_line(file: Path, line: str, directory: Path) -> None:
    lines = file.read_text().splitlines(keepends=True)
    left = [one for one in lines if one.rstrip("\n") != line]
    if left == lines:
        return
    if not left:
        file.unlink()
        return
    new = directory / f"{file.name}.new"
    new.write_text("".join(left))
    shutil.copymode(file, new)
    new.replace(file.resolve())
