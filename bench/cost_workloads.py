"""``python -m bench.cost_workloads``: what an hour of W1 and of W2 costs, by units that were counted in the sandbox.

W1: 10,000 connections for an hour, 100 updates a minute, 100 subscribers each, 1 KB: a hundred actors with a hundred
subscribers, each changed once a minute. One of the actors is run for some minutes of the sandbox's clock, and what the
meter counts is multiplied. All of it are counts, which multiply exactly, but for the functions' run time: that is this
machine's, with everything that the sandbox does around an invocation, and higher than AWS's.

W2: one actor with a hundred subscribers, changed 20 times a second for an hour, of which only the latest value of each
250 ms is delivered. It is run in slow motion, by one caller as fast as the machine allows, with a window that is as
much longer, so that five changes fall into each as they do in W2 (no longer than a second: functions wait no longer).
What calls take is multiplied by the calls of an hour, what deliveries take by its windows.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import click

from bench.cost_run import Counts, all_have, quiet, sandbox_of
from cli.cost.bill import Line, bill_of, standing_bill
from cli.cost.prices import ARM
from sandbox.handle import Handle
from sandbox.meter.units import (
    CONNECTION_MINUTES,
    DISCOVERIES,
    INVOCATIONS,
    LOG_BYTES,
    MESSAGES,
    QUEUE_REQUESTS,
    READ_UNITS,
    TRANSFER_OUT,
    WRITE_UNITS,
)
from tests.loop.conftest import Deployed
from tests.loop.peer import Peer
from tests.loop.stack import deployed_stack

CONNECTIONS: Final = 10_000
SUBSCRIBERS: Final = 100
MINUTES: Final = 60
STATE_BYTES: Final = 1024
ACTOR: Final = "todos/priced"
LIMIT: Final = 0.87
"""US dollars of W1's steady hour without data transfer."""
HOT_LIMIT: Final = 2.35
"""US dollars of W2's hour without data transfer."""
FEWER: Final = 4.5
"""Times fewer deliveries with the window."""
HOT_ACTOR: Final = "todos/hot"
HOT_CALLS: Final = 20 * 3600
HOT_WINDOW_MS: Final = 250
HOT_PAUSE_SECONDS: Final = 1 / 20
LONGEST_WINDOW_MS: Final = 1_000
PACE_CALLS: Final = 5
"""Tell how fast the machine is."""
OF_DELIVERY: Final = ("stream-processor", "subscriptions")
"""In the names of what works for deliveries and not for calls."""
PARTS: Final = {
    CONNECTION_MINUTES: "connection minutes",
    INVOCATIONS: "function requests",
    WRITE_UNITS: "table writes",
    READ_UNITS: "table reads",
    LOG_BYTES: "logs",
    QUEUE_REQUESTS: "queues",
    DISCOVERIES: "discovery",
    TRANSFER_OUT: "data transfer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """What was counted in each part of a run, of one actor with its subscribers."""

    connecting: Counts
    subscribing: Counts
    steady: Counts
    standing: Counts
    minutes: int


async def run(deployed: Deployed, minutes: int) -> Phases:
    """Connect, subscribe, and have the actor changed once in each of so many minutes."""
    sandbox = sandbox_of(deployed)
    async with AsyncExitStack() as stack:
        await quiet(sandbox)
        sandbox.meter.reset()
        peers = [await stack.enter_async_context(Peer.at(deployed.endpoint)) for _ in range(SUBSCRIBERS)]
        connecting = await _counted(sandbox)
        todo = await peers[0].call(ACTOR, "addTodo", _title(0))
        await quiet(sandbox)
        sandbox.meter.reset()
        streams = [await peer.observe(ACTOR) for peer in peers]
        await all_have(streams, 1)
        subscribing = await _counted(sandbox)
        began = sandbox.clock.now()
        for minute in range(minutes):
            await peers[minute % SUBSCRIBERS].call(ACTOR, "renameTodo", todo["id"], _title(minute + 1))
            await all_have(streams, 2 + minute)
            # A few seconds early, so that no further minute has begun when the meter is read.
            due = began + 60 * (minute + 1) - 5
            await asyncio.to_thread(sandbox.clock.advance, max(0.0, due - sandbox.clock.now()))
        standing = sandbox.meter.read()["standing"]
        steady = await _counted(sandbox)
    return Phases(connecting=connecting, subscribing=subscribing, steady=steady, standing=standing, minutes=minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRun:
    """What was counted while one actor was changed all the time."""

    counts: Counts
    calls: int
    seconds: float
    deliveries: int
    window_ms: int


async def run_hot(deployed: Deployed, seconds: float) -> HotRun:
    """Change an actor at most 20 times a second, before subscribers who want the latest value of each window."""
    sandbox = sandbox_of(deployed)
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(Peer.at(deployed.endpoint)) for _ in range(SUBSCRIBERS)]
        todo = await peers[0].call(HOT_ACTOR, "addTodo", _title(0))
        window_ms = await _window(peers[0], todo["id"])
        latest = {"type": "custom", "name": "latest", "parameters": {"window": str(window_ms)}}
        streams = [await peer.observe(HOT_ACTOR, streamFilter=latest) for peer in peers]
        await all_have(streams, 1)
        await quiet(sandbox)
        before = sum(len(stream.values) for stream in streams)
        sandbox.meter.reset()
        started, calls = time.monotonic(), 0
        while (elapsed := time.monotonic() - started) < seconds:
            calls += 1
            await peers[0].call(HOT_ACTOR, "renameTodo", todo["id"], _title(calls))
            await asyncio.sleep(max(0.0, started + calls * HOT_PAUSE_SECONDS - time.monotonic()))
        counts = await _counted(sandbox)
        deliveries = sum(len(stream.values) for stream in streams) - before
    return HotRun(counts=counts, calls=calls, seconds=elapsed, deliveries=deliveries, window_ms=window_ms)


async def _window(caller: Peer, todo: str) -> int:
    """Milliseconds in which as many changes come here as in a window of W2."""
    began = time.monotonic()
    for number in range(PACE_CALLS):
        await caller.call(HOT_ACTOR, "renameTodo", todo, _title(number))
    pause = max(HOT_PAUSE_SECONDS, (time.monotonic() - began) / PACE_CALLS)
    return min(LONGEST_WINDOW_MS, round(HOT_WINDOW_MS * pause / HOT_PAUSE_SECONDS))


async def _counted(sandbox: Handle) -> Counts:
    """What the meter has once everything is over; it begins at zero after that."""
    await quiet(sandbox)
    counts: Counts = sandbox.meter.read()["counts"]
    sandbox.meter.reset()
    return counts


def _title(number: int) -> str:
    """A text that makes the state 1 KB."""
    return f"{number:04}".ljust(STATE_BYTES - 80, "x")


def parts(lines: Sequence[Line]) -> dict[str, float]:
    """US dollars by part, the dearest first."""
    sums: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        sums[_part(line)] += line.usd
    return dict(sorted(sums.items(), key=lambda one: -one[1]))


def _part(line: Line) -> str:
    if line.unit == MESSAGES:
        return "deliveries" if line.cause == "posted" else "calls and answers"
    return PARTS.get(line.unit, "function run time")


@dataclass(frozen=True, slots=True)
class Hour:
    """The workload's hour, in US dollars by part; what comes before it and stands around it apart."""

    steady: dict[str, float]
    connecting: dict[str, float]
    subscribing: dict[str, float]
    standing: float

    @property
    def usd(self) -> float:
        """The steady hour without data transfer."""
        return sum(usd for part, usd in self.steady.items() if part != PARTS[TRANSFER_OUT])

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "usd": self.usd,
            "limit": LIMIT,
            "steady": self.steady,
            "connecting": self.connecting,
            "subscribing": self.subscribing,
            "standing": self.standing,
        }


