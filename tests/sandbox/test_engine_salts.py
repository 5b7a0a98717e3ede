"""What only a sandbox's state needs does not stay in the stack files."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.engine.salts import remove_salts, sweep_once

OURS = "v1:EsugFvsAK6E=:v1:glk7C6dvATBfgPdR:D7i5inRNO/jvLSYzw9kbI3lS0T+Hzg=="
SETTINGS = '# ours\nconfig:\n  trebuche:tracing: "true"\n'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A sandbox's folder whose state knows stack ``dev``."""
    checkpoint = tmp_path / ".trebuche/sandbox/state/.pulumi/stacks/trebuche/dev.json"
    checkpoint.parent.mkdir(parents=True)
    latest = {"secrets_providers": {"type": "passphrase", "state": {"salt": OURS}}}
    checkpoint.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    return tmp_path / ".trebuche/sandbox"


@pytest.mark.parametrize("text", [f"{SETTINGS}encryptionsalt: {OURS}\n", f"encryptionsalt: {OURS}\n{SETTINGS}"])
def test_own_salt_is_removed_and_nothing_else(tmp_path: Path, directory: Path, text: str) -> None:
    """Wherever the line is, the rest stays byte for byte, with the file's mode."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(text)
    file.chmod(0o640)
    remove_salts(tmp_path, directory)
    assert file.read_text() == SETTINGS
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["Pulumi.dev.yaml", "Pulumi.production.yaml"])
def test_salt_of_another_backend_stays(tmp_path: Path, directory: Path, name: str) -> None:
    """A stack of the same name elsewhere needs its own salt."""
    text = f"{SETTINGS}encryptionsalt: {OURS if 'production' in name else 'v1:other'}\n"
    (tmp_path / name).write_text(text)
    remove_salts(tmp_path, directory)
    assert (tmp_path / name).read_text() == text


def test_salt_of_secrets_stays(tmp_path: Path, directory: Path) -> None:
    """Without it they could never be read again."""
    text = f"config:\n  mine:token:\n    secure: v1:abc:def\nencryptionsalt: {OURS}\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    remove_salts(tmp_path, directory)
    assert (tmp_path / "Pulumi.dev.yaml").read_text() == text


def test_file_that_somebody_else_has_just_removed_is_no_error(tmp_path: Path, directory: Path) -> None:
    """A command tidies up while the sandbox sweeps; the state is read, through a pipe, when the file is gone."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"encryptionsalt: {OURS}\n")
    [checkpoint] = directory.glob("state/.pulumi/stacks/*/dev.json")
    state = checkpoint.read_text()
    checkpoint.unlink()
    os.mkfifo(checkpoint)
    with ThreadPoolExecutor() as pool:
        removing = pool.submit(remove_salts, tmp_path, directory)
        with checkpoint.open("w") as pipe:  # opens once the other end reads
            file.unlink()
            pipe.write(state)
        removing.result(20)
    assert not file.exists()


def test_file_that_held_nothing_else_goes(tmp_path: Path, directory: Path) -> None:
    """``pulumi stack init`` made it."""
    (tmp_path / "Pulumi.dev.yaml").write_text(f"encryptionsalt: {OURS}\n")
    remove_salts(tmp_path, directory)
    assert not (tmp_path / "Pulumi.dev.yaml").exists()


@pytest.mark.parametrize("checkpoint", ["{", "{}", '{"checkpoint": {"latest": null}}'])
def test_state_that_is_being_written_is_passed_over(tmp_path: Path, directory: Path, checkpoint: str) -> None:
    """Or one without a passphrase: nothing is touched, nothing raised."""
    next(directory.rglob("dev.json")).write_text(checkpoint)
    (tmp_path / "Pulumi.dev.yaml").write_text(f"encryptionsalt: {OURS}\n")
    remove_salts(tmp_path, directory)
    assert (tmp_path / "Pulumi.dev.yaml").exists()


def test_sweep_waits_for_a_living_pulumi_only(tmp_path: Path, directory: Path) -> None:
    """The stack files are its while it works; when it is killed, it never gives its lock back."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"encryptionsalt: {OURS}\n")
    lock = directory / "state/.pulumi/locks/organization/trebuche/staging/1.json"
    lock.parent.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as pulumi:
        lock.write_text(json.dumps({"pid": pulumi.pid, "username": "me", "hostname": "here"}))
        sweep_once(tmp_path, directory)
        assert file.exists()
        pulumi.kill()
    sweep_once(tmp_path, directory)
    assert not file.exists()


def test_sweep_waits_for_a_lock_that_is_being_written(tmp_path: Path, directory: Path) -> None:
    """Whoever writes it lives."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"encryptionsalt: {OURS}\n")
    lock = directory / "state/.pulumi/locks/organization/trebuche/staging/1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    sweep_once(tmp_path, directory)
    assert file.exists()
