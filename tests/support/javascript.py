"""The JavaScript client's package: commands in its folder, and its development dependencies."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "clients" / "javascript"
LEAST_NODE = 20
PATIENCE_SECONDS = 240


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the package's folder."""
    return subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed has to say."""
    return f"{' '.join(map(str, done.args))} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"


def install() -> None:
    """Put the locked development dependencies into ``node_modules``, unless they are there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail(f"the JavaScript client needs node {LEAST_NODE} or later with npm: apt-get install nodejs npm")
    version = run("node", "--version").stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < LEAST_NODE:
        pytest.fail(f"node is {version}; the JavaScript client needs {LEAST_NODE} or later (nodejs.org, or nodesource)")
    installed = PACKAGE / "node_modules" / ".package-lock.json"
    with locked(PACKAGE / "package-lock.json"):
        if not installed.exists() or installed.stat().st_mtime < (PACKAGE / "package-lock.json").stat().st_mtime:
            done = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            assert done.returncode == 0, said(done)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep the other processes of a test run out: ``npm ci`` begins by removing what another one has half installed."""
    with file.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
