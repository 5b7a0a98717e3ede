"""Limits on a deployed stack: what comes at once meets many environments of many functions, and one count."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.loop.conftest import Deployed
from tests.loop.peer import CallFailedError, Peer
from tests.loop.stack import deployed_stack

RATE, BURST, STREAMS = 1, 4, 2
AT_ONCE = 10
LIMITS = f"\nlimits: {{connection: {{rate: {RATE}, burst: {BURST}}}, streams: {STREAMS}}}\n"


@pytest.fixture(scope="module")
def limited() -> Iterator[Deployed]:
    """The shipped program with limits in its trebuche.yaml."""
    with deployed_stack(config=LIMITS) as deployed:
        yield deployed


async def told(peer: Peer, actor: str, *, action: bool) -> str:
    """The code that a call is refused with; ``served`` if it is not."""
    try:
        await peer.call(actor, "clearCompleted", action=action)
    except CallFailedError as error:
        return str(error.payload["code"])
    return "served"


@pytest.mark.parametrize(
    ("actors", "code"),
    [
        pytest.param([("todos/burst", True)], "served", id="by the actor's own route"),
        pytest.param([("todos/burst", True), ("todos/burst", False)], "served", id="by both routes"),
        pytest.param([("nosuch", False)], "actor-not-found", id="for an actor that there is not"),
    ],
)
def test_a_burst_gets_what_one_bucket_holds(limited: Deployed, actors: list[tuple[str, bool]], code: str) -> None:
    """However many environments take its frames: the burst, and what the rate adds while it lasts."""

    async def scenario() -> tuple[Counter[str], float]:
        async with Peer.at(limited.endpoint) as peer:
            started = time.monotonic()
            calls = [told(peer, *actors[number % len(actors)][:1], action=actors[number % len(actors)][1])
                     for number in range(AT_ONCE)]  # fmt: skip
            codes = Counter(await asyncio.gather(*calls))
            return codes, time.monotonic() - started

    codes, seconds = asyncio.run(scenario())
    assert set(codes) <= {code, "limited"}
    assert BURST <= codes[code] <= BURST + RATE * seconds + 1


def test_streams_that_are_asked_for_at_once_are_no_more_than_allowed(limited: Deployed) -> None:
    """The others are refused by name, and their rows are nowhere."""

    async def scenario() -> list[Any]:
        async with Peer.at(limited.endpoint) as peer:
            streams = await asyncio.gather(*(peer.observe(f"todos/at-once-{number}") for number in range(BURST)))
            outcomes = await asyncio.gather(*(_first(stream) for stream in streams))
            rows = limited.aws.dynamodb.scan(TableName=limited.outputs["subscriptions_table"])["Items"]
            assert (
                len([row for row in rows if row.get("actorId", {}).get("S", "").startswith("todos/at-once")]) == STREAMS
            )
            return outcomes

    assert Counter(asyncio.run(scenario())) == {"value": STREAMS, "too-much": BURST - STREAMS}


async def _first(stream: Any) -> str:
    """What a stream brings: a value, or the code with which it ends."""
    value, ended = asyncio.ensure_future(stream.until(1)), asyncio.ensure_future(stream.until_ended())
    await asyncio.wait({value, ended}, return_when=asyncio.FIRST_COMPLETED)
    value.cancel()
    ended.cancel()
    return str(stream.ended["payload"]["code"]) if stream.ended else "value"
