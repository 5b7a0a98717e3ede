"""``python -m bench.noisy``: what one client at ten times its limit does to the others' answer times.

The program runs in a sandbox with ``limits.connection`` in its trebuche.yaml. Quiet clients call at a steady pace:
alone, beside one who calls at ten times its limit without waiting for answers, and beside one who sends as much in
bursts. Told are their 99th percentiles in each phase, and what the noisy one got.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from typing import Final

import click

from tests.loop.peer import CallFailedError, Peer
from tests.loop.stack import deployed_stack

RATE: Final = 1
"""Frames per second that a connection may send."""
BURST: Final = 3
NOISE: Final = 10
"""Times the limit."""
PAUSE_SECONDS: Final = 1.0
"""Between two calls of a quiet client."""
WARM_SECONDS: Final = 3.0
"""Of both kinds of calls before anything is measured, so that as many environments as they take have started: in the
sandbox these are processes of one machine, and what their start takes from the others is not AWS's."""
CONFIG: Final = f"\nlimits: {{connection: {{rate: {RATE}, burst: {BURST}}}}}\n"


@dataclass(frozen=True)
class Phase:
    """Milliseconds of the quiet clients' answers, and the noisy one's calls by what became of them.

    Attributes:
        refused: Of the quiet clients' calls, or never answered; there should be none.
        served: Of the noisy one's.
        limited: Of the noisy one's.
        allowed: What its bucket holds and gets in that time.
    """

    p50_ms: float
    p99_ms: float
    refused: int
    served: int = 0
    limited: int = 0
    allowed: float = 0.0


@dataclass(frozen=True)
class Report:
    """The quiet clients by themselves, and beside each kind of noise."""

    alone: Phase
    beside: dict[str, Phase] = field(default_factory=dict)

    def ratio(self, noise: str) -> float:
        """By how much the quiet clients' 99th percentile grows."""
        return self.beside[noise].p99_ms / self.alone.p99_ms

    def to_json(self) -> str:
        """All of it, with the ratios."""
        return json.dumps({**asdict(self), "p99_ratio": {noise: self.ratio(noise) for noise in self.beside}})

    def lines(self) -> list[str]:
        """The same for people."""
        told = [
            f"beside {noise}: {phase.p99_ms:.0f} ms ({self.ratio(noise):.2f} times), {phase.refused} refused; "
            f"{phase.served} of the noisy one's calls served ({phase.allowed:.0f} allowed), {phase.limited} refused"
            for noise, phase in self.beside.items()
        ]
        return [f"99th percentile of quiet clients, alone: {self.alone.p99_ms:.0f} ms", *told]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def quiet(peer: Peer, actor: str, end: float) -> list[float]:
    """Call at a steady pace; milliseconds of each answer, infinite for one that was refused or never came."""
    times = []
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            await peer.call(actor, "clearCompleted")
            times.append((time.monotonic() - started) * 1000)
        except (CallFailedError, TimeoutError):
            times.append(float("inf"))
        await asyncio.sleep(PAUSE_SECONDS)  # the pace of the load
    return times


class Noise:
    """A client that does not wait for answers; what becomes of its calls.

    Args:
        peer: Its connection.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.told: Counter[str] = Counter()

    async def steady(self, end: float) -> None:
        """Ten times the rate, one call after another."""
        async with asyncio.TaskGroup() as calls:
            while time.monotonic() < end:
                calls.create_task(self._call())
                await asyncio.sleep(1 / (RATE * NOISE))  # the pace of the load

    async def bursts(self, end: float) -> None:
        """As much as that, ten times the burst at once."""
        async with asyncio.TaskGroup() as calls:
            while time.monotonic() < end:
                for _ in range(NOISE * BURST):
                    calls.create_task(self._call())
                await asyncio.sleep(BURST / RATE)  # the pace of the load

    async def _call(self) -> None:
        try:
            await self._peer.call("todos/noisy", "clearCompleted")
            self.told["served"] += 1
        except CallFailedError as error:
            self.told[error.payload["code"]] += 1
        except TimeoutError:
            self.told["unanswered"] += 1


async def measure(endpoint: str, clients: int, seconds: float) -> Report:
    """Run all phases, on sockets that are open before the first."""
    async with AsyncExitStack() as sockets:
        peers = [await sockets.enter_async_context(Peer.at(endpoint)) for _ in range(clients + 3)]
        quiet_ones = peers[3:]

        async def answers(phase_seconds: float) -> list[float]:
            end = time.monotonic() + phase_seconds
            each = await asyncio.gather(
                *(quiet(peer, f"todos/quiet-{number}", end) for number, peer in enumerate(quiet_ones))
            )
            return [one for times in each for one in times]

        async def beside(noise: Noise, make: Callable[[float], Awaitable[None]]) -> Phase:
            started = time.monotonic()
            times, _ = await asyncio.gather(answers(seconds), make(started + seconds))
            return _phase(times, noise.told, time.monotonic() - started)

        await Noise(peers[2]).bursts(time.monotonic() + WARM_SECONDS / 10)
        await answers(WARM_SECONDS)
        alone = _phase(await answers(seconds), Counter(), 0.0)
        steady, bursting = Noise(peers[0]), Noise(peers[1])
        return Report(
            alone,
            {"steady noise": await beside(steady, steady.steady), "bursts": await beside(bursting, bursting.bursts)},
        )


def _phase(times: Sequence[float], told: Counter[str], seconds: float) -> Phase:
    return Phase(
        p50_ms=percentile(times, 0.5),
        p99_ms=percentile(times, 0.99),
        refused=times.count(float("inf")),
        served=told["served"],
        limited=told["limited"],
        allowed=BURST + RATE * seconds if told else 0.0,
    )


@click.command()
@click.option("--clients", default=5, show_default=True, help="Quiet clients.")
@click.option("--seconds", default=20.0, show_default=True, help="Length of each phase.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(clients: int, seconds: float, as_json: bool) -> None:
    """Measure answer times alone and beside a noisy client."""
    with deployed_stack(config=CONFIG) as deployed:
        report = asyncio.run(measure(deployed.endpoint, clients, seconds))
        # Before the sandbox is stopped, which a busy machine may not manage in time.
        click.echo(report.to_json() if as_json else "\n".join(report.lines()))


if __name__ == "__main__":
    main()
