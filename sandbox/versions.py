"""The versions that are pinned together; a test holds them against the locks and ``go.mod``.

Standard library only: the set-up script reads it before anything is installed.
"""

import re
from typing import Final

SDK: Final = "3.272.0"
"""``pulumi`` in requirements.lock."""
CLI: Final = "3.259.0"
"""The Pulumi engine in sandbox/engine/go.mod; also the oldest one on PATH that is used."""
PROVIDER: Final = "7.51.1"
"""``pulumi-aws`` in requirements.lock; the local provider answers for this version."""
EMULATOR: Final = "1.5.33"
"""``ministack`` in sandbox/emulator/requirements.txt."""
GO: Final = "1.25.11"
"""The oldest Go that builds the engine (the ``go`` line of sandbox/engine/go.mod)."""

Version = tuple[int, int, int]


def parse(text: str) -> Version | None:
    """Read the first ``major.minor[.patch]`` in a text such as ``go version go1.26.8 linux/amd64``.

    Returns:
        The three numbers (patch 0 when absent), or None when the text holds no version.
    """
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def summary() -> str:
    """One line for ``trebuche --version``."""
    return f"pulumi sdk {SDK}, pulumi cli {CLI}, aws provider {PROVIDER}, emulator {EMULATOR}"
