"""What the sandbox's meter counts for the five optimisations, and how it is kept."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench.cost_gate import ROOT
from bench.cost_run import Counts, counted, sandbox_of
from bench.peers import Door
from bench.savings.compression import Frame, frames
from bench.workloads import steady
from cli.cost import prediction
from cli.cost.asked import machines_of
from cli.cost.prices import ARM
from cli.cost.traffic import Traffic
from sandbox.meter.units import CONNECTION_MINUTES, INVOCATIONS, WRITE_UNITS
from tests.loop.conftest import Deployed

FILE: Final = Path(__file__).with_name("counted.json")
ITEMS: Final = 25
"""As many as a batch of DynamoDB's takes."""
TABLE: Final = "savings"
ACTORS: Final = 10
CHANGES: Final = 5
"""Of each of them, all actors at the same time."""
SETTLED_SECONDS: Final = 5.0
"""For which a busy machine may keep a lane's next invocation waiting."""
PROCESSOR: Final = "stream-processor"
Units = dict[str, float]
"""Amounts by ``<unit> (<cause>)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Everything that was counted.

    Args:
        hour: Of W1's steady hour.
        coming: Of one connection: connecting, subscribing and leaving.
        single: Write units of 25 items, each put by itself.
        batch: Write units of the same in one batch.
        changes: That many actors made together.
        one_by_one: Invocations of the stream processor for them, a change to each.
        together: The same as it is deployed, with batches.
        frames: Of states of several sizes, plain and compressed.
    """

    hour: Units
    coming: Units
    single: float
    batch: float
    changes: int
    one_by_one: float
    together: float
    frames: tuple[Frame, ...]


def load() -> Counted:
    """What was counted last."""
    document = json.loads(FILE.read_text())
    return Counted(**{**document, "frames": tuple(Frame(**one) for one in document["frames"])})


def save(what: Counted) -> None:
    """Keep it."""
    FILE.write_text(json.dumps(asdict(what), indent=2) + "\n")


async def measure(deployed: Deployed, minutes: int) -> Counted:
    """Run W1 for some minutes of its hour, and batches beside what is not batched."""
    phases = await steady.run(deployed, minutes)
    single, batch = await _items(deployed)
    one_by_one, together = await _streamed(deployed)
    actors = steady.CONNECTIONS / steady.SUBSCRIBERS
    around = [*phases.connecting, *phases.subscribing, *phases.leaving]
    traffic = Traffic(connections=steady.CONNECTIONS, subscribers=steady.SUBSCRIBERS, size=steady.STATE_BYTES, hours=1)
    machines = machines_of(ROOT)
    return Counted(
        hour=_by_cause(phases.steady, actors * steady.MINUTES / minutes)
        | _run_time(prediction.steady(traffic, machines), 1),
        coming=_by_cause(around, 1 / steady.SUBSCRIBERS, CONNECTION_MINUTES)
        | _run_time(prediction.arriving(traffic, machines), 1 / steady.CONNECTIONS),
        single=single,
        batch=batch,
        changes=ACTORS * CHANGES,
        one_by_one=one_by_one,
        together=together,
        frames=tuple(frames()),
    )


async def _items(deployed: Deployed) -> tuple[float, float]:
    """Write units of as many items as fit into a batch, each put by itself and all in one."""
    dynamodb, sandbox = deployed.aws.dynamodb, sandbox_of(deployed)
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    items: Sequence[Any] = [{"id": {"S": f"{number:04}"}, "text": {"S": "x" * 500}} for number in range(ITEMS)]
    await counted(sandbox)
    for item in items:
        dynamodb.put_item(TableName=TABLE, Item=item)
    single = _amount(await counted(sandbox), WRITE_UNITS, TABLE)
    dynamodb.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in items]})
    return single, _amount(await counted(sandbox), WRITE_UNITS, TABLE)


async def _streamed(deployed: Deployed) -> tuple[float, float]:
    """Invocations for changes of many actors at once: by batches of one, and as it is deployed."""
    functions = deployed.aws.functions
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    [mapping] = [one for one in mappings if PROCESSOR in one["FunctionArn"]]
    functions.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=1)
    one_by_one = await _invocations(deployed, "single", ACTORS)
    functions.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=mapping["BatchSize"])
    return one_by_one, await _invocations(deployed, "batch", 1)


async def _invocations(deployed: Deployed, name: str, least: int) -> float:
    """Of the stream processor, for changes that all actors make at once; each time at least so many."""
    sandbox = sandbox_of(deployed)
    async with AsyncExitStack() as stack:
        door = Door(deployed.endpoint, stack)
        peers = [await door.enter() for _ in range(ACTORS)]
        await counted(sandbox, invocations=ACTORS)
        # The first change of each starts functions, and lets the mapping's new setting become its lanes'.
        for change in range(CHANGES + 1):
            calls = (peer.call(f"todos/{name}-{one}", "addTodo", f"{change}") for one, peer in enumerate(peers))
            await asyncio.gather(*calls)
            if not change:
                await asyncio.sleep(SETTLED_SECONDS)
                await counted(sandbox, invocations=ACTORS + least)
        await asyncio.sleep(SETTLED_SECONDS)
        return _amount(await counted(sandbox, invocations=CHANGES * (ACTORS + least)), INVOCATIONS, PROCESSOR)


def _amount(counts: Counts, unit: str, resource: str) -> float:
    return float(sum(one["amount"] for one in counts if one["unit"] == unit and resource in one["resource"]))


def _by_cause(counts: Sequence[Mapping[str, Any]], scale: float, *without: str) -> Units:
    sums: defaultdict[str, float] = defaultdict(float)
    for one in counts:
        if one["unit"] not in (ARM, *without):
            sums[f"{one['unit']} ({one['cause']})"] += one["amount"] * scale
    return {name: round(amount, 6) for name, amount in sorted(sums.items())}


def _run_time(counts: Sequence[Mapping[str, Any]], scale: float) -> Units:
    return {f"{ARM} (predicted)": round(sum(one["amount"] for one in counts if one["unit"] == ARM) * scale, 6)}
