"""``python -m bench.delivery``: from a call to its last subscriber, against the page's algorithm on the same sandbox.

Ours is the program as it is deployed. The rival is a stack of its own beside it, of what the page describes:
subscribers by the index of the connections table, and for each of them, one after the other, a look whether the
connection lives, a post and a write of its sequence number, with boto3 and clients that are made once. Both have the
emulator's functions, tables and sockets; they take turns, and a call waits until the one before it has arrived.

And how many frames subscribers get of an actor that changes twenty times a second: each value, and the latest only.
"""

import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import click
from websockets.asyncio.client import ClientConnection, connect

from tests.loop.conftest import Deployed
from tests.loop.peer import Peer, Stream
from tests.loop.stack import deployed_stack
from tests.support.sandbox import Aws

HELD_AT: Final = 100
LIMIT: Final = 5.0
"""Times as fast, with so many subscribers."""
HOT: Final = 10
"""Subscribers of each kind of an actor that changes twenty times a second."""
UPDATES: Final = 120
PAUSE_SECONDS: Final = 0.05
WINDOW: Final = {"type": "custom", "name": "latest", "parameters": {"window": "250"}}
FRAMES_LIMIT: Final = 4.5
SHORT: Final = (1, 100)
FULL: Final = (1, 100, 1_000)
ROUNDS: Final = {1: 9, 100: 5, 1_000: 2}
AT_ONCE: Final = 16
"""Subscribers that are being connected: the sandbox starts a function's process for each."""

MADE_ONCE: Final = """
import boto3, json, os, time
known = handle.__dict__
if not known:
    known["dynamodb"] = boto3.client("dynamodb")
"""
WEBSOCKET: Final = (
    MADE_ONCE
    + """
print("called")
context = event["requestContext"]
key = {{"connectionId": {{"S": context["connectionId"]}}}}
if context["routeKey"] == "$connect":
    lasting = {{"connectedAt": {{"N": str(context["connectedAt"])}}, "ttl": {{"N": str(int(time.time()) + 86400)}}}}
    known["dynamodb"].put_item(TableName="{connections}", Item={{**key, **lasting}})
    return {{"statusCode": 200}}
frame = json.loads(event["body"])
if frame["type"] == "observe":
    known["dynamodb"].update_item(
        TableName="{connections}", Key=key,
        UpdateExpression="SET actorId = :a, streamId = :s, lastSequence = :n",
        ExpressionAttributeValues={{
            ":a": {{"S": frame["actor"]}}, ":s": {{"S": context["connectionId"]}}, ":n": {{"N": "0"}}}},
    )
else:
    known["dynamodb"].put_item(TableName="{states}", Item={{
        "actorId": {{"S": frame["actor"]}}, "state": {{"B": json.dumps(frame["state"]).encode()}},
        "sequenceNumber": {{"N": str(frame["number"])}}}})
return {{"statusCode": 200, "body": json.dumps({{"done": frame["type"]}})}}
"""
)
PROCESSOR: Final = (
    MADE_ONCE
    + """
import base64
if "api" not in known:
    known["api"] = boto3.client("apigatewaymanagementapi", endpoint_url="{endpoint}")
print("called")
for record in event["Records"]:
    image = record["dynamodb"]["NewImage"]
    pages = known["dynamodb"].get_paginator("query").paginate(
        TableName="{connections}", IndexName="actorId-index", KeyConditionExpression="actorId = :a",
        ExpressionAttributeValues={{":a": image["actorId"]}})
    for item in (item for page in pages for item in page["Items"]):
        connection = item["connectionId"]["S"]
        try:
            known["api"].get_connection(ConnectionId=connection)
        except known["api"].exceptions.GoneException:
            known["dynamodb"].delete_item(TableName="{connections}", Key={{"connectionId": item["connectionId"]}})
            continue
        frame = {{"type": "streamData", "payload": {{
            "streamID": item["streamId"]["S"], "sequenceNumber": int(image["sequenceNumber"]["N"]),
            "data": image["state"]["B"]}}}}
        known["api"].post_to_connection(ConnectionId=connection, Data=json.dumps(frame).encode())
        known["dynamodb"].update_item(
            TableName="{connections}", Key={{"connectionId": item["connectionId"]}},
            UpdateExpression="SET lastSequence = :n", ExpressionAttributeValues={{":n": image["sequenceNumber"]}})
"""
)


