"""The sandbox as a process: starting, stopping, and every way of dying."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import client, record
from sandbox.emulator import Emulator
from sandbox.emulator.process import reserved_port
from sandbox.errors import EmulatorDiedError, SandboxError
from tests.support.sandbox import Aws, eventually, running_sandbox


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in a path with a space."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    return folder


@pytest.fixture
def running(root: Path) -> Iterator[client.RunningSandbox]:
    """A sandbox of its own."""
    with running_sandbox(root) as sandbox:
        yield sandbox


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def group_of(pid: int) -> list[int]:
    """The processes of a process group."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and alive(int(entry.name)):
            try:
                if os.getpgid(int(entry.name)) == pid:
                    members.append(int(entry.name))
            except ProcessLookupError:
                continue
    return members


def kill(pid: int) -> None:
    """End a process the hard way, and see it gone."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))


def warm_a_worker(running: client.RunningSandbox, folder: Path) -> None:
    """Have a function's worker process running."""
    aws = Aws(running.record.aws_endpoint, folder)
    function = aws.function("record(event)")
    aws.functions.invoke(FunctionName=function.name, Payload=b"{}")
    assert len(group_of(running.record.emulator_pid)) > 1


def test_record_describes_what_runs(running: client.RunningSandbox, root: Path) -> None:
    """The record on disk is the one that was announced, and its processes live."""
    found = record.load(root)
    assert found == running.record
    assert alive(found.pid)
    assert alive(found.emulator_pid)
    assert found.directory == str(root / ".trebuche" / "sandbox")


def test_stop_leaves_nothing_behind(root: Path, tmp_path: Path) -> None:
    """After a stop no process, no record and no folder of the run is left."""
    with running_sandbox(root) as running:
        warm_a_worker(running, tmp_path)
    assert record.load(root) is None
    assert group_of(running.record.emulator_pid) == []
    assert not alive(running.record.pid)
    assert [path.name for path in (root / ".trebuche").iterdir()] == ["sandbox.lock"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_everything(running: client.RunningSandbox, root: Path, number: signal.Signals) -> None:
    """An interrupt or a termination is an orderly end with status 0."""
    os.kill(running.record.pid, number)
    assert running.process.wait(60) == 0
    assert group_of(running.record.emulator_pid) == []
    assert not record.record_path(root).exists()


def test_killed_sandbox_takes_its_emulator_along(running: client.RunningSandbox, root: Path, tmp_path: Path) -> None:
    """After kill -9 emulator and workers end too; the next start finds the place clean."""
    warm_a_worker(running, tmp_path)
    kill(running.record.pid)
    eventually(lambda: not group_of(running.record.emulator_pid))
    assert record.record_path(root).exists()
    assert record.load(root) is None
    with running_sandbox(root) as again:
        assert record.load(root) == again.record


def test_killed_parent_stops_the_sandbox(root: Path) -> None:
    """Whoever started it is killed: its pipe ends, and the sandbox stops in good order."""
    program = "import sys, time, pathlib\nfrom sandbox import client\n"
    program += "kept = client.start(pathlib.Path(sys.argv[1]), pulumi=False)\ntime.sleep(600)\n"
    parent = subprocess.Popen([sys.executable, "-c", program, str(root)], cwd=client.CHECKOUT)
    found = eventually(lambda: record.load(root))
    assert found is not None
    parent.kill()
    parent.wait()
    eventually(lambda: not alive(found.pid))
    assert group_of(found.emulator_pid) == []
    assert not record.record_path(root).exists()


def test_killed_emulator_ends_the_sandbox_with_a_sentence(running: client.RunningSandbox, root: Path) -> None:
    """The emulator dies: status 3, one sentence, nothing left."""
    kill(running.record.emulator_pid)
    assert running.process.wait(60) == 3
    assert "The emulator ended unexpectedly" in (running.failure or "")
    assert not record.record_path(root).exists()


def test_second_sandbox_names_the_first(running: client.RunningSandbox, root: Path) -> None:
    """One sandbox for a checkout; the message names the process to stop, and the first goes on."""
    with pytest.raises(SandboxError, match=rf"already running in this checkout \(process {running.record.pid}\)"):
        client.start(root, pulumi=False)
    assert record.load(root) == running.record


def test_port_in_use_is_told_and_harms_nobody(root: Path) -> None:
    """A port that somebody else has: one sentence with the port."""
    with reserved_port() as port:
        with (
            socket.create_server(("127.0.0.1", port)),
            pytest.raises(SandboxError, match=f"Port {port} is in use"),
        ):
            client.start(root, port=port, pulumi=False)
        with client.start(root, port=port, pulumi=False) as running:
            assert running.record.aws_endpoint == f"http://127.0.0.1:{port}"


def test_error_for_people_is_one_line(root: Path) -> None:
    """Without a parent's pipe the reason goes to standard error, without a stack."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "sandbox", "serve", "--root", str(root), "--port", port, "--no-pulumi"]
        done = subprocess.run(command, cwd=client.CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_leftovers_of_a_killed_run_are_ended(root: Path) -> None:
    """An orphan that carries the run's folder as its home is ended; others are not touched."""
    home = record.sandbox_directory(root) / "emulator"
    home.mkdir(parents=True)
    sleep = shutil.which("sleep") or "sleep"
    orphan = subprocess.Popen([sleep, "600"], env={"HOME": str(home)})
    stranger = subprocess.Popen([sleep, "600"], env={"HOME": str(root)})
    try:
        eventually(lambda: Path(f"/proc/{orphan.pid}/cmdline").read_bytes().startswith(sleep.encode()))
        assert record.clean_stale(root) == [orphan.pid]
        assert orphan.wait(60) == -signal.SIGKILL
        assert stranger.poll() is None
        assert not home.exists()
    finally:
        for process in (orphan, stranger):
            process.kill()
            process.wait()


def test_record_of_another_program_is_stale(root: Path) -> None:
    """A process id that has been given to something else does not count as a sandbox."""
    (root / ".trebuche").mkdir()
    stale = record.SandboxRecord(os.getpid(), os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:2", str(root), 0.0)
    record.write(root, stale)
    assert record.load(root) is None
    assert record.clean_stale(root) == []
    assert not record.record_path(root).exists()


def test_emulator_listens_on_loopback_only(running: client.RunningSandbox) -> None:
    """No process of the sandbox listens on anything but 127.0.0.1."""
    inodes = set()
    for pid in [running.record.pid, *group_of(running.record.emulator_pid)]:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = str(link.readlink()) if link.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                addresses.add(fields[1].split(":")[0])
    assert addresses == {"0100007F"}


def test_reserved_port_is_for_who_knows_its_number() -> None:
    """A server that is told of it gets it; nobody else is given it before that server is up."""
    with reserved_port() as port:
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)) as server:
            assert server.getsockname()[1] == port


