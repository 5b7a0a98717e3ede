"""What ``trebuche cost`` predicts of ``limits`` and ``auth`` is what the sandbox's meter counts of them."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest

from bench.cost_run import SUBSCRIPTIONS, Counts, all_have, counted, reminders_are_due, sandbox_of
from bench.peers import Door
from bench.workloads.steady import STATE_BYTES, title
from cli.cost.asked import machines_of
from cli.cost.guards import AUTHORIZER, LIMITS, WATCH
from cli.cost.prediction import arriving, steady
from cli.cost.traffic import Machines, Traffic
from sandbox.meter.units import ALARM_METRICS, INVOCATIONS, QUEUE_REQUESTS, READ_UNITS, WRITE_UNITS
from tests.loop.conftest import STACK, Deployed
from tests.loop.stack import deployed_stack
from trebuche.departures import LONGEST_SECONDS

SUBSCRIBERS: Final = 4
CALLS: Final = 3
CONNECTIONS: Final = "-connections"
"""The end of the table's name."""
EXACT: Final = (WRITE_UNITS, READ_UNITS, INVOCATIONS, QUEUE_REQUESTS)
CONFIG: Final = """
auth: {api_keys: true}
limits: {connection: {rate: 1000}, principal: {rate: 1000}}
"""
HOURS: Final = LONGEST_SECONDS / 3600
TRAFFIC: Final = Traffic(
    connections=SUBSCRIBERS,
    subscribers=SUBSCRIBERS,
    updates_per_minute=CALLS / HOURS / 60,
    hours=HOURS,
    size=STATE_BYTES,
)


@dataclass(frozen=True)
class Guarded:
    """A run where both are on.

    Attributes:
        counts: What was counted of each part.
        repeated: Handshakes that failed on the way and are counted under connecting.
        standing: What costs by the month.
        machines: What the prediction knows of the program.
    """

    counts: dict[str, Counts]
    repeated: int
    standing: Counts
    machines: Machines


def sums(counts: Iterable[Mapping[str, Any]], *causes: str) -> dict[str, float]:
    """Amounts by unit, of these causes or of all."""
    chosen = [one for one in counts if not causes or one["cause"] in causes]
    return {unit: sum(one["amount"] for one in chosen if one["unit"] == unit) for unit in EXACT}


async def _run(deployed: Deployed, key: str) -> tuple[dict[str, Counts], int]:
    """Connect, subscribe, change an actor, and stay until somebody has looked whether the right has ended."""
    sandbox, actor = sandbox_of(deployed), "todos/guarded"
    counts: dict[str, Counts] = {}
    await counted(sandbox)
    async with AsyncExitStack() as stack:
        door = Door(f"{deployed.endpoint}?token={key}", stack)
        peers = [await door.enter() for _ in range(SUBSCRIBERS)]
        counts["connecting"] = await counted(sandbox, invocations=2 * SUBSCRIBERS)
        todo = await peers[0].call(actor, "addTodo", title(0))
        await counted(sandbox, invocations=2)
        streams = [await peer.observe(actor) for peer in peers]
        await all_have(streams, 1)
        await reminders_are_due(sandbox)
        counts["subscribing"] = await counted(sandbox, invocations=SUBSCRIBERS, reads=(SUBSCRIPTIONS, SUBSCRIBERS))
        for number in range(1, CALLS + 1):
            await peers[0].call(actor, "renameTodo", todo["id"], title(number))
            await all_have(streams, 1 + number)
        counts["calling"] = await counted(sandbox, invocations=2 * CALLS)
        for _ in range(2):
            # API Gateway ends what is silent for ten minutes.
            await asyncio.to_thread(sandbox.clock.advance, LONGEST_SECONDS / 2)
            await asyncio.gather(*(peer.socket.send('{"action":"ping"}') for peer in peers))
        counts["looking"] = await counted(sandbox, invocations=1, reads=(CONNECTIONS, SUBSCRIBERS))
    return counts, door.repeated


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """The shipped program with keys and both rates."""
    with deployed_stack(config=CONFIG) as deployed:
        local = deployed.local
        words = ("keys", "add", "billing", "--days", "30", "--json", "--stack", STACK)
        made = json.loads(local.workshop.trebuche(*words, variables=local.environment).stdout)
        counts, repeated = asyncio.run(_run(deployed, made["key"]))
        standing: Counts = sandbox_of(deployed).meter.read()["standing"]
        yield Guarded(counts, repeated, standing, machines_of(local.workshop.root))


@pytest.mark.parametrize(
    ("phase", "predict", "causes"),
    [
        ("connecting", arriving, ("connecting", AUTHORIZER, WATCH)),
        ("subscribing", arriving, ("subscribing", "reminders", LIMITS)),
        ("calling", steady, ("calls", "fan-out", LIMITS)),
        ("looking", steady, (WATCH,)),
    ],
)
def test_guards_take_what_is_predicted_of_them(
    guarded: Guarded, phase: str, predict: Callable[[Traffic, Machines], Counts], causes: tuple[str, ...]
) -> None:
    """To the last unit, but for messages of queues: a worker that is late takes several at once."""
    predicted, taken = sums(predict(TRAFFIC, guarded.machines), *causes), sums(guarded.counts[phase])
    if phase == "connecting" and guarded.repeated:
        pytest.skip("a busy machine let handshakes fail, which were counted, too")
    if phase in ("subscribing", "looking"):
        together = {unit: taken.pop(unit) for unit in (INVOCATIONS, QUEUE_REQUESTS)}
        assert [unit for unit in together if not 0 < together[unit] <= predicted[unit]] == []
    assert taken == {unit: predicted[unit] for unit in taken}


def test_alarms_of_guards_are_known(guarded: Guarded) -> None:
    """Those of the authorizer's function, and of the table of what was revoked."""
    assert sum(one["amount"] for one in guarded.standing if one["unit"] == ALARM_METRICS) == guarded.machines.alarms
