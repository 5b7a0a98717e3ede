"""Progress of a long command: a live line on a terminal, a line now and then without one."""

import queue
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status

_QUIET_INTERVAL_SECONDS = 15.0
_TICK_SECONDS = 0.5


class Progress(AbstractContextManager["Progress"]):
    """What is being done and for how long."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._started = self._told = time.monotonic()
        self._live: Status | None = console.status(escape(title)) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, detail: str) -> None:
        """Say what happens now; without a terminal only every 15 seconds."""
        now = time.monotonic()
        line = f"{self._title}, {_clock(now - self._started)}: {detail}"
        if self._live:
            self._live.update(escape(line))
        elif now - self._told >= _QUIET_INTERVAL_SECONDS:
            self._told = now
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Command(AbstractContextManager["Command"]):
    """A child process whose output is read line by line; it never outlives the ``with`` block."""

    def __init__(self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert self._process.stdout is not None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True)
        self._reader.start()

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        self._reader.join()

    def lines(self) -> Iterator[str | None]:
        """Every line of output, and None twice a second while there is none, until the end of the output."""
        while True:
            try:
                line = self._lines.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                yield None
                continue
            if line is None:
                return
            yield line

    def wait(self) -> int:
        """The exit code, once the output has ended."""
        return self._process.wait()


def _read(stream: IO[str], lines: "queue.Queue[str | None]") -> None:
    with stream:
        for line in stream:
            lines.put(line.rstrip("\n"))
    lines.put(None)
