"""``python -m tests.proof.third_party``: clients that are programs of their own hear what API Gateway would tell them.

wscat is a Node program and does not come with this checkout: it is asked if it is on PATH. It sends no binary frame,
so 1003 is left to the libraries (``tests/sandbox/front/test_front_other_clients.py``).
"""

import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

from sandbox.handle import Handle
from tests.support.sandbox import Aws, running_sandbox

TOO_LONG: Final = "x" * (32 * 1024 + 1)
SECONDS: Final = 30.0
"""Until a client counts as having heard nothing."""
INSTALL: Final = "npm install --global wscat"


class Wscat:
    """A connecting wscat at a terminal: elsewhere it does not tell about close codes.

    Args:
        process: Reads its lines from a pipe, which takes more than a terminal's 4,096 characters.
        terminal: What it prints.
    """

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self._process = process
        self._terminal = terminal

    def enter(self, line: str) -> None:
        """Type a line, which it sends as one frame."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def prints(self, text: str) -> bool:
        """Wait until it has printed a text; whether it has."""
        printed, deadline = b"", time.monotonic() + SECONDS
        while text.encode() not in printed:
            if not select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return False
            try:
                printed += os.read(self._terminal, 65536)
            except OSError:  # it has ended
                return False
        return True


@contextmanager
def wscat(program: str, url: str) -> Iterator[Wscat]:
    """A client that is ended with the block."""
    ours, its = os.openpty()
    with subprocess.Popen([program, "--connect", url], stdin=subprocess.PIPE, stdout=its, stderr=its) as process:
        os.close(its)
        try:
            yield Wscat(process, ours)
        finally:
            process.kill()
            os.close(ours)


def hears_1009(program: str, aws: Aws, _handle: Handle) -> bool:
    """A frame over 32 KB."""
    with wscat(program, aws.web_socket({}).url) as client:
        connected = client.prints("Connected")
        client.enter(TOO_LONG)
        return connected and client.prints("Disconnected (code: 1009")


def hears_1001(program: str, aws: Aws, handle: Handle) -> bool:
    """Ten minutes of silence."""
    with wscat(program, aws.web_socket({}).url) as client:
        connected = client.prints("Connected")
        handle.clock.advance("10m")
        return connected and client.prints("Disconnected (code: 1001")


def hears_status(program: str, aws: Aws, _handle: Handle) -> bool:
    """A ``$connect`` that is refused."""
    refuse = aws.function('return {"statusCode": 418}')
    with wscat(program, aws.web_socket({"$connect": refuse}).url) as client:
        return client.prints("Unexpected server response: 418")


CHECKS: Final = {
    "1009 after a frame over 32 KB": hears_1009,
    "1001 after ten minutes of silence": hears_1001,
    "the status of a refused $connect": hears_status,
}


def main() -> int:
    """Run the proof; 0 when each client that is there heard everything."""
    console, program = Console(highlight=False), shutil.which("wscat")
    if program is None:
        console.print(f"- wscat is not on PATH, so it was not asked; {INSTALL}")
        return 0
    heard = {}
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder) / "sandbox root") as running:
        endpoint = running.record.aws_endpoint
        for name, check in CHECKS.items():
            heard[name] = check(program, Aws(endpoint, Path(folder)), Handle(endpoint))
            console.print(f"{'[green]✓[/]' if heard[name] else '[red]✗[/]'} wscat hears {name}")
    return 0 if all(heard.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
