"""``python -m bench.front``: what the WebSocket front costs, and gains, against the bare emulator.

One function on one API each, in one run: through the front, on the emulator as it is published, and past the front on
the emulator as the sandbox runs it, which reads a function's log at once. The three take turns, so that whatever else
the machine does falls on all alike. The function prints a line: the published emulator lets a silent one wait 50 ms.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import click
from websockets.asyncio.client import ClientConnection, connect

from sandbox.emulator.process import BARE, Emulator
from tests.support.sandbox import Aws, running_sandbox

ECHO: Final = 'print("called")\nreturn {"statusCode": 200, "body": event["body"]}'
SOCKETS: Final = 8
WARM_UP: Final = 20
ROUNDS: Final = 3
LATENCY_LIMIT: Final = 1.5
THROUGHPUT_LIMIT: Final = 1.5


@dataclass(frozen=True)
class Figures:
    """Milliseconds from message to reply on one socket (median), and messages per second on eight.

    Attributes:
        bare_ms: Of the emulator as it is published.
        inner_ms: Of the emulator as the sandbox runs it.
    """

    front_ms: float
    bare_ms: float
    inner_ms: float
    front_per_second: float
    bare_per_second: float
    inner_per_second: float

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


async def latencies(clients: Sequence[ClientConnection], messages: int) -> list[float]:
    """The median of each client in milliseconds, the clients taking turns."""
    taken: list[list[float]] = [[] for _ in clients]
    for _ in range(messages):
        for client, seconds in zip(clients, taken, strict=True):
            seconds.append(await ask(client))
    return [statistics.median(seconds) * 1000 for seconds in taken]


async def throughput(clients: Sequence[ClientConnection], messages: int) -> float:
    """Messages per second when every client sends its next message upon the reply to the last."""

    async def send_all(client: ClientConnection) -> None:
        for _ in range(messages):
            await ask(client)

    started = time.perf_counter()
    await asyncio.gather(*map(send_all, clients))
    return len(clients) * messages / (time.perf_counter() - started)


async def measure(front: str, bare: str, inner: str, messages: int) -> Figures:
    """Measure three addresses of the same API."""
    async with AsyncExitStack() as stack:

        async def open_all(url: str) -> list[ClientConnection]:
            return [await stack.enter_async_context(connect(url, compression=None)) for _ in range(SOCKETS)]

        groups = [await open_all(url) for url in (front, bare, inner)]
        for clients in groups:
            await throughput(clients, WARM_UP)
        milliseconds = await latencies([clients[0] for clients in groups], messages)
        rates = await in_turns([partial(throughput, clients, messages // 2) for clients in groups])
    return Figures(*milliseconds, *rates)


async def in_turns(measurements: Sequence[Callable[[], Awaitable[float]]]) -> list[float]:
    """The median of some rounds of each."""
    rounds = [[await run() for run in measurements] for _ in range(ROUNDS)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


async def compare(folder: Path, messages: int) -> Figures:
    """Start a sandbox and a published emulator, and measure an API that echoes on each."""
    with running_sandbox(folder) as sandbox:
        record = sandbox.record
        bare = await Emulator.start(folder / "bare", folder / "logs", aws_endpoint=record.aws_endpoint, program=BARE)
        try:
            front = await asyncio.to_thread(deploy, record.aws_endpoint, folder)
            alone = await asyncio.to_thread(deploy, bare.endpoint, folder)
            return await measure(
                front=_address(record.aws_endpoint, front),
                bare=_address(bare.endpoint, alone),
                inner=_address(record.emulator_endpoint, front),
                messages=messages,
            )
        finally:
            await bare.stop()


def deploy(endpoint: str, folder: Path) -> str:
    """Make an API that echoes, with stage ``test``; its id."""
    aws = Aws(endpoint, folder)
    return aws.web_socket({"$default": aws.function(ECHO)}).api_id


def _address(endpoint: str, api_id: str) -> str:
    return f"{endpoint.replace('http', 'ws', 1)}/_aws/execute-api/{api_id}/test"


@click.command()
@click.option("--messages", default=200, show_default=True, help="Messages per socket and round.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(messages: int, as_json: bool) -> None:
    """Measure the front against the bare emulator; exit 1 when it misses a limit."""
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(compare(Path(folder), messages))
    if as_json:
        click.echo(figures.to_json())
    else:
        click.echo(f"message to reply, one socket, median of {messages}: front {figures.front_ms:.1f} ms, ", nl=False)
        click.echo(f"bare emulator {figures.bare_ms:.1f} ms: {figures.latency_ratio:.2f} times ", nl=False)
        click.echo(f"(limit {LATENCY_LIMIT}); past the front {figures.inner_ms:.1f} ms")
        click.echo(f"messages per second on {SOCKETS} sockets: front {figures.front_per_second:.0f}, ", nl=False)
        click.echo(f"bare emulator {figures.bare_per_second:.0f}: {figures.throughput_ratio:.2f} times ", nl=False)
        click.echo(f"(at least {THROUGHPUT_LIMIT}); past the front {figures.inner_per_second:.0f}")
    raise SystemExit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