def test_emulator_begins_while_its_port_is_held(root: Path) -> None:
    """A stranger that asks for the port then does not get it."""
    stranger = root / "stranger.py"
    stranger.write_text("import os, socket\nsocket.socket().bind(('127.0.0.1', int(os.environ['GATEWAY_PORT'])))\n")
    with pytest.raises(EmulatorDiedError):
        asyncio.run(Emulator.start(root / "home", root, aws_endpoint="http://127.0.0.1:1", program=stranger))
    assert "Address already in use" in (root / "emulator.log").read_text()


def test_missing_emulator_environment_is_one_sentence(root: Path) -> None:
    """Without .venv-emulator the message names the mend."""
    with pytest.raises(SandboxError, match="make setup"):
        asyncio.run(Emulator.start(root, root, aws_endpoint="http://127.0.0.1:1", interpreter=root / "nothing"))


def test_functions_see_a_clean_environment(running: client.RunningSandbox, tmp_path: Path) -> None:
    """A function does not see the variables of whoever started the sandbox."""
    aws = Aws(running.record.aws_endpoint, tmp_path)
    function = aws.function("record(dict(os.environ))")
    aws.functions.invoke(FunctionName=function.name, Payload=b"{}")
    seen = function.events()[0]
    assert "PYTEST_CURRENT_TEST" not in seen
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == function.name


def test_health_of_the_emulator_passes_the_front(running: client.RunningSandbox) -> None:
    """What is not ours is the emulator's answer."""
    with urllib.request.urlopen(f"{running.record.aws_endpoint}/_ministack/health") as answer:
        assert answer.status == 200
        assert json.loads(answer.read())
