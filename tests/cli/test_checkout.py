"""Where the command looks for the endpoint, and commands that survive being pasted."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cli.checkout import DevRecord, command_line, find_endpoint
from cli.errors import CommandError


def _ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _record(pid: int) -> DevRecord:
    return DevRecord("ws://127.0.0.1:1/dev", "http://127.0.0.1:1", "sandbox", pid)


def test_given_endpoint_wins(tmp_path: Path) -> None:
    """A named endpoint is used although a run is recorded."""
    _record(os.getpid()).save(tmp_path)
    assert find_endpoint(tmp_path, "wss://example.test/production") == "wss://example.test/production"


def test_running_dev_is_found(tmp_path: Path) -> None:
    """Without a name the endpoint of the recorded run is used."""
    _record(os.getpid()).save(tmp_path)
    assert find_endpoint(tmp_path, None) == "ws://127.0.0.1:1/dev"


def test_record_of_a_dead_process_counts_for_nothing(tmp_path: Path) -> None:
    """What a killed run left behind is not believed."""
    _record(_ended_process()).save(tmp_path)
    with pytest.raises(CommandError, match="make run"):
        find_endpoint(tmp_path, None)


def test_missing_record_says_how_to_mend(tmp_path: Path) -> None:
    """With neither a run nor a name the message offers both."""
    with pytest.raises(CommandError, match="TREBUCHE_ENDPOINT"):
        find_endpoint(tmp_path, None)


@pytest.mark.parametrize("text", ["", "[]", '{"endpoint": 1}'])
def test_broken_record_names_its_file(tmp_path: Path, text: str) -> None:
    """A record that nobody of us wrote is named, not guessed at."""
    path = DevRecord.path(tmp_path)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(CommandError, match=r"dev\.json"):
        find_endpoint(tmp_path, None)


def test_http_address_becomes_a_websocket_address(tmp_path: Path) -> None:
    """The management endpoint is accepted where a socket address is meant."""
    assert find_endpoint(tmp_path, "https://example.test/production") == "wss://example.test/production"


def test_printed_command_survives_a_shell() -> None:
    """A checkout path with blanks and quotes comes out of the shell as it went in."""
    root = Path("/home/ada/it's a checkout")
    words = shlex.split(command_line(root, "call", "todos", "addTodo", '"Buy milk"'))
    assert words == [f"{root}/.venv/bin/trebuche", "call", "todos", "addTodo", '"Buy milk"']
