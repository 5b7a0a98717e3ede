"""The JavaScript client: its own tests in node, and its type declarations."""

from pathlib import Path

import pytest

from tests.support.javascript import PACKAGE, install, run, said


@pytest.fixture(scope="module")
def package() -> Path:
    """The package with its development dependencies."""
    install()
    return PACKAGE


def test_javascript_client_behaves(package: Path) -> None:
    """Every test of the client passes in node, and there are some."""
    files = sorted(str(file) for file in (package / "test").glob("*.test.js"))
    assert files
    done = run("node", "--test", "--test-timeout=120000", "--test-reporter=spec", *files)
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
