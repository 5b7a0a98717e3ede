"""Processes of ours that outlived their parent, found by a mark in their environment."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

MARK = "TREBUCHE_DEPLOY_OF"
"""Set for every deploy and inherited by whatever it starts; the value is the checkout's path."""


def end_leftovers(root: Path) -> list[int]:
    """Kill what earlier deploys of this checkout left running; systems without /proc are left alone.

    Returns:
        The process ids that were killed.
    """
    killed = []
    for pid in _marked(f"{MARK}={root}".encode()):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
        killed.append(pid)
    return killed


def _marked(entry: bytes) -> Iterator[int]:
    for environment in Path("/proc").glob("[0-9]*/environ"):
        pid = int(environment.parent.name)
        if pid != os.getpid() and entry in _variables(environment):
            yield pid


def _variables(environment: Path) -> list[bytes]:
    try:
        return environment.read_bytes().split(b"\0")
    except OSError:
        return []