class Audience(Protocol):
    """Subscribers of one actor, and somebody who calls it."""

    async def call(self, number: int) -> None:
        """Change the actor's state, without waiting for the answer."""

    async def arrived(self, number: int) -> None:
        """Wait until that change has come to every subscriber."""


@dataclass(frozen=True)
class Figures:
    """Medians of seconds from a call to its last subscriber, by the number of subscribers."""

    ours: dict[int, float]
    rival: dict[int, float]
    every: int
    """Frames of a hot actor to those who get every value."""
    latest: int
    """And to as many who get the latest value per window."""

    @property
    def frames_ratio(self) -> float:
        """How many times fewer the latter are."""
        return self.every / self.latest

    @property
    def ratios(self) -> dict[int, float]:
        """How many times as fast ours are."""
        return {count: self.rival[count] / seconds for count, seconds in self.ours.items()}

    @property
    def good(self) -> bool:
        """Whether that is enough where it is held."""
        return self.ratios.get(HELD_AT, LIMIT) >= LIMIT and self.frames_ratio >= FRAMES_LIMIT

    def to_json(self) -> str:
        """All of it, with the ratios."""
        return json.dumps({**asdict(self), "ratios": self.ratios, "frames_ratio": self.frames_ratio, "good": self.good})


@dataclass
class Ours:
    """On the deployed program's lists."""

    actor: str
    caller: Peer
    streams: list[Stream]

    async def call(self, number: int) -> None:
        """Add a todo."""
        await self.caller.call(self.actor, "addTodo", f"Todo {number}")

    async def arrived(self, number: int) -> None:
        """The first value of a stream is the state as it was when it began."""
        await asyncio.gather(*(stream.until(number + 1) for stream in self.streams))


@dataclass
class Pages:
    """On the page's algorithm."""

    actor: str
    caller: ClientConnection
    sockets: list[ClientConnection]

    async def call(self, number: int) -> None:
        """Write a state of the same size."""
        todos = [{"id": str(uuid.uuid4()), "title": f"Todo {one}", "completed": False} for one in range(number)]
        await ask(self.caller, {"type": "call", "actor": self.actor, "number": number, "state": {"todos": todos}})

    async def arrived(self, number: int) -> None:
        """A frame for each call."""
        frames = await asyncio.gather(*(socket.recv() for socket in self.sockets))
        assert {json.loads(frame)["payload"]["sequenceNumber"] for frame in frames} == {number}


async def ask(socket: ClientConnection, frame: dict[str, Any]) -> None:
    """Send a frame and wait for its reply."""
    await socket.send(json.dumps(frame))
    await socket.recv()


@asynccontextmanager
async def our_audience(deployed: Deployed, count: int) -> AsyncIterator[Audience]:
    """So many connections, each with a stream of a new list."""
    actor = f"todos/{uuid.uuid4().hex}"
    limit = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:

        async def watch() -> Stream:
            async with limit:
                peer = await stack.enter_async_context(Peer.at(deployed.endpoint))
                stream = await peer.observe(actor)
                await stream.until(1)
                return stream

        streams = await asyncio.gather(*(watch() for _ in range(count)))
        yield Ours(actor, await stack.enter_async_context(Peer.at(deployed.endpoint)), list(streams))


@asynccontextmanager
async def pages_audience(url: str, count: int) -> AsyncIterator[Audience]:
    """So many connections that observe a new actor."""
    actor = uuid.uuid4().hex
    limit = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:

        async def watch() -> ClientConnection:
            async with limit:
                socket = await stack.enter_async_context(connect(url, proxy=None, open_timeout=60))
                await ask(socket, {"type": "observe", "actor": actor})
                return socket

        sockets = await asyncio.gather(*(watch() for _ in range(count)))
        yield Pages(actor, await stack.enter_async_context(connect(url, proxy=None)), list(sockets))


