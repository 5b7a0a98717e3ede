"""A copy of the program in a folder of its own, with commands that run there as a user would run them."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

CHECKOUT = Path(__file__).resolve().parents[2]
PARTS = ("cli", "clients", "infra", "lambda_src", "policies", "sandbox", "__main__.py", "Pulumi.yaml", "trebuche.yaml")

READY_SECONDS = 300.0
COMMAND_SECONDS = 600.0
SAID_SECONDS = 120.0
"""As long as a cold machine may take that others work on, too."""
TOLD_LINES = 60

T = TypeVar("T")
Done = subprocess.CompletedProcess[str]


def eventually(
    look: Callable[[], T | None], *, seconds: float = SAID_SECONDS, what: str | Callable[[], str] = "it"
) -> T:
    """Look until something true is seen; fails with ``what``, as it is by then, when that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        if seen := look():
            return seen
        if time.monotonic() > deadline:
            named = what if isinstance(what, str) else what()
            raise AssertionError(f"Not within {seconds:g} s: {named}")
        time.sleep(0.05)


@dataclass(frozen=True)
class Workshop:
    """A copied checkout."""

    root: Path

    @classmethod
    def create(cls, folder: Path) -> "Workshop":
        """Copy the program into ``folder`` and give it an environment with the same packages."""
        folder.mkdir(parents=True)
        for part in PARTS:
            source = CHECKOUT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                shutil.copy2(source, folder / part)
        (folder / ".venv-emulator").symlink_to(CHECKOUT / ".venv-emulator")
        _make_environment(folder)
        return cls(folder)

    def trebuche(self, *words: str, check: bool = True, variables: Mapping[str, str] | None = None) -> Done:
        """Run a ``trebuche`` command from another folder."""
        return self._run(
            [str(self.root / ".venv/bin/trebuche"), *words], self.root.parent, variables or {}, check=check
        )

    def pulumi(
        self, environment: Mapping[str, str], *words: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a Pulumi command in the copy."""
        return self._run(["pulumi", *words], self.root, environment, check=check)

    def develop(self, *words: str, **variables: str) -> "Development":
        """Start ``trebuche dev`` without a terminal."""
        log = (self.root.parent / f"{self.root.name}.dev.log").open("w+")
        process = subprocess.Popen(
            [str(self.root / ".venv/bin/trebuche"), "dev", *words],
            cwd=self.root.parent,
            env=clean_environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        return Development(self.root, process, log)

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a file, as an editor would."""
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} does not hold {old!r}"
        file.write_text(text.replace(old, new, 1))

    def processes(self) -> list[str]:
        """The command lines of processes that name this copy in their command or their environment."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if entry.name != str(os.getpid()) and str(self.root).encode() in command + environment:
                found.append(f"{entry.name}: {command.replace(bytes(1), b' ').decode(errors='replace')}")
        return found

    def _run(
        self, command: list[str], folder: Path, variables: Mapping[str, str], *, check: bool
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=folder,
            env=clean_environment(variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
        if check:
            assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done


@dataclass
class Development:
    """A running ``trebuche dev``."""

    root: Path
    process: subprocess.Popen[bytes]
    log: IO[str]

    def printed(self) -> str:
        """Everything it printed so far."""
        return Path(self.log.name).read_text()

    def record(self, *, failed_before: bool = False) -> dict[str, Any]:
        """Its ``dev.json``, once it is ready; a deployment that fails is waited for no longer, unless one had to."""
        path = self.root / ".trebuche/dev.json"

        def look() -> dict[str, Any] | None:
            assert self.process.poll() is None, f"it ended:\n{self._told()}"
            assert failed_before or "The deploy failed" not in self.printed() or path.exists(), self._told()
            return dict(json.loads(path.read_text())) if path.exists() else None

        return eventually(look, seconds=READY_SECONDS, what=lambda: f"ready, but:\n{self._told()}")

    def says(self, text: str, *, after: int = 0, seconds: float = SAID_SECONDS) -> str:
        """Wait until it has printed a text beyond position ``after``; returns what it printed there."""

        def look() -> str | None:
            printed = self.printed()[after:]
            return printed if text in printed else None

        return eventually(look, seconds=seconds, what=lambda: f"{text!r} in:\n{self._told()}")

    def interrupt(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(SAID_SECONDS)
        self.log.close()
        return code

    def _told(self) -> str:
        """What it printed, and the last that its sandbox did."""
        log = self.root / ".trebuche" / "sandbox.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([self.printed(), "Its sandbox:", *lines[-TOLD_LINES:]])


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what a test run or a virtual environment put there."""
    dropped = ("PYTHONPATH", "VIRTUAL_ENV", "TREBUCHE_ENDPOINT", "PYTEST_CURRENT_TEST", "COVERAGE_PROCESS_START")
    return {**{name: value for name, value in os.environ.items() if name not in dropped}, **variables}


def _make_environment(folder: Path) -> None:
    """A virtual environment whose packages are the checkout's, and whose program is the copy's."""
    environment = folder / ".venv"
    venv.create(environment, symlinks=True, with_pip=False)
    python = environment / "bin" / "python"
    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    shared = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})"
    (packages / "copy.pth").write_text(
        f"{folder}\n{folder / 'lambda_src'}\n{folder / 'clients' / 'python'}\n{shared}\n"
    )
    command = environment / "bin" / "trebuche"
    program = "import sys; from cli.main import main; sys.exit(main())"
    command.write_text(f"#!/bin/sh\nexec {shlex.quote(str(python))} -c '{program}' \"$@\"\n")
    command.chmod(0o755)
