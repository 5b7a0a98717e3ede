"""``python -m bench.sockets``: hold many sockets on one front, post one update to each, and see that none is lost."""

import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.support.sandbox import Aws, Socket, running_sandbox

WHO: Final = 'print("called")\nreturn {"statusCode": 200, "body": event["requestContext"]["connectionId"]}'
THREADS: Final = 16
AT_ONCE: Final = 50
"""Handshakes under way together; an account may open 500 sockets per second."""
RUNNING: Final = 8
"""Messages under way together: each has a process of its own."""
TOO_MANY_REQUESTS: Final = 429
PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Report:
    """What became of the sockets: how many were open, read their update, and what one costs the front's process."""

    sockets: int
    delivered: int
    open_seconds: float
    post_seconds: float
    bytes_per_socket: int

    @property
    def lost(self) -> int:
        """How many did not read exactly their update."""
        return self.sockets - self.delivered

    def to_json(self) -> str:
        """All of it."""
        return json.dumps({**asdict(self), "lost": self.lost})


def memory_of(pid: int) -> int:
    """Bytes of memory that a process has in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


async def open_one(url: str, gate: asyncio.Semaphore) -> ClientConnection:
    """Open a socket, however often the account's rate refuses it."""
    async with gate:
        while True:
            try:
                return await connect(url, compression=None, ping_interval=None)
            except InvalidStatus as error:
                if error.response.status_code != TOO_MANY_REQUESTS:
                    raise
                await asyncio.sleep(0.1)  # a pause as a client makes it


async def name_of(client: ClientConnection, gate: asyncio.Semaphore) -> str:
    """The id of a client's connection, as its function sees it."""
    async with gate:
        await client.send("{}")
        return str(await asyncio.wait_for(client.recv(), PATIENCE_SECONDS))


def post_all(aws: Aws, socket: Socket, names: Sequence[str]) -> None:
    """Post to each connection, and then the end of it all."""
    management = aws.management(socket)

    def post(name: str) -> None:
        for text in (f"update of {name}", "end"):
            management.post_to_connection(ConnectionId=name, Data=text.encode())

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(post, names))


async def read_all(client: ClientConnection) -> list[str]:
    """What a client reads up to the end."""
    read: list[str] = []
    while (text := str(await asyncio.wait_for(client.recv(), PATIENCE_SECONDS))) != "end":
        read.append(text)
    return read


async def hold(aws: Aws, socket: Socket, *, sockets: int, front_pid: int) -> Report:
    """Hold sockets on a front and post to each of them.

    Args:
        aws: Posts through the front.
        socket: An API that tells each client its connection's id.
        sockets: How many.
        front_pid: The front's process, for its memory.
    """
    gate, running = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(RUNNING)
    before, started = memory_of(front_pid), time.perf_counter()
    async with AsyncExitStack() as stack:
        clients = await asyncio.gather(*(open_one(socket.url, gate) for _ in range(sockets)))
        for client in clients:
            stack.push_async_callback(client.close)
        opened, held = time.perf_counter(), memory_of(front_pid)
        names = await asyncio.gather(*(name_of(client, running) for client in clients))
        posting = time.perf_counter()
        *read, _ = await asyncio.gather(
            *(read_all(client) for client in clients), asyncio.to_thread(post_all, aws, socket, names)
        )
        done = time.perf_counter()
    delivered = sum(texts == [f"update of {name}"] for texts, name in zip(read, names, strict=True))
    return Report(sockets, delivered, opened - started, done - posting, max(0, held - before) // sockets)


def deploy(aws: Aws) -> Socket:
    """An API that tells each client its connection's id."""
    return aws.web_socket({"$default": aws.function(WHO)})


@click.command()
@click.option("--sockets", default=2000, show_default=True, help="How many are held at once.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(sockets: int, as_json: bool) -> None:
    """Hold sockets, post to all; exit 1 when one did not read exactly its update."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder)) as sandbox:
        aws = Aws(sandbox.record.aws_endpoint, Path(folder))
        report = asyncio.run(hold(aws, deploy(aws), sockets=sockets, front_pid=sandbox.record.pid))
    if as_json:
        click.echo(report.to_json())
    else:
        click.echo(f"{report.sockets} sockets opened in {report.open_seconds:.1f} s, ", nl=False)
        click.echo(f"{report.bytes_per_socket / 1024:.1f} KB of the front's memory each")
        click.echo(f"two posts to each in {report.post_seconds:.1f} s: {report.delivered} updates read, ", nl=False)
        click.echo(f"{report.lost} lost")
    raise SystemExit(1 if report.lost else 0)


if __name__ == "__main__":
    main()
