"""Where the Pulumi CLI comes from, with small scripts in place of ``pulumi`` and ``go``."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from sandbox import versions
from sandbox.engine import official
from sandbox.engine.cache import cache_directory, cli_directory
from sandbox.engine.errors import EngineError
from sandbox.engine.progress import Progress
from sandbox.engine.pulumi_cli import SANDBOX_BIN_MARK, ensure_cli

_DEADLINE_SECONDS = 30

GO = f"""
case "$1" in
version) echo "go version go1.26.8 linux/amd64" ;;
build)
    echo build >>"$GO_LOG"
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho v{versions.CLI}\\n' >"$2"
    chmod +x "$2" ;;
esac
"""
"""A Go that makes a ``pulumi`` at once."""

GO_THAT_WAITS = """
case "$1" in
version) echo "go version go1.26.8 linux/amd64" ;;
build)
    while [ "$1" != -o ]; do shift; done
    echo half >"$2"
    echo $$ >>"$GO_LOG"
    exec sleep 600 ;;
esac
"""
"""A Go that has written half of its output and goes on for long."""


class Machine:
    """A PATH, a cache and a network that goes nowhere."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        self.go_log = folder / "go.log"
        self.environ = {
            "HOME": str(folder),
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "TREBUCHE_CACHE": str(folder / "the cache"),
            "GO_LOG": str(self.go_log),
            # Refused at once: the official download is out of reach.
            "https_proxy": "http://127.0.0.1:1",
        }
        self.target = cli_directory(cache_directory(self.environ))
        self.said = io.StringIO()

    def has(self, name: str, script: str) -> Path:
        """Put a command on PATH."""
        command = self.bin / name
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        return command

    def ensure_cli(self) -> Path:
        """What is under test, without a terminal."""
        return ensure_cli(Console(file=self.said, width=200), self.environ)

    def start(self) -> "subprocess.Popen[str]":
        """The same in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox.engine", "cli"],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def builds(self) -> list[str]:
        """What the Go scripts noted."""
        return self.go_log.read_text().split() if self.go_log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with nothing on it."""
    return Machine(tmp_path / "a machine's")


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize("version", [f"v{versions.CLI}", "3.1000.0", "v4.0.0-alpha.1+dirty"])
def test_a_cli_on_path_that_is_new_enough_is_used(machine: Machine, version: str) -> None:
    """Nothing is fetched, built or said when the user's own Pulumi will do."""
    own = machine.has("pulumi", f"echo {version}")

    assert machine.ensure_cli() == own
    assert machine.said.getvalue() == ""


@pytest.mark.parametrize(("script", "named"), [("echo v3.100.2", "3.100.2"), ("exit 3", "unknown version")])
def test_a_cli_on_path_that_will_not_do_is_passed_over_in_one_sentence(
    machine: Machine, script: str, named: str
) -> None:
    """The user learns which one was found, why it is not used, and what is needed."""
    own = machine.has("pulumi", script)
    machine.has("go", GO)

    assert machine.ensure_cli() == machine.target / "bin" / "pulumi"
    first = machine.said.getvalue().splitlines()[0]
    assert str(own) in first
    assert named in first
    assert versions.CLI in first


def test_the_sandboxs_own_bin_on_path_is_not_a_source(machine: Machine, tmp_path: Path) -> None:
    """A shell that has evaluated ``sandbox env`` finds the same CLI as one that has not."""
    machine.has("pulumi", "echo v3.999.0")
    (machine.bin / SANDBOX_BIN_MARK).touch()
    other = Machine(tmp_path / "other")
    own = other.has("pulumi", "echo v3.998.0")
    machine.environ["PATH"] = f"{machine.bin}:{other.environ['PATH']}"

    assert machine.ensure_cli() == own


def test_without_go_the_mend_is_named(machine: Machine) -> None:
    """No Pulumi, no network, no Go: one sentence says what to install."""
    machine.environ["PATH"] = str(machine.bin)

    with pytest.raises(EngineError, match=rf"install Go {versions.GO} or later .* or put Pulumi {versions.CLI}"):
        machine.ensure_cli()


