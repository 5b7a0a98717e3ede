"""``python -m bench.front``: what the WebSocket front costs, and gains, against the bare emulator behind it.

One function and one API, reached through both, in turns, so that whatever else the machine does falls on both alike.
The function prints a line: the emulator lets a silent one wait 50 ms for its first.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click
from websockets.asyncio.client import ClientConnection, connect

from tests.support.sandbox import Aws, Socket, running_sandbox

ECHO: Final = 'print("called")\nreturn {"statusCode": 200, "body": event["body"]}'
SOCKETS: Final = 8
WARM_UP: Final = 20
LATENCY_LIMIT: Final = 1.5
THROUGHPUT_LIMIT: Final = 1.5


@dataclass(frozen=True)
class Figures:
    """Milliseconds from message to reply on one socket (median), and messages per second on eight."""

    front_ms: float
    bare_ms: float
    front_per_second: float
    bare_per_second: float

    @property
    def latency_ratio(self) -> float:
        """How many times as long a message takes through the front."""
        return self.front_ms / self.bare_ms

    @property
    def throughput_ratio(self) -> float:
        """How many times as many messages the front carries."""
        return self.front_per_second / self.bare_per_second

    @property
    def good(self) -> bool:
        """Whether the front keeps within its limits."""
        return self.latency_ratio <= LATENCY_LIMIT and self.throughput_ratio >= THROUGHPUT_LIMIT

    def to_json(self) -> str:
        """All of it, with the ratios."""
        ratios = {"latency_ratio": self.latency_ratio, "throughput_ratio": self.throughput_ratio}
        return json.dumps({**asdict(self), **ratios, "good": self.good})


async def ask(client: ClientConnection) -> float:
    """Seconds from a message to its reply."""
    started = time.perf_counter()
    await client.send("{}")
    await client.recv()
    return time.perf_counter() - started


async def latencies(clients: list[ClientConnection], messages: int) -> list[list[float]]:
    """Seconds of each message, per client, the clients taking turns."""
    taken: list[list[float]] = [[] for _ in clients]
    for _ in range(messages):
        for client, seconds in zip(clients, taken, strict=True):
            seconds.append(await ask(client))
    return taken


async def throughput(clients: list[ClientConnection], messages: int) -> float:
    """Messages per second when every client sends its next message upon the reply to the last."""

    async def send_all(client: ClientConnection) -> None:
        for _ in range(messages):
            await ask(client)

    started = time.perf_counter()
    await asyncio.gather(*map(send_all, clients))
    return len(clients) * messages / (time.perf_counter() - started)


async def measure(front: str, bare: str, messages: int) -> Figures:
    """Measure both addresses of one API."""
    async with AsyncExitStack() as stack:

        async def open_all(url: str) -> list[ClientConnection]:
            return [await stack.enter_async_context(connect(url, compression=None)) for _ in range(SOCKETS)]

        fronts, bares = await open_all(front), await open_all(bare)
        for clients in (fronts, bares):
            await throughput(clients, WARM_UP)
        front_seconds, bare_seconds = await latencies([fronts[0], bares[0]], messages)
        rates = await in_turns(lambda: throughput(fronts, messages // 2), lambda: throughput(bares, messages // 2))
    return Figures(
        front_ms=statistics.median(front_seconds) * 1000,
        bare_ms=statistics.median(bare_seconds) * 1000,
        front_per_second=rates[0],
        bare_per_second=rates[1],
    )


async def in_turns(*measurements: Callable[[], Awaitable[float]]) -> list[float]:
    """The median of three rounds of each."""
    rounds = [[await run() for run in measurements] for _ in range(3)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def deploy(aws: Aws) -> Socket:
    """An API that echoes."""
    return aws.web_socket({"$default": aws.function(ECHO)})


@click.command()
@click.option("--messages", default=200, show_default=True, help="Messages per socket and round.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(messages: int, as_json: bool) -> None:
    """Measure the front against the bare emulator; exit 1 when it misses a limit."""
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder)) as sandbox:
        record = sandbox.record
        socket = deploy(Aws(record.aws_endpoint, Path(folder)))
        bare = socket.url.replace(record.aws_endpoint.removeprefix("http://"), record.emulator_endpoint[7:])
        figures = asyncio.run(measure(socket.url, bare, messages))
    if as_json:
        click.echo(figures.to_json())
    else:
        click.echo(f"message to reply, one socket, median of {messages}: front {figures.front_ms:.1f} ms, ", nl=False)
        click.echo(f"bare emulator {figures.bare_ms:.1f} ms: {figures.latency_ratio:.2f} times (limit {LATENCY_LIMIT})")
        click.echo(f"messages per second on {SOCKETS} sockets: front {figures.front_per_second:.0f}, ", nl=False)
        click.echo(f"bare emulator {figures.bare_per_second:.0f}: {figures.throughput_ratio:.2f} times ", nl=False)
        click.echo(f"(at least {THROUGHPUT_LIMIT})")
    raise SystemExit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
