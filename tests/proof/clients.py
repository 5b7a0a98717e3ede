"""Clients that share no code with the sandbox: programs at a terminal, and a library."""

import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

SECONDS: Final = 30.0
"""Until a client counts as having heard nothing."""


class Session(Protocol):
    """A client's connection."""

    def send(self, text: str) -> None:
        """Send one frame."""

    def closed_with(self, code: int) -> bool:
        """Wait for the end; whether the client was told this code."""


class Client(Protocol):
    """Somebody who can connect."""

    @property
    def sends_binary(self) -> bool:
        """Whether its frames can be binary ones."""

    def open(self, url: str, *, binary: bool = False) -> AbstractContextManager["Session"]:
        """Connect; frames are binary if wanted."""

    def refused_with(self, url: str, status: int) -> bool:
        """Whether the client is told this HTTP status instead of being let in."""


@dataclass(frozen=True, slots=True)
class Program:
    """How a program is called, and what it prints.

    Args:
        path: Where it is.
        words: Its arguments for a connection.
        opened: What it prints when it is connected.
        closed: What it prints of a close code, which is put in for ``{}``.
        refused: The same of a status.
        binary: Its argument for binary frames; None if it has none.
    """

    path: str
    words: tuple[str, ...]
    opened: str
    closed: str
    refused: str
    binary: str | None = None

    @property
    def sends_binary(self) -> bool:
        """Whether its frames can be binary ones."""
        return self.binary is not None

    @contextmanager
    def open(self, url: str, *, binary: bool = False) -> Iterator["Terminal"]:
        """Connect."""
        with self._run(url, *([self.binary] if binary and self.binary else [])) as terminal:
            assert terminal.prints(self.opened), f"{self.path} did not connect"
            yield terminal

    def refused_with(self, url: str, status: int) -> bool:
        """Whether it prints this status."""
        with self._run(url) as terminal:
            return terminal.prints(self.refused.format(status))

    @contextmanager
    def _run(self, url: str, *more: str) -> Iterator["Terminal"]:
        ours, its = os.openpty()
        command = [self.path, *self.words, *more, url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=its, stderr=its) as process:
            os.close(its)
            try:
                yield Terminal(process, ours, self.closed)
            finally:
                process.kill()
                os.close(ours)


class Terminal:
    """A program that runs: it prints to a terminal, without which wscat does not tell about close codes.

    Args:
        process: Reads its lines from a pipe, which takes more than a terminal's 4,096 characters.
        terminal: What it prints.
        closed: See ``Program``.
    """

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, closed: str) -> None:
        self._process = process
        self._terminal = terminal
        self._closed = closed

    def send(self, text: str) -> None:
        """Type a line, which it sends as one frame."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n".encode())
        self._process.stdin.flush()

    def closed_with(self, code: int) -> bool:
        """Wait until it prints the code."""
        return self.prints(self._closed.format(code))

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


class Websockets:
    """The library of this name."""

    sends_binary: Final = True

    @contextmanager
    def open(self, url: str, *, binary: bool = False) -> Iterator["Connected"]:
        """Connect."""
        with connect(url) as connection:
            yield Connected(connection, binary=binary)

    def refused_with(self, url: str, status: int) -> bool:
        """Whether the handshake fails with this status."""
        try:
            with connect(url):
                return False
        except InvalidStatus as error:
            return error.response.status_code == status


class Connected:
    """A connection of the library."""

    def __init__(self, connection: ClientConnection, *, binary: bool) -> None:
        self._connection = connection
        self._binary = binary

    def send(self, text: str) -> None:
        """Send one frame."""
        self._connection.send(text.encode() if self._binary else text)

    def closed_with(self, code: int) -> bool:
        """Wait for the end."""
        try:
            self._connection.recv(timeout=SECONDS)
        except ConnectionClosed as error:
            return error.rcvd is not None and error.rcvd.code == code
        return False
