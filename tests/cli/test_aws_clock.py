"""Rights end by the clock of the AWS that judges them, which in a sandbox can be turned."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from cli.aws_clock import clock_of
from sandbox.emulator.process import reserved_port
from tests.support.front import Turn, on_turnable
from trebuche.adapters.system import SystemClock

HOUR = 3_600


def ahead(monkeypatch: pytest.MonkeyPatch, endpoint: str | None) -> float:
    """Seconds by which the clock of a session to an address goes before this machine's, a minute more or less."""
    if endpoint is None:
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    session = boto3.Session("a", "b", region_name="eu-west-1")
    return round((clock_of(session).now_ms() - SystemClock().now_ms()) / 1000 / 60) * 60


def test_a_sandboxs_clock_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket of sixty seconds would be over before it is shown, if it ended by this machine's."""
    found = []

    def steps(endpoint: str, turn: Turn) -> None:
        found.append(ahead(monkeypatch, endpoint))
        turn(2 * HOUR)
        found.append(ahead(monkeypatch, endpoint))

    with reserved_port() as nobody:
        on_turnable(f"http://127.0.0.1:{nobody}", steps)
    assert found == [0, 2 * HOUR]


def test_aws_has_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for nothing."""
    assert ahead(monkeypatch, None) == 0


@contextmanager
def other_emulator() -> Iterator[str]:
    """One that knows no clock; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_so_has_another_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address on this machine need not be the sandbox's."""
    with other_emulator() as endpoint:
        assert ahead(monkeypatch, endpoint) == 0
