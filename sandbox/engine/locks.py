"""Which Pulumi processes hold a stack of the sandbox's: a killed one leaves its lock behind for ever."""

import json
import os
from pathlib import Path
from typing import Final

_LOCKS: Final = "state/.pulumi/locks"


def holders(directory: Path) -> set[int]:
    """The ids of the processes that took a lock of the file backend and did not give it back, dead ones among them.

    Args:
        directory: The sandbox's own folder.
    """
    found = (_holder(lock) for lock in (directory / _LOCKS).glob("**/*.json"))
    return {pid for pid in found if pid is not None}


def is_alive(pid: int) -> bool:
    """Whether a process of this number exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _holder(lock: Path) -> int | None:
    """None for a lock that has just been given back."""
    try:
        return int(json.loads(lock.read_text())["pid"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return os.getpid()  # it is being written, by somebody who lives