def price(phases: Phases) -> Hour:
    """The whole workload: a hundred such actors for an hour."""
    actors = CONNECTIONS / SUBSCRIBERS
    return Hour(
        steady=parts(bill_of(phases.steady, actors * MINUTES / phases.minutes)),
        connecting=parts(_coming(phases.connecting, actors)),
        subscribing=parts(_coming(phases.subscribing, actors)),
        standing=sum(line.usd for line in standing_bill(phases.standing, 1.0)),
    )


@dataclass(frozen=True, slots=True)
class HotHour:
    """W2's hour, in US dollars by part."""

    steady: dict[str, float]
    fewer: float
    """How many times as many deliveries there would be without the window."""

    @property
    def good(self) -> bool:
        """Whether the window spares what it has to, and the hour costs no more than its limit."""
        return self.usd <= HOT_LIMIT and self.fewer >= FEWER

    @property
    def usd(self) -> float:
        """Without data transfer."""
        return sum(usd for part, usd in self.steady.items() if part != PARTS[TRANSFER_OUT])


def price_hot(hot: HotRun) -> HotHour:
    """The whole hour: calls as many as it has, deliveries by its windows; the processor runs as long as it lasts."""
    of_delivery = [one for one in hot.counts if _is_of_delivery(one)]
    of_calls = [one for one in hot.counts if not _is_of_delivery(one) and one["unit"] != CONNECTION_MINUTES]
    windows = 3600 / HOT_WINDOW_MS / (hot.seconds / hot.window_ms)
    lines = [
        *bill_of((one for one in of_delivery if one["unit"] != ARM), windows),
        *bill_of((one for one in of_delivery if one["unit"] == ARM), 3600 / hot.seconds),
        *bill_of(of_calls, HOT_CALLS / hot.calls),
        *bill_of([{"unit": CONNECTION_MINUTES, "amount": SUBSCRIBERS * MINUTES}]),
    ]
    return HotHour(parts(lines), hot.calls * SUBSCRIBERS / hot.deliveries)


