"""The JavaScript client: its own tests in node, and its type declarations."""

import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "clients" / "javascript"
LEAST_NODE = 20
PATIENCE_SECONDS = 240


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the package's folder."""
    return subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed has to say."""
    return f"{' '.join(map(str, done.args))} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def package() -> Path:
    """The package with its locked development dependencies; installed anew when the lock has changed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail(f"the JavaScript client needs node {LEAST_NODE} or later with npm: apt-get install nodejs npm")
    version = run("node", "--version").stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < LEAST_NODE:
        pytest.fail(f"node is {version}; the JavaScript client needs {LEAST_NODE} or later (nodejs.org, or nodesource)")
    installed = PACKAGE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (PACKAGE / "package-lock.json").stat().st_mtime:
        done = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        assert done.returncode == 0, said(done)
    return PACKAGE


def test_javascript_client_behaves(package: Path) -> None:
    """Every test of the client passes in node, and there are some."""
    files = sorted(str(file) for file in (package / "test").glob("*.test.js"))
    assert files
    done = run("node", "--test", "--test-reporter=spec", *files)
    assert done.returncode == 0, said(done)


def test_type_declarations_hold(package: Path) -> None:
    """The sources keep to their declarations, a user's program compiles against them, and a wrong one does not."""
    done = run(str(package / "node_modules" / ".bin" / "tsc"), "--project", ".")
    assert done.returncode == 0, said(done)


def test_shipped_files_need_nothing(package: Path) -> None:
    """What a browser loads imports only its own files, and React where that is the module's purpose."""
    sources = sorted((package / "src").glob("*.js"))
    assert sources
    for source in sources:
        text = source.read_text(encoding="utf-8")
        origins = {part.split('"')[1] for part in text.split(" from ")[1:] if part.startswith('"')}
        foreign = {origin for origin in origins if not origin.startswith("./")}
        assert foreign <= ({"react"} if source.name == "react.js" else set()), source.name