def deploy_page(aws: Aws) -> str:
    """The page's tables, functions and API; the address of its sockets."""
    connections, states = f"connections-{uuid.uuid4().hex[:8]}", f"states-{uuid.uuid4().hex[:8]}"
    texts = ("connectionId", "actorId", "streamId")
    aws.dynamodb.create_table(
        TableName=connections,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in texts],
        KeySchema=[{"AttributeName": "connectionId", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "actorId-index",
                "KeySchema": [
                    {"AttributeName": "actorId", "KeyType": "HASH"},
                    {"AttributeName": "streamId", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    stream = aws.dynamodb.create_table(
        TableName=states,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "actorId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "actorId", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    function = aws.function(WEBSOCKET.format(connections=connections, states=states))
    socket = aws.web_socket({"$connect": function, "$default": function})
    processor = aws.function(
        PROCESSOR.format(connections=connections, endpoint=socket.management_url), timeout=900, permitted=False
    )
    aws.functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=processor.arn, StartingPosition="LATEST", BatchSize=100
    )
    return socket.url


async def timed(audience: Audience, number: int) -> float:
    """Seconds from a call to its last subscriber."""
    started = time.perf_counter()
    _, _ = await asyncio.gather(audience.call(number), audience.arrived(number))
    return time.perf_counter() - started


async def frames(deployed: Deployed) -> tuple[int, int]:
    """Frames to those who get every value of a hot actor, and to those who get the latest; all end on the last one."""
    actors = [f"todos/{uuid.uuid4().hex}" for _ in range(2)]
    async with AsyncExitStack() as stack:
        audiences = []
        for actor, wanted in zip(actors, ({"type": "all"}, WINDOW), strict=True):
            peers = [await stack.enter_async_context(Peer.at(deployed.endpoint)) for _ in range(HOT)]
            audiences.append([await peer.observe(actor, streamFilter=wanted) for peer in peers])
        started = time.perf_counter()
        for number in range(1, UPDATES + 1):
            await asyncio.to_thread(_write, deployed, actors, number)
            await asyncio.sleep(max(0.0, started + number * PAUSE_SECONDS - time.perf_counter()))
        last = f"Todo {UPDATES}"
        for stream in (stream for audience in audiences for stream in audience):
            await stream.until_true(lambda values: values and values[-1]["todos"][:1] == [_todo(last)])
            assert stream.numbers == sorted(set(stream.numbers))
    every, latest = (sum(len(stream.values) - 1 for stream in audience) for audience in audiences)
    return every, latest


def _write(deployed: Deployed, actors: list[str], number: int) -> None:
    """Write a version of each actor, as turns do that nobody waits for."""
    for actor in actors:
        deployed.aws.dynamodb.put_item(
            TableName=deployed.outputs["state_table"],
            Item={
                "actorId": {"S": actor},
                "state": {"B": json.dumps({"todos": [_todo(f"Todo {number}")]}).encode()},
                "version": {"N": str(number)},
                "schema": {"N": "1"},
                "updatedAt": {"N": str(int(time.time() * 1000))},
            },
        )


def _todo(title: str) -> dict[str, Any]:
    return {"id": "1", "title": title, "completed": False}


async def measure(deployed: Deployed, url: str, counts: tuple[int, ...]) -> Figures:
    """Both in turns for each number of subscribers; the first round of each only starts functions."""
    taken: dict[str, dict[int, float]] = {"ours": {}, "rival": {}}
    for count in counts:
        async with our_audience(deployed, count) as ours, pages_audience(url, count) as rival:
            rounds = [
                (await timed(ours, number), await timed(rival, number)) for number in range(1, ROUNDS[count] + 2)
            ][1:]
        for name, column in zip(taken, zip(*rounds, strict=True), strict=True):
            taken[name][count] = statistics.median(column)
    return Figures(taken["ours"], taken["rival"], *await frames(deployed))


@click.command()
@click.option("--full", is_flag=True, help="With 1,000 subscribers too, which takes ten minutes more.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(full: bool, as_json: bool) -> None:
    """Measure ours against the page's algorithm; exit 1 when it is not five times as fast with 100 subscribers."""
    with deployed_stack() as deployed, tempfile.TemporaryDirectory() as folder:
        url = deploy_page(Aws(deployed.local.environment["AWS_ENDPOINT_URL"], Path(folder)))
        figures = asyncio.run(measure(deployed, url, FULL if full else SHORT))
    if as_json:
        click.echo(figures.to_json())
    else:
        for count, ratio in figures.ratios.items():
            ours, rival = figures.ours[count], figures.rival[count]
            told = f" (at least {LIMIT:.0f})" if count == HELD_AT else ""
            click.echo(
                f"{count} subscribers: {ours:.2f} s, the page's algorithm {rival:.2f} s: {ratio:.1f} times{told}"
            )
        click.echo(
            f"{UPDATES} updates in {UPDATES * PAUSE_SECONDS:.0f} s to {HOT} subscribers: {figures.every} frames, "
            f"{figures.latest} with a window of 250 ms: {figures.frames_ratio:.1f} times fewer "
            f"(at least {FRAMES_LIMIT})"
        )
    raise SystemExit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