def _is_of_delivery(count: Mapping[str, Any]) -> bool:
    return count["cause"] == "posted" or any(name in count["resource"] for name in OF_DELIVERY)


def _coming(counts: Counts, actors: float) -> list[Line]:
    """Connection minutes are the steady hour's: coming itself takes none."""
    return bill_of((one for one in counts if one["unit"] != CONNECTION_MINUTES), actors)


@click.command()
@click.option("--minutes", default=6, show_default=True, help="Of W1's hour that are run.")
@click.option("--seconds", default=15.0, show_default=True, help="Of W2's hour that are run.")
@click.option("--counts", is_flag=True, help="Print what was counted, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(*, minutes: int, seconds: float, counts: bool, as_json: bool) -> None:
    """Price both workloads; exits with 1 when an hour costs more than its limit."""
    with deployed_stack() as deployed:
        phases = asyncio.run(run(deployed, minutes))
        hot_run = asyncio.run(run_hot(deployed, seconds))
    hour, hot = price(phases), price_hot(hot_run)
    if as_json:
        hot_document = {"usd": hot.usd, "limit": HOT_LIMIT, "steady": hot.steady, "fewer": hot.fewer}
        click.echo(json.dumps({"w1": hour.document(), "w2": hot_document}))
    else:
        _print(hour)
        _print_hot(hot, hot_run)
    if counts:
        for one in [*phases.connecting, *phases.subscribing, *phases.steady, *hot_run.counts]:
            click.echo(f"{one['unit']:30} {one['resource']:50} {one['cause']:32} {one['amount']:.6g}", err=True)
    raise SystemExit(0 if hour.usd <= LIMIT and hot.good else 1)


def _print(hour: Hour) -> None:
    click.echo(f"W1, {CONNECTIONS:,} connections: a steady hour ${hour.usd:.4f} without transfer (at most ${LIMIT})")
    for name, sums in (("steady", hour.steady), ("connecting", hour.connecting), ("subscribing", hour.subscribing)):
        click.echo(f"{name}:")
        _print_parts(sums)
    click.echo(f"standing, of each hour: ${hour.standing:.5f}")


def _print_hot(hot: HotHour, run_: HotRun) -> None:
    rate = run_.calls / run_.seconds
    slowly = f"run at {rate:.1f} a second with {run_.window_ms} ms"
    click.echo(
        f"W2, 20 changes a second, window {HOT_WINDOW_MS} ms: an hour ${hot.usd:.4f} without transfer (at most "
        f"${HOT_LIMIT}); {slowly}; {hot.fewer:.1f} times fewer deliveries than without a window"
    )
    _print_parts(hot.steady)


def _print_parts(sums: Mapping[str, float]) -> None:
    for part, usd in sums.items():
        click.echo(f"  {part:24} ${usd:.5f}")


if __name__ == "__main__":
    main()
