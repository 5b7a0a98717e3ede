"""Resuming long after a drop, on the sandbox's clock: a replay within a day, one snapshot after it, both told truly."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.handle import Handle
from tests.loop.conftest import Deployed
from tests.loop.peer import Peer, Stream
from tests.loop.stack import QUIET

CHANGED = ("lambda_src/actors/todo_list.py", "lambda_src/trebuche/__init__.py")


@dataclass
class Dropped:
    """A stream whose connection died after its second value; two more changes followed."""

    actor: str
    stream: Stream

    @property
    def last(self) -> int:
        """The last number that its reader got."""
        return self.stream.numbers[-1]


async def _drop(deployed: Deployed, actor: str) -> Dropped:
    async with Peer.at(deployed.endpoint) as caller:
        async with Peer.at(deployed.endpoint) as reader:
            stream = await reader.observe(actor)
            await caller.call(actor, "addTodo", "0")
            await stream.until(2)
            reader.break_off()
        for title in ("1", "2"):
            await caller.call(actor, "addTodo", title)
    return Dropped(actor, stream)


@dataclass
class Resumed:
    """What came on a resumed stream, up to a change that was made after it."""

    recovered: bool
    numbers: list[int]
    titles: list[list[str]]


async def _resume(deployed: Deployed, dropped: Dropped) -> Resumed:
    async with Peer.at(deployed.endpoint) as peer:
        stream = await peer.resume(dropped.actor, dropped.stream, dropped.last)
        await stream.until(1)
        await peer.call(dropped.actor, "addTodo", "later")
        values = await stream.until_true(lambda values: values[-1]["todos"][-1]["title"] == "later")
        titles = [[todo["title"] for todo in value["todos"]] for value in values]
        return Resumed(stream.start["recovered"], stream.numbers, titles)


def _check(replayed: Resumed, snapshot: Resumed, dropped: tuple[Dropped, Dropped]) -> None:
    first, second = dropped
    assert replayed.recovered is True
    assert replayed.titles == [["0", "1"], ["0", "1", "2"], ["0", "1", "2", "later"]]
    assert replayed.numbers == [first.last + 1, first.last + 2, first.last + 3]
    assert snapshot.recovered is False
    assert snapshot.titles == [["0", "1", "2"], ["0", "1", "2", "later"]]
    assert second.last < snapshot.numbers[0] < snapshot.numbers[1]


def test_replay_after_23_hours_and_snapshot_after_25(deployed: Deployed, todos: str) -> None:
    """Within a day what was missed comes under its own numbers; after it one value comes under a higher number."""
    clock = Handle(deployed.local.environment["AWS_ENDPOINT_URL"]).clock
    first, second = asyncio.run(_drop(deployed, todos)), asyncio.run(_drop(deployed, f"{todos}-2"))
    clock.advance("23h")
    replayed = asyncio.run(_resume(deployed, first))
    clock.advance("2h")
    snapshot = asyncio.run(_resume(deployed, second))
    _check(replayed, snapshot, (first, second))


def test_the_same_after_everything_was_deployed_anew(deployed: Deployed, todos: str) -> None:
    """New code and new environments of every function change nothing: what a resume needs lies in tables."""
    clock = Handle(deployed.local.environment["AWS_ENDPOINT_URL"]).clock
    first, second = asyncio.run(_drop(deployed, todos)), asyncio.run(_drop(deployed, f"{todos}-2"))
    with _new_code(deployed):
        clock.advance("23h")
        replayed = asyncio.run(_resume(deployed, first))
        clock.advance("2h")
        snapshot = asyncio.run(_resume(deployed, second))
    _check(replayed, snapshot, (first, second))


@contextmanager
def _new_code(deployed: Deployed) -> Iterator[None]:
    """A deployment that touches the actor's source and every function; taken back at the end."""
    workshop, before = deployed.local.workshop, _versions(deployed)
    files = [workshop.root / path for path in CHANGED]
    texts = [file.read_text() for file in files]
    for file, text in zip(files, texts, strict=True):
        file.write_text(f"{text}# another release\n")
    try:
        deployed.local.pulumi("up", *QUIET)
        assert all(old != new for old, new in zip(before, _versions(deployed), strict=True))
        yield
    finally:
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
        deployed.local.pulumi("up", *QUIET)


def _versions(deployed: Deployed) -> list[str]:
    """The version that each function's alias points to."""
    names = [arn.rsplit(":", 2)[1:] for arn in deployed.outputs["functions"].values()]
    return [deployed.aws.functions.get_alias(FunctionName=name, Name=alias)["FunctionVersion"] for name, alias in names]
