"""W1: one of its actors with a hundred subscribers, changed once a minute; what is counted, and what it all costs."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from bench.cost_run import Counts, all_have, counted, sandbox_of
from bench.peers import Door
from bench.workloads.parts import TRANSFER, Parts, parts
from cli.cost.bill import Line, bill_of, standing_bill
from sandbox.handle import Handle
from sandbox.meter.units import CONNECTION_MINUTES
from tests.loop.conftest import Deployed
from tests.loop.peer import Peer, Stream
from trebuche.handover import ABANDONED_SECONDS

CONNECTIONS: Final = 10_000
SUBSCRIBERS: Final = 100
MINUTES: Final = 60
STATE_BYTES: Final = 1024
ACTOR: Final = "todos/priced"
LIMIT: Final = 0.87
"""US dollars of the steady hour without data transfer."""
UPSTREAM: Final = 2.71
"""US dollars of the hour on upstream's own page."""
EARLY_SECONDS: Final = 5
"""Before a minute is over, so that no further one has begun when the meter is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """What was counted in each part of a run, of one actor with its subscribers.

    Args:
        minutes: How many of the hour were run.
        repeated: Handshakes that failed on the way and are counted under connecting.
    """

    connecting: Counts
    subscribing: Counts
    steady: Counts
    standing: Counts
    minutes: int
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Hour:
    """The workload's hour, in US dollars by part; what comes before it and stands around it apart."""

    steady: Parts
    connecting: Parts
    subscribing: Parts
    standing: float
    repeated: int = 0

    @property
    def usd(self) -> float:
        """The steady hour without data transfer."""
        return sum(usd for part, usd in self.steady.items() if part != TRANSFER)

    @property
    def good(self) -> bool:
        """Whether it costs no more than its limit."""
        return self.usd <= LIMIT

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "usd": self.usd,
            "limit": LIMIT,
            "upstream": UPSTREAM,
            "steady": self.steady,
            "connecting": self.connecting,
            "subscribing": self.subscribing,
            "standing": self.standing,
            "repeatedHandshakes": self.repeated,
        }


async def run(deployed: Deployed, minutes: int) -> Phases:
    """Connect, subscribe, and have the actor changed once in each of so many minutes."""
    sandbox = sandbox_of(deployed)
    async with AsyncExitStack() as stack:
        await counted(sandbox)
        door = Door(deployed.endpoint, stack)
        peers = [await door.enter() for _ in range(SUBSCRIBERS)]
        connecting = await counted(sandbox)
        todo = await peers[0].call(ACTOR, "addTodo", title(0))
        await counted(sandbox)
        streams = [await peer.observe(ACTOR) for peer in peers]
        await all_have(streams, 1)
        subscribing = await settled(sandbox)
        await _change(sandbox, peers, streams, todo["id"], minutes)
        standing = sandbox.meter.read()["standing"]
        steady = await counted(sandbox)
    return Phases(
        connecting=connecting,
        subscribing=subscribing,
        steady=steady,
        standing=standing,
        minutes=minutes,
        repeated=door.repeated,
    )


async def settled(sandbox: Handle) -> Counts:
    """What subscribing takes, the reminder included that a worker looks at a minute later and finds done."""
    await asyncio.to_thread(sandbox.clock.advance, ABANDONED_SECONDS + EARLY_SECONDS)
    return await counted(sandbox)


async def _change(sandbox: Handle, peers: Sequence[Peer], streams: Sequence[Stream], todo: str, minutes: int) -> None:
    began = sandbox.clock.now()
    for minute in range(minutes):
        await peers[minute % SUBSCRIBERS].call(ACTOR, "renameTodo", todo, title(minute + 1))
        await all_have(streams, 2 + minute)
        due = began + 60 * (minute + 1) - EARLY_SECONDS
        await asyncio.to_thread(sandbox.clock.advance, max(0.0, due - sandbox.clock.now()))


def title(number: int) -> str:
    """A text that makes the state 1 KB."""
    return f"{number:04}".ljust(STATE_BYTES - 80, "x")


def price(phases: Phases) -> Hour:
    """The whole workload: a hundred such actors for an hour."""
    actors = CONNECTIONS / SUBSCRIBERS
    return Hour(
        steady=parts(bill_of(phases.steady, actors * MINUTES / phases.minutes)),
        connecting=parts(_coming(phases.connecting, actors)),
        subscribing=parts(_coming(phases.subscribing, actors)),
        standing=sum(line.usd for line in standing_bill(phases.standing, 1.0)),
        repeated=phases.repeated,
    )


def _coming(counts: Counts, actors: float) -> list[Line]:
    """Connection minutes are the steady hour's: coming itself takes none."""
    return bill_of((one for one in counts if one["unit"] != CONNECTION_MINUTES), actors)
