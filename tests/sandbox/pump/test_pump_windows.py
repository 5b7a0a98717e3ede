"""Tumbling windows: a state that goes from invocation to invocation, and ends with its time."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.client import RunningSandbox
from sandbox.clock import Clock
from tests.support.front import turnable_front
from tests.support.sandbox import Aws, Function, Json, eventually

COUNTS = """
record(event)
entries = event["state"].get("entries", []) + [r["dynamodb"]["Keys"]["entry"]["S"] for r in event["Records"]]
if event["isFinalInvokeForWindow"] and entries[0].startswith("bad"):
    raise ValueError("bad")
return {"state": {"entries": entries, "long": "x" * (1 << 20) if "long" in entries else ""}}
"""
LENGTH = 900
"""Seconds of a window: more than a slow machine needs for a test."""


def window_at(seconds: float, length: int) -> Json:
    """The window of a time, as events show it."""
    start = int(seconds // length) * length
    return {"start": iso(start), "end": iso(start + length)}


def iso(seconds: float) -> str:
    """A time without fractions in ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seen(function: Function) -> list[tuple[list[str], list[str], bool]]:
    """What each invocation got: entries, those of the state, and whether it was the window's last."""
    return [
        (
            [record["dynamodb"]["Keys"]["entry"]["S"] for record in event["Records"]],
            event["state"].get("entries", []),
            event["isFinalInvokeForWindow"],
        )
        for event in function.events()
    ]


class Stage:
    """A table, a function that counts, and a clock to turn."""

    def __init__(self, aws: Aws, clock: Clock, settings: Json) -> None:
        self.aws, self.clock = aws, clock
        self.table, self.stream = aws.table()
        self.function = aws.function(COUNTS)
        wish: Json = {"StartingPosition": "TRIM_HORIZON", "TumblingWindowInSeconds": LENGTH, **settings}
        made = aws.functions.create_event_source_mapping(
            EventSourceArn=self.stream, FunctionName=self.function.name, **wish
        )
        self.mapping = made["UUID"]

    async def put(self, *entries: str) -> None:
        """Write items of one key, and wait until the function has got each."""
        for entry in entries:
            before = len(self.function.events())
            await asyncio.to_thread(self.aws.put, self.table, "todos", entry)
            await self.got(before + 1)

    async def got(self, number: int) -> list[tuple[list[str], list[str], bool]]:
        """What the function got, once there were so many invocations."""
        await asyncio.to_thread(eventually, self.function.events, lambda events: len(events) >= number)
        return seen(self.function)

    async def to_start(self) -> None:
        """Turn the clock to the beginning of a window."""
        await self.clock.pass_time(LENGTH - self.clock.now() % LENGTH + 0.5)


def play(sandbox: RunningSandbox, folder: Path, script: Any, **settings: Any) -> None:
    """Run a script on a front of its own, whose clock can be turned."""

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            stage = await asyncio.to_thread(Stage, Aws(front.endpoint, folder), front.clock, settings)
            await stage.to_start()
            await script(stage)

    asyncio.run(main())


def test_a_window_keeps_state_between_invocations(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Each invocation gets what the one before returned; the last one, at the window's end, gets no records."""

    async def script(stage: Stage) -> None:
        began = stage.clock.now()
        await stage.put("a", "b")
        await stage.clock.pass_time(LENGTH + 2)
        assert await stage.got(3) == [(["a"], [], False), (["b"], ["a"], False), ([], ["a", "b"], True)]
        first = stage.function.events()[0]
        assert first["window"] == window_at(began, LENGTH)
        assert (first["eventSourceARN"], first["isWindowTerminatedEarly"]) == (stage.stream, False)
        assert first["shardId"].startswith("shardId-")
        await stage.put("c")
        assert seen(stage.function)[3] == (["c"], [], False)

    play(sandbox, tmp_path, script)


def test_a_batch_belongs_to_one_window(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Records of two windows that wait together are delivered apart, with the end of the first one in between."""

    async def script(stage: Stage) -> None:
        functions = stage.aws.functions
        await asyncio.to_thread(functions.update_event_source_mapping, UUID=stage.mapping, Enabled=False)
        for entry in ("a", "b"):
            await asyncio.to_thread(stage.aws.put, stage.table, "todos", entry)
        await stage.clock.pass_time(LENGTH)
        await asyncio.to_thread(stage.aws.put, stage.table, "todos", "c")
        await asyncio.to_thread(functions.update_event_source_mapping, UUID=stage.mapping, Enabled=True)
        assert await stage.got(3) == [(["a", "b"], [], False), ([], ["a", "b"], True), (["c"], [], False)]

    play(sandbox, tmp_path, script, BatchSize=10)


def test_a_state_above_1_mb_ends_its_window(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """The function is told so, and begins anew in what is left of the window."""

    async def script(stage: Stage) -> None:
        await stage.put("long")
        got = await stage.got(2)
        assert got[1] == ([], ["long"], True)
        assert stage.function.events()[1]["isWindowTerminatedEarly"] is True
        await stage.put("b")
        assert seen(stage.function)[2] == (["b"], [], False)

    play(sandbox, tmp_path, script)


def test_an_end_that_fails_is_tried_again_and_given_up(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """As often as the mapping retries; then the next window begins."""

    async def script(stage: Stage) -> None:
        await stage.put("bad")
        await stage.clock.pass_time(LENGTH + 2)
        await stage.got(3)
        await stage.put("c")
        assert seen(stage.function) == [
            (["bad"], [], False),
            ([], ["bad"], True),
            ([], ["bad"], True),
            (["c"], [], False),
        ]

    play(sandbox, tmp_path, script, MaximumRetryAttempts=1)


def test_a_stream_that_ends_ends_its_window(aws: Aws) -> None:
    """What has been gathered is processed before the mapping stands still."""
    table, stream = aws.table()
    function = aws.function(COUNTS)
    aws.functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=function.name, StartingPosition="TRIM_HORIZON", TumblingWindowInSeconds=900
    )
    aws.put(table, "todos", "a")
    eventually(function.events)
    aws.dynamodb.delete_table(TableName=table)
    assert eventually(lambda: [one for one in seen(function) if one[2]]) == [([], ["a"], True)]
