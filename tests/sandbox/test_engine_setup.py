"""The set-up of a fresh checkout, with small scripts in place of Python where one is to be missing."""

import importlib.util
import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    """The script as a module: it is run as a file, so it is loaded from its file."""
    spec = importlib.util.spec_from_file_location("setup_script", ROOT / "sandbox" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup = _load()


def _interpreter(version: tuple[int, int, int], *, has_venv: bool = True) -> object:
    return setup.Interpreter(f"/opt/python{version[0]}.{version[1]}", version, has_venv)


def test_the_newest_complete_python_is_chosen() -> None:
    """One that cannot make environments is passed over for an older one that can."""
    found = [_interpreter((3, 9, 1)), _interpreter((3, 11, 9)), _interpreter((3, 13, 0), has_venv=False)]

    assert setup.choose_python(found) == "/opt/python3.11"
    assert setup.choose_python([*found, _interpreter((3, 12, 1))]) == "/opt/python3.12"


def test_a_python_too_old_is_named_with_what_is_needed() -> None:
    """The sentence holds what was found."""
    with pytest.raises(setup.SetupError, match=r"Python 3.11 or later is needed \(/opt/python3.9 is 3.9.18\)"):
        setup.choose_python([_interpreter((3, 9, 18))])


def test_a_missing_venv_package_is_named() -> None:
    """Debian splits it off: the sentence holds the command that brings it."""
    with pytest.raises(setup.SetupError, match=r"apt-get install python3.12-venv"):
        setup.choose_python([_interpreter((3, 12, 1), has_venv=False), _interpreter((3, 9, 1))])


def test_pythons_are_found_and_asked(tmp_path: Path) -> None:
    """A shim that fails is no Python; a real one tells its version."""
    (tmp_path / "python3.13").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.13").chmod(0o755)
    (tmp_path / "python3").symlink_to(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")

    [found] = setup.find_pythons(str(tmp_path))

    assert found.version == sys.version_info[:3]
    assert found.path == str(tmp_path / "python3")


def test_make_without_a_python_says_what_is_needed(tmp_path: Path) -> None:
    """The first command on a bare machine fails with one sentence."""
    for tool in ("make", "sh"):
        (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)

    done = subprocess.run(
        ["make", "--no-print-directory", "SHELL=/bin/sh", "setup"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith("Python 3.11 or later is needed")
    assert done.stdout == ""


QUICK_PYTHON = """#!/bin/sh
PATH=/usr/bin:/bin
for last; do :; done
case "$*" in
    *"-m venv "*) mkdir -p "$last/bin" && cp "$0" "$last/bin/python" ;;
    *"-m pip "*) if grep nothing-like-this "$last"; then exit 1; fi ;;
    *) exec {python} "$@" ;;
esac
"""
"""A Python whose environments hold itself and whose pip has nothing to do."""


class Checkout:
    """A tiny project with a lock without packages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.lock = root / "requirements.lock"
        self.lock.write_text("# nothing\n")
        self.environment = root / ".venv-tiny"
        self.stamp = self.environment / setup.STAMP

    def set_up(self) -> None:
        """What is under test."""
        setup.ensure_environment(self.environment, root=self.root, lock=self.lock)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """One in a path with spaces, on a machine with nothing but a Python that takes no time."""
    quick = tmp_path / "bin" / "python3"
    quick.parent.mkdir()
    quick.write_text(QUICK_PYTHON.format(python=shlex.quote(sys.executable)))
    quick.chmod(0o755)
    monkeypatch.setenv("PATH", f"{quick.parent}:/nowhere")
    return Checkout(tmp_path / "a check out")


def test_a_real_environment_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one of its own, whatever the user's variables tell pip and Python."""
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    checkout = Checkout(tmp_path / "a check out")

    checkout.set_up()

    python = checkout.environment / "bin" / "python"
    shown = [str(python), "-I", "-c", "import sys; print(sys.prefix)"]
    assert subprocess.check_output(shown, text=True).strip() == str(checkout.environment)


def test_an_environment_is_made_once(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    """The second run finds everything as it should be and says nothing."""
    checkout.set_up()
    assert "Making .venv-tiny" in capsys.readouterr().out
    made = checkout.environment.stat().st_ino

    checkout.set_up()

    assert capsys.readouterr().out == ""
    assert checkout.environment.stat().st_ino == made


def test_what_an_interruption_left_is_made_anew(checkout: Checkout) -> None:
    """Without its stamp an environment is not trusted."""
    checkout.set_up()
    checkout.stamp.unlink()
    leftover = checkout.environment / "half"
    leftover.touch()

    checkout.set_up()

    assert not leftover.exists()
    assert checkout.stamp.exists()


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Checkout) -> None:
    """Only the difference is paid for."""
    checkout.set_up()
    kept = checkout.environment / "kept"
    kept.touch()
    checkout.lock.write_text("# still nothing\n")
    before = json.loads(checkout.stamp.read_text())

    checkout.set_up()

    assert kept.exists()
    assert json.loads(checkout.stamp.read_text())["lock"] != before["lock"]


def test_a_moved_checkout_is_made_anew(checkout: Checkout) -> None:
    """The scripts of an environment hold its old place."""
    checkout.set_up()
    moved = checkout.root.rename(checkout.root.with_name("moved"))
    leftover = moved / ".venv-tiny" / "old"
    leftover.touch()

    setup.ensure_environment(moved / ".venv-tiny", root=moved, lock=moved / "requirements.lock")

    assert not leftover.exists()


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    """An upgrade of the system's Python takes the old one away."""
    checkout.set_up()
    (checkout.environment / "bin" / "python").unlink()

    checkout.set_up()

    assert (checkout.environment / "bin" / "python").exists()


def test_a_failed_install_is_not_taken_for_a_finished_one(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    """What pip said is shown, with one sentence of ours."""
    checkout.lock.write_text("nothing-like-this==1.0 --hash=sha256:0\n")

    with pytest.raises(setup.SetupError, match=r"Installing into \.venv-tiny failed"):
        checkout.set_up()

    assert "nothing-like-this" in capsys.readouterr().err
    assert not checkout.stamp.exists()
