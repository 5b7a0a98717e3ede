"""The folders of a sandbox, laid out around a Pulumi CLI of the user's own."""

import subprocess
from pathlib import Path

import pytest

from sandbox import versions
from sandbox.engine.home import prepare_home

ROOT = Path(__file__).parents[2]

PULUMI = """#!/bin/sh
[ "$1" = version ] && echo v3.999.0 && exit
printf '<%s>' "$@"
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH, with a space in its name, that holds a new Pulumi."""
    folder = tmp_path / "the user's tools"
    folder.mkdir()
    _command(folder / "pulumi", PULUMI)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def _command(path: Path, script: str) -> None:
    path.write_text(script)
    path.chmod(0o755)


def test_the_users_cli_is_called_with_its_arguments_intact(tools: Path, tmp_path: Path) -> None:
    """It stays where it is: what it finds beside itself may matter to it."""
    directory = tmp_path / "a sandbox"
    prepare_home(ROOT, directory)

    called = subprocess.check_output([directory / "bin" / "pulumi", "up", "a b", "it's"], text=True)

    assert called == "<up><a b><it's>"
    assert tools.is_dir()
    assert (directory / "state").is_dir()


def test_our_language_host_stands_in_only_where_there_is_none(tools: Path, tmp_path: Path) -> None:
    """The official one, where it is there, is the better one."""
    prepare_home(ROOT, tmp_path / "without")
    _command(tools / "pulumi-language-python", "#!/bin/sh\n")
    prepare_home(ROOT, tmp_path / "with")

    assert (tmp_path / "without" / "bin" / "pulumi-language-python").is_file()
    assert not (tmp_path / "with" / "bin" / "pulumi-language-python").exists()


@pytest.mark.usefixtures("tools")
def test_the_provider_is_where_the_engine_looks_for_it(tmp_path: Path) -> None:
    """Laying out twice changes nothing; the command is executable and runs the checkout's provider."""
    prepare_home(ROOT, tmp_path)
    prepare_home(ROOT, tmp_path)

    [plugin] = (tmp_path / "pulumi-home" / "plugins").rglob("pulumi-resource-aws")
    assert plugin.parent.name == f"resource-aws-v{versions.PROVIDER}"
    assert plugin.stat().st_mode & 0o111
    assert '-m sandbox.provider "$@"' in plugin.read_text()
