"""``python -m bench.noisy``: what one client at ten times its limit does to the others' answer times.

The program runs in a sandbox with ``limits.connection`` in its trebuche.yaml. Quiet clients call at a steady pace,
alone and then beside a noisy one. Told are their 99th percentiles, before and during, and what the noisy one got.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Final

import click

from tests.loop.peer import CallFailedError, Peer
from tests.loop.stack import deployed_stack

RATE: Final = 2
"""Frames per second that a connection may send."""
BURST: Final = 4
NOISE: Final = 10
"""Times the limit."""
PAUSE_SECONDS: Final = 1.0
"""Between two calls of a quiet client."""
WARM_SECONDS: Final = 3.0
"""Until every function has started."""
CONFIG: Final = f"\nlimits: {{connection: {{rate: {RATE}, burst: {BURST}}}}}\n"


@dataclass(frozen=True)
class Report:
    """Milliseconds of the quiet clients' answers, and the noisy one's calls by what became of them."""

    before_p50_ms: float
    before_p99_ms: float
    during_p50_ms: float
    during_p99_ms: float
    refused_quiet: int
    noisy_served: int
    noisy_limited: int
    noisy_seconds: float

    def to_json(self) -> str:
        """All of it, with the ratio."""
        ratio = self.during_p99_ms / self.before_p99_ms
        allowed = BURST + RATE * self.noisy_seconds
        return json.dumps({**asdict(self), "p99_ratio": ratio, "noisy_allowed_by_one_bucket": allowed})


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def quiet(peer: Peer, actor: str, end: float) -> list[float]:
    """Call at a steady pace; milliseconds of each answer, infinite for one that was refused."""
    times = []
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            await peer.call(actor, "clearCompleted")
            times.append((time.monotonic() - started) * 1000)
        except CallFailedError:
            times.append(float("inf"))
        await asyncio.sleep(PAUSE_SECONDS)  # the pace of the load
    return times


async def noisy(peer: Peer, end: float) -> Counter[str]:
    """Call at many times the limit, without waiting for answers; what became of the calls."""
    told: Counter[str] = Counter()

    async def one() -> None:
        try:
            await peer.call("todos/noisy", "clearCompleted")
            told["served"] += 1
        except CallFailedError as error:
            told[error.payload["code"]] += 1

    async with asyncio.TaskGroup() as calls:
        while time.monotonic() < end:
            calls.create_task(one())
            await asyncio.sleep(1 / (RATE * NOISE))  # the pace of the load
    return told


async def measure(endpoint: str, clients: int, seconds: float) -> Report:
    """Run both phases, on sockets that are open before the first."""
    async with AsyncExitStack() as sockets:
        noisy_one, *quiet_ones = [await sockets.enter_async_context(Peer.at(endpoint)) for _ in range(clients + 1)]

        async def all_times(phase_seconds: float) -> list[float]:
            end = time.monotonic() + phase_seconds
            each = await asyncio.gather(
                *(quiet(peer, f"todos/quiet-{number}", end) for number, peer in enumerate(quiet_ones))
            )
            return [one for times in each for one in times]

        await all_times(WARM_SECONDS)
        before = await all_times(seconds)
        started = time.monotonic()
        during, told = await asyncio.gather(all_times(seconds), noisy(noisy_one, started + seconds))
        return Report(
            before_p50_ms=percentile(before, 0.5),
            before_p99_ms=percentile(before, 0.99),
            during_p50_ms=percentile(during, 0.5),
            during_p99_ms=percentile(during, 0.99),
            refused_quiet=sum(value == float("inf") for value in (*before, *during)),
            noisy_served=told["served"],
            noisy_limited=told["limited"],
            noisy_seconds=time.monotonic() - started,
        )


@click.command()
@click.option("--clients", default=5, show_default=True, help="Quiet clients.")
@click.option("--seconds", default=20.0, show_default=True, help="Length of each phase.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(clients: int, seconds: float, as_json: bool) -> None:
    """Measure answer times alone and beside a noisy client."""
    with deployed_stack(config=CONFIG) as deployed:
        report = asyncio.run(measure(deployed.endpoint, clients, seconds))
    if as_json:
        click.echo(report.to_json())
    else:
        click.echo(f"99th percentile of quiet clients: {report.before_p99_ms:.0f} ms alone, ", nl=False)
        click.echo(
            f"{report.during_p99_ms:.0f} ms beside a noisy one, of which {report.noisy_served} calls were ", nl=False
        )
        click.echo(f"served and {report.noisy_limited} refused; {report.refused_quiet} quiet ones were refused")


if __name__ == "__main__":
    main()
