"""``python -m tests.proof.third_party``: other people's clients hear what API Gateway would tell them.

wscat and websocat do not come with this checkout: they are asked if they are on PATH, and named if they are not.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from sandbox.handle import Handle
from tests.proof.clients import Client, Program, Websockets
from tests.support.sandbox import Aws, running_sandbox

TOO_LONG: Final = "x" * (32 * 1024 + 1)
REFUSAL: Final = 418
INSTALL: Final = {"wscat": "npm install --global wscat", "websocat": "cargo install websocat"}


def wscat(path: str) -> Program:
    """A Node program."""
    return Program(
        path=path,
        words=("--connect",),
        opened="Connected",
        closed="Disconnected (code: {}",
        refused="Unexpected server response: {}",
    )


def websocat(path: str) -> Program:
    """A Rust program; it tells codes among much else, and its buffer must hold a frame that is too long."""
    return Program(
        path=path,
        words=("-vv", "--buffer-size", "200000"),
        opened="Connected to ws",
        closed="status_code: {}",
        refused="Received unexpected status code ({}",
        binary="--binary",
    )


def hears_1009(client: Client, aws: Aws, _handle: Handle) -> bool:
    """A frame over 32 KB."""
    with client.open(aws.web_socket({}).url) as session:
        session.send(TOO_LONG)
        return session.closed_with(1009)


def hears_1003(client: Client, aws: Aws, _handle: Handle) -> bool | None:
    """A binary frame; None from who cannot send one."""
    if not client.sends_binary:
        return None
    with client.open(aws.web_socket({}).url, binary=True) as session:
        session.send("x")
        return session.closed_with(1003)


def hears_1001(client: Client, aws: Aws, handle: Handle) -> bool:
    """Ten minutes of silence."""
    with client.open(aws.web_socket({}).url) as session:
        handle.clock.advance("10m")
        return session.closed_with(1001)


def hears_status(client: Client, aws: Aws, _handle: Handle) -> bool:
    """A ``$connect`` that is refused."""
    refuse = aws.function(f'return {{"statusCode": {REFUSAL}}}')
    return client.refused_with(aws.web_socket({"$connect": refuse}).url, REFUSAL)


CHECKS: Final[dict[str, Callable[[Client, Aws, Handle], bool | None]]] = {
    "1009 after a frame over 32 KB": hears_1009,
    "1003 after a binary frame": hears_1003,
    "1001 after ten minutes of silence": hears_1001,
    "the status of a refused $connect": hears_status,
}
MARKS: Final = {True: "[green]✓[/] {} hears {}", False: "[red]✗[/] {} does not hear {}", None: "- {} cannot ask for {}"}


def find_clients(console: Console) -> dict[str, Client]:
    """Those that are there; the console is told of the others."""
    clients: dict[str, Client] = {"websockets": Websockets()}
    for name, make in (("wscat", wscat), ("websocat", websocat)):
        if path := shutil.which(name):
            clients[name] = make(path)
        else:
            console.print(f"- {name} is not on PATH, so it was not asked; {INSTALL[name]}")
    return clients


def main() -> int:
    """Run the proof; 0 when each client that is there heard everything."""
    console = Console(highlight=False)
    clients, heard = find_clients(console), []
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder) / "sandbox root") as running:
        endpoint = running.record.aws_endpoint
        for name, client in clients.items():
            for event, check in CHECKS.items():
                heard.append(check(client, Aws(endpoint, Path(folder)), Handle(endpoint)))
                console.print(MARKS[heard[-1]].format(name, event))
    return 1 if False in heard else 0


if __name__ == "__main__":
    sys.exit(main())