def test_a_go_that_is_too_old_is_named(machine: Machine) -> None:
    """The sentence holds the place, the version found and the one needed."""
    go = machine.has("go", "echo go version go1.24.9 linux/amd64")

    with pytest.raises(EngineError) as caught:
        machine.ensure_cli()
    assert f"{go} is too old" in str(caught.value)
    assert "go1.24.9" in str(caught.value)
    assert versions.GO in str(caught.value)


def test_it_is_built_once_after_its_cost_is_told(machine: Machine) -> None:
    """The second call takes it from the cache, and nothing unfinished stays there."""
    machine.has("go", GO)

    first, told = machine.ensure_cli(), machine.said.getvalue()
    second = machine.ensure_cli()

    assert first == second == machine.target / "bin" / "pulumi"
    assert machine.builds() == ["build"]
    assert "minutes" in told
    assert machine.environ["TREBUCHE_CACHE"] in told
    assert machine.said.getvalue() == told
    assert sorted(path.name for path in machine.target.parent.iterdir()) == [
        machine.target.name,
        f"{machine.target.name}.lock",
    ]


def test_a_failed_build_leaves_no_cli_and_says_what_go_said(machine: Machine) -> None:
    """A half-written binary is never taken for a whole one."""
    machine.has("go", f"[ $1 = version ] && echo go version go{versions.GO} && exit; echo no space left >&2; exit 1")

    with pytest.raises(EngineError, match="no space left"):
        machine.ensure_cli()
    assert not machine.target.exists()


def test_a_build_that_says_another_version_is_refused(machine: Machine) -> None:
    """The cache holds what its name says."""
    machine.has("go", GO.replace(f"v{versions.CLI}", "v3.1.0"))

    with pytest.raises(EngineError, match=f"not {versions.CLI}"):
        machine.ensure_cli()
    assert not machine.target.exists()


def test_a_cache_that_cannot_be_written_is_named(machine: Machine) -> None:
    """The sentence holds the folder and the variable that moves it."""
    Path(machine.environ["TREBUCHE_CACHE"]).write_text("a file")

    with pytest.raises(EngineError, match=r"the cache cannot be used .* TREBUCHE_CACHE"):
        machine.ensure_cli()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_is_made_good_by_the_next_run(machine: Machine, number: signal.Signals) -> None:
    """Ctrl-C and a kill leave nothing that looks finished, and the next run succeeds."""
    machine.has("go", GO_THAT_WAITS)
    process = machine.start()
    _eventually(lambda: len(machine.builds()) == 1)
    os.killpg(process.pid, number)
    process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert not machine.target.exists()

    machine.has("go", GO)
    assert machine.ensure_cli() == machine.target / "bin" / "pulumi"


def test_two_runs_at_once_build_once(machine: Machine) -> None:
    """The second waits for the first and takes what it made."""
    machine.has("go", GO)

    runs = [machine.start() for _ in range(3)]
    printed = [run.communicate(timeout=_DEADLINE_SECONDS)[0].strip() for run in runs]

    assert printed == [str(machine.target / "bin" / "pulumi")] * 3
    assert machine.builds() == ["build"]


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_network_that_hangs_is_given_up(machine: Machine, silent_server: int, tmp_path: Path) -> None:
    """The official download ends by itself when nothing arrives."""
    environ = {**machine.environ, "https_proxy": f"http://127.0.0.1:{silent_server}"}
    with Progress(Console(file=machine.said), "Downloading") as progress:
        found = official.download(tmp_path / "new", environ=environ, progress=progress, stall_seconds=1.0)

    assert not found
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TREBUCHE_CACHE": "/one", "XDG_CACHE_HOME": "/two"}, "/one"),
        ({"XDG_CACHE_HOME": "/two"}, "/two/trebuche"),
        ({"XDG_CACHE_HOME": "relative"}, "~/.cache/trebuche"),
        ({}, "~/.cache/trebuche"),
    ],
)
def test_the_cache_is_where_the_user_wants_it(environ: dict[str, str], expected: str) -> None:
    """Our own variable first, then the desktop's, then the usual place."""
    assert cache_directory(environ) == Path(expected).expanduser()
