"""A copy of the checkout in which a rule can be broken."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.mutants.rules import ROOT, Mutant

_SHARED: Final = (".venv", ".venv-emulator")
TEST_SECONDS: Final = 400
"""A broken rule may leave a test waiting; the longest one that passes takes two minutes beside its deployment."""


class Scratch:
    """Holds everything that git would commit, and the checkout's environments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        for name in _SHARED:
            (folder / name).symlink_to(ROOT / name)

    def fails(self, mutant: Mutant) -> bool:
        """Whether the mutant's test fails while its rule is switched off."""
        with self.broken(mutant):
            return self._pytest([mutant.test]) == 1

    @contextmanager
    def broken(self, mutant: Mutant) -> Iterator[Path]:
        """The copy's folder, with the mutant's rule switched off while the block runs."""
        path = self._folder / mutant.file
        text = path.read_text(encoding="utf-8")
        path.write_text(mutant.apply(text), encoding="utf-8")
        try:
            yield self._folder
        finally:
            path.write_text(text, encoding="utf-8")

    def passes(self, tests: Sequence[str]) -> bool:
        """Whether tests pass with all rules in force."""
        return self._pytest(sorted(set(tests))) == 0

    def _pytest(self, tests: Sequence[str]) -> int:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS}", *tests],
            cwd=self._folder,
            # Bytecode is looked up by time stamp, and two edits within a second would look alike.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "CI": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode
