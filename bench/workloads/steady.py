"""W1: one of its actors with a hundred subscribers, changed once a minute; what is counted, and what it all costs."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from bench.cost_run import SUBSCRIPTIONS, Counts, all_have, counted, reminders_are_due, sandbox_of
from bench.peers import Door
from bench.workloads.parts import TRANSFER, Parts, parts
from cli.cost.bill import Line, bill_of, standing_bill
from sandbox.handle import Handle
from sandbox.meter.units import CONNECTION_MINUTES
from tests.loop.conftest import Deployed
from tests.loop.peer import Peer, Stream

CONNECTIONS: Final = 10_000
SUBSCRIBERS: Final = 100
MINUTES: Final = 60
STATE_BYTES: Final = 1024
ACTOR: Final = "todos/w1"
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
    leaving: Counts
    standing: Counts
    minutes: int
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Hour:
    """The workload's hour, in US dollars by part; what comes before and after it, and stands around it, apart."""

    steady: Parts
    connecting: Parts
    subscribing: Parts
    leaving: Parts
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
            "leaving": self.leaving,
            "standing": self.standing,
            "repeatedHandshakes": self.repeated,
        }


async def run(deployed: Deployed, minutes: int, subscribers: int = SUBSCRIBERS) -> Phases:
    """Connect, subscribe, have the actor changed once in each of so many minutes, and leave."""
    sandbox = sandbox_of(deployed)
    await reminders_are_due(sandbox)
    await counted(sandbox)
    async with AsyncExitStack() as stack:
        door = Door(deployed.endpoint, stack)
        peers = [await door.enter() for _ in range(subscribers)]
        connecting = await counted(sandbox, invocations=subscribers)
        todo = await peers[0].call(ACTOR, "addTodo", title(0))
        await counted(sandbox, invocations=2)
        streams = [await peer.observe(ACTOR) for peer in peers]
        await all_have(streams, 1)
        await reminders_are_due(sandbox)
        # A worker takes up to ten reminders at once, and reads the row of each.
        subscribing = await counted(sandbox, invocations=subscribers, reads=(SUBSCRIPTIONS, subscribers))
        await _change(sandbox, peers, streams, todo["id"], 1)  # the first one finds that there are so many
        await counted(sandbox, invocations=2)
        await _change(sandbox, peers, streams, todo["id"], minutes)
        standing = sandbox.meter.read()["standing"]
        steady = await counted(sandbox, invocations=2 * minutes)
    return Phases(
        connecting=connecting,
        subscribing=subscribing,
        steady=steady,
        leaving=await counted(sandbox, invocations=subscribers),
        standing=standing,
        minutes=minutes,
        repeated=door.repeated,
    )


async def _change(sandbox: Handle, peers: Sequence[Peer], streams: Sequence[Stream], todo: str, minutes: int) -> None:
    began, had = sandbox.clock.now(), len(streams[0].values)
    for minute in range(1, minutes + 1):
        await peers[minute % len(peers)].call(ACTOR, "renameTodo", todo, title(had + minute))
        await all_have(streams, had + minute)
        due = began + 60 * minute - EARLY_SECONDS
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
        leaving=parts(_coming(phases.leaving, actors)),
        standing=sum(line.usd for line in standing_bill(phases.standing, 1.0)),
        repeated=phases.repeated,
    )


def _coming(counts: Counts, actors: float) -> list[Line]:
    """Connection minutes are the steady hour's: coming and going take none."""
    return bill_of((one for one in counts if one["unit"] != CONNECTION_MINUTES), actors)
