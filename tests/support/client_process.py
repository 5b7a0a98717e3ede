"""One of our clients as a process that takes commands: one script tests both, whatever language they are in."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.javascript import PACKAGE, install

CHECKOUT: Final = Path(__file__).parents[2]
LANGUAGES: Final = ("python", "javascript")
ANSWER_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Value:
    """One value of a stream."""

    sequence: int
    recovered: bool | None
    value: Any


class CommandFailedError(Exception):
    """The client raised one of its errors."""


class ClientProcess:
    """A process with any number of clients, and the clock that they live by."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._changed = threading.Condition()
        self._answers: dict[int, dict[str, Any]] = {}
        self._values: dict[str, list[Value]] = {}
        self._states: dict[str, list[str]] = {}
        self._ended: dict[str, str] = {}
        self._count = 0
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def connect(self, url: str, client: str = "client", **options: Any) -> None:
        """Connect a client; options by their Python names."""
        self._do("connect", client=client, url=url, options=options)

    def observe(self, actor: str, stream: str = "stream", client: str = "client") -> None:
        """Have every value of an actor's state noted."""
        self._do("observe", client=client, stream=stream, actor=actor)

    def call(self, actor: str, method: str, *arguments: Any, client: str = "client") -> Any:
        """Call a method."""
        return self._do(
            "call", client=client, actor=actor, method=method, arguments=arguments, timeout=ANSWER_SECONDS - 10
        )

    def turn(self, seconds: float) -> None:
        """Turn the clients' clock."""
        self._do("turn", seconds=seconds)

    def delays(self, clients: int, attempts: int, *, told: bool = True) -> list[list[float]]:
        """When each client of a fleet of that size tries again, if each was told how large it is or not."""
        result: list[list[float]] = self._do("delays", clients=clients, attempts=attempts, told=told)
        return result

    def values(self, stream: str = "stream") -> list[Value]:
        """What came on a stream so far."""
        with self._changed:
            return list(self._values.get(stream, ()))

    def states(self, client: str = "client") -> list[str]:
        """The states that a client went through."""
        with self._changed:
            return list(self._states.get(client, ()))

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so; a stream that ended fails at once."""
        with self._changed:
            met = self._changed.wait_for(lambda: condition() or bool(self._ended), ANSWER_SECONDS)
            assert not self._ended, self._ended
            assert met, f"{what} did not happen within {ANSWER_SECONDS:g} s; states: {self._states}"

    def stop(self) -> None:
        """Close every client and wait for the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        finally:
            self._process.kill()
            self._reader.join(10)

    def _do(self, name: str, **how: Any) -> Any:
        with self._changed:
            self._count += 1
            number = self._count
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"id": number, "do": name, **how}) + "\n")
            self._process.stdin.flush()
            arrived = self._changed.wait_for(lambda: number in self._answers, ANSWER_SECONDS)
            assert arrived, f"{name} {how} was not answered within {ANSWER_SECONDS:g} s; states: {self._states}"
            answer = self._answers.pop(number)
        if "error" in answer:
            raise CommandFailedError(f"{answer['error']}: {answer['message']}")
        return answer["result"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._take(json.loads(line))
                self._changed.notify_all()

    def _take(self, document: dict[str, Any]) -> None:
        match document.pop("event", None):
            case "value":
                self._values.setdefault(document.pop("stream"), []).append(Value(**document))
            case "state":
                self._states.setdefault(document["client"], []).append(document["state"])
            case "ended":
                self._ended[document["stream"]] = f"{document['error']}: {document['message']}"
            case _:
                self._answers[document["id"]] = document


@contextmanager
def client_process(language: str) -> Iterator[ClientProcess]:
    """A client of a language, until the block is left."""
    environment = dict(os.environ)
    if language == "python":
        command, folder = [sys.executable, "-m", "tests.support.python_client"], CHECKOUT
        environment["PYTHONPATH"] = os.pathsep.join(
            str(CHECKOUT / part) for part in (".", "lambda_src", "clients/python")
        )
    else:
        install()
        command, folder = ["node", "test/told.js"], PACKAGE
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        client = ClientProcess(process)
        try:
            yield client
        finally:
            client.stop()


def poll(condition: Callable[[], bool], what: str, seconds: float = ANSWER_SECONDS) -> None:
    """Look until something is so that nobody tells."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.02)
