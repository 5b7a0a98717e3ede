"""A fixed piece of traffic on a deployed stack, what its clients saw of it, and what the meter counted."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bench.peers import Door
from sandbox.handle import Handle
from sandbox.meter.units import CONNECTION_MINUTES, INVOCATIONS, READ_UNITS
from tests.loop.conftest import Deployed
from tests.loop.peer import Stream
from trebuche.handover import ABANDONED_SECONDS

QUIET_SECONDS: Final = 1.0
"""For how long nothing may be counted before a run begins or is read: disconnects and late logs come by themselves."""
SUBSCRIPTIONS: Final = "-subscriptions"
"""The end of the table's name."""
LATE_SECONDS: Final = 5
"""After the time of the reminders: they are all due, and not just now."""
DEADLINE_SECONDS: Final = 300.0
"""A hundred disconnects take that long on a machine that does much else."""
Counts = Sequence[Mapping[str, Any]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the clients saw of a run.

    Args:
        frames: Sent and received by all of them.
        received_bytes: Of the frames received.
        deliveries: Changes that came to subscribers.
    """

    frames: int
    received_bytes: int
    deliveries: int


async def play(
    deployed: Deployed, actor: str, *, calls: int, subscribers: int, read: Callable[[], T], text: str = "x"
) -> tuple[Seen, T]:
    """Have so many subscribers watch an actor, one of them change it so often, and all of them see each change.

    The meter begins at zero when everybody has subscribed and no reminder of it is left, also of those who were there
    before: it would be counted a minute later. The actor then has its first version. ``read`` is called
    before anybody leaves, which would be counted, too; what it returns comes behind what the clients saw.
    """
    sandbox = sandbox_of(deployed)
    async with AsyncExitStack() as stack:
        door = Door(deployed.endpoint, stack)
        peers = [await door.enter() for _ in range(subscribers)]
        todo = await peers[0].call(actor, "addTodo", text)
        await reminders_are_due(sandbox)
        await counted(sandbox)
        streams = [await peer.observe(actor) for peer in peers]
        await all_have(streams, 1)
        await reminders_are_due(sandbox)
        await counted(sandbox, reads=(SUBSCRIPTIONS, subscribers))
        before = [(peer.sent, peer.received, peer.received_bytes) for peer in peers]
        for number in range(calls):
            await peers[0].call(actor, "renameTodo", todo["id"], f"{text}{number}")
            await all_have(streams, 2 + number)
        await quiet(sandbox)
        sent, received, size = (
            sum(getattr(peer, name) - was[index] for peer, was in zip(peers, before, strict=True))
            for index, name in enumerate(("sent", "received", "received_bytes"))
        )
        deliveries = sum(len(stream.values) - 1 for stream in streams)
        seen = Seen(frames=sent + received, received_bytes=size, deliveries=deliveries)
        return seen, await asyncio.to_thread(read)


async def all_have(streams: Sequence[Stream], number: int) -> None:
    """Wait until each stream has brought so many values."""
    await asyncio.gather(*(stream.until(number) for stream in streams))


async def reminders_are_due(sandbox: Handle) -> None:
    """Let so much time pass that workers look at the reminders of all who subscribed, and find them done."""
    await asyncio.to_thread(sandbox.clock.advance, ABANDONED_SECONDS + LATE_SECONDS)


async def quiet(sandbox: Handle) -> None:
    """Wait until nothing has been counted for a while, except time."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    last = None
    while last != (now := _without_minutes(sandbox.meter.read()["counts"])):
        if time.monotonic() > deadline:
            raise TimeoutError(f"The sandbox was not quiet for {QUIET_SECONDS} s within {DEADLINE_SECONDS} s")
        last = now
        await asyncio.sleep(QUIET_SECONDS)


async def counted(sandbox: Handle, *, invocations: int = 0, reads: tuple[str, int] = ("", 0)) -> Counts:
    """What the meter has once everything is over; it begins at zero after that.

    Args:
        sandbox: Whose meter.
        invocations: So many at least belong to it: on a busy machine one may begin after a long silence.
        reads: The end of a table's name, and how many of its items at least are read one by one.

    Raises:
        TimeoutError: It is not over in time.
    """
    table, items = reads
    async with asyncio.timeout(DEADLINE_SECONDS):
        while _amount(sandbox, INVOCATIONS) < invocations or _amount(sandbox, READ_UNITS, "GetItem", table) < items:
            await asyncio.sleep(QUIET_SECONDS)
    await quiet(sandbox)
    counts: Counts = sandbox.meter.read()["counts"]
    sandbox.meter.reset()
    return counts


def sandbox_of(deployed: Deployed) -> Handle:
    """The sandbox that a stack is deployed on."""
    return Handle(deployed.local.environment["AWS_ENDPOINT_URL"])


def _without_minutes(counts: Counts) -> list[Mapping[str, Any]]:
    return [one for one in counts if one["unit"] != CONNECTION_MINUTES]


def _amount(sandbox: Handle, unit: str, cause: str = "", resource: str = "") -> float:
    counts = sandbox.meter.read()["counts"]
    chosen = (one for one in counts if one["unit"] == unit and cause in one["cause"] and resource in one["resource"])
    return float(sum(one["amount"] for one in chosen))
