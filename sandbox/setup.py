"""Makes the checkout ready: two virtual environments from their locks, and the Pulumi CLI. Quick when nothing changed.

Run as a file (``python3 -I sandbox/setup.py``) before anything is installed: standard library only.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
CANDIDATES = ("python3", "python3.13", "python3.12", "python3.11")
STAMP = ".trebuche-stamp.json"
HEARTBEAT_SECONDS = 15

# Settings of the user's that would lead pip or Python out of the virtual environment.
_STRAY = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
_PROBE = (
    "import sys, importlib.util as u; print(*sys.version_info[:3], int(all(map(u.find_spec, ('venv', 'ensurepip')))))"
)


class SetupError(Exception):
    """What is missing, in one sentence with its mend."""


class Interpreter(NamedTuple):
    """A Python found on PATH; whether it can make virtual environments is a package of its own on Debian."""

    path: str
    version: tuple[int, int, int]
    has_venv: bool


def main() -> int:
    """Set up; returns the exit code."""
    try:
        with _one_at_a_time(ROOT / ".trebuche" / "setup.lock"):
            set_up(ROOT)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the next run goes on.", file=sys.stderr)
        return 130
    return 0


def set_up(root: Path) -> None:
    """Bring both environments and the Pulumi CLI up to date."""
    ensure_environment(root / ".venv", root=root, lock=root / "requirements.lock", project=root / "pyproject.toml")
    ensure_environment(root / ".venv-emulator", root=root, lock=root / "sandbox" / "emulator" / "requirements.txt")
    python = root / ".venv" / "bin" / "python"
    command = [str(python), "-m", "sandbox.engine", "cli"]
    done = subprocess.run(command, cwd=root, env=_environ(), stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SetupError("The Pulumi CLI is missing, see above.")


def ensure_environment(environment: Path, *, root: Path, lock: Path, project: Path | None = None) -> None:
    """Make or update one virtual environment.

    Args:
        environment: Its folder.
        root: The checkout.
        lock: Requirements with hashes.
        project: The pyproject.toml to install in editable form, or None.
    """
    wanted = {"root": str(root), "lock": _digest(lock), "project": _digest(project) if project else None}
    stamp = _read_stamp(environment)
    if stamp is not None and (stamp.get("root") != wanted["root"] or stamp.get("python") != _version_in(environment)):
        # Moved or copied, or its Python is gone: the paths inside no longer hold.
        stamp = None
    if stamp is not None and all(stamp.get(key) == value for key, value in wanted.items()):
        return
    if stamp is None:
        _create(environment)
        stamp = {}
    # Without its stamp an environment is unfinished: an interruption from here on means that it is made anew.
    (environment / STAMP).unlink(missing_ok=True)
    if stamp.get("lock") != wanted["lock"]:
        packages = lock.read_text().count("==")
        with _told(f"Installing {packages} locked packages into {environment.name}"):
            _pip(environment, "--require-hashes", "-r", str(lock))
    if project is not None:
        with _told(f"Installing this checkout into {environment.name}"):
            _pip(environment, "--no-deps", "--no-build-isolation", "-e", str(project.parent))
    _write_stamp(environment, {**wanted, "python": _version_in(environment)})


def choose_python(found: Sequence[Interpreter]) -> str:
    """The newest Python that is new enough and can make virtual environments.

    Args:
        found: The interpreters of this machine.

    Raises:
        SetupError: There is none.
    """
    oldest = ".".join(map(str, OLDEST))
    new_enough = sorted((one for one in found if one.version[:2] >= OLDEST), key=lambda one: one.version)
    if not new_enough:
        seen = ", ".join(f"{one.path} is {_dotted(one.version)}" for one in found) or "none is on PATH"
        raise SetupError(f"Python {oldest} or later is needed ({seen}): install it, for example python3.12.")
    complete = [one for one in new_enough if one.has_venv]
    if not complete:
        newest = new_enough[-1]
        package = f"python{newest.version[0]}.{newest.version[1]}-venv"
        mend = f"install it (Debian, Ubuntu: sudo apt-get install {package})"
        raise SetupError(f"{newest.path} cannot make virtual environments, its venv package is missing: {mend}.")
    return complete[-1].path


def find_pythons(path: str) -> list[Interpreter]:
    """Every candidate on a search path, one of each; our own environments do not count, they may be about to go."""
    folders = [folder for folder in path.split(os.pathsep) if not _is_ours(folder)]
    found: dict[tuple[int, int, int], Interpreter] = {}
    for name in CANDIDATES:
        place = shutil.which(name, path=os.pathsep.join(folders))
        interpreter = place and _probe(place)
        if interpreter:
            found.setdefault(interpreter.version, interpreter)
    return list(found.values())


def _is_ours(folder: str) -> bool:
    return ROOT in Path(folder).absolute().parents and Path(folder).parent.name.startswith(".venv")


def _probe(place: str) -> Interpreter | None:
    done = subprocess.run(
        [place, "-I", "-c", _PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
    )
    numbers = done.stdout.split()
    if done.returncode or len(numbers) != 4:
        return None
    major, minor, patch = map(int, numbers[:3])
    return Interpreter(place, (major, minor, patch), numbers[3] == "1")


def _create(environment: Path) -> None:
    python = choose_python(find_pythons(os.environ.get("PATH", "")))
    with _told(f"Making {environment.name} with {python}"):
        if environment.is_symlink():
            environment.unlink()
        shutil.rmtree(environment, ignore_errors=True)
        _run([python, "-I", "-m", "venv", str(environment)], f"Making {environment.name} failed")


def _pip(environment: Path, *arguments: str) -> None:
    # Isolated (-I): the user's own site-packages and PYTHON… variables do not count here.
    command = [str(environment / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-warn-script-location", *arguments]
    _run(command, f"Installing into {environment.name} failed; mend what pip says above and run again")


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _STRAY}


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(
        command,
        env=_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise SetupError(f"{failure}.")


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what happens, then every 15 seconds that it still does, then how long it took."""
    started = time.monotonic()
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            print(f"{what}: {time.monotonic() - started:.0f} s so far", flush=True)

    print(f"{what} …", flush=True)
    heartbeat = threading.Thread(target=beat, daemon=True)
    heartbeat.start()
    try:
        yield
    finally:
        over.set()
        heartbeat.join()
    print(f"{what}: done in {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this checkout is running: waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _version_in(environment: Path) -> str | None:
    python = environment / "bin" / "python"
    if not python.exists():
        return None
    interpreter = _probe(str(python))
    return _dotted(interpreter.version) if interpreter else None


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_stamp(environment: Path) -> dict[str, object] | None:
    try:
        stamp = json.loads((environment / STAMP).read_text())
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) else None


def _write_stamp(environment: Path, stamp: dict[str, object]) -> None:
    new = environment / (STAMP + ".new")
    new.write_text(json.dumps(stamp, indent=1))
    new.rename(environment / STAMP)


if __name__ == "__main__":
    sys.exit(main())
