"""``python -m bench.fan_out``: processor time per post of the whole fan-out, against boto3 with 32 threads.

Both post the same changes to the same connections of one server, over TLS, in turns. The server checks each signature,
refuses some posts with 429 and lets some connections be gone. Ours is the stream processor from the records of the
table's stream on, with subscribers in memory; the rival gets its frames ready-made, and posts them in order with 32
threads, a connection each.
"""

import base64
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

import boto3
import click
from botocore.config import Config
from botocore.exceptions import ClientError

from bench.management_api import CREDENTIALS, REGION, Stage
from trebuche.adapters import clients
from trebuche.adapters.api_gateway import APIGatewayConnectionSender
from trebuche.adapters.memory import (
    InMemoryCatchUpQueue,
    InMemoryConnectionStorage,
    InMemoryInvoker,
    InMemoryRegistry,
    InMemoryStateStore,
    InMemorySubscriptionStorage,
    KeptLog,
)
from trebuche.adapters.system import SystemClock, SystemEntropy
from trebuche.contract import ACTOR_ID, STATE, VERSION
from trebuche.frames import data_frame
from trebuche.ports import Ports
from trebuche.stored import Phase, Subscription
from trebuche.stream_adapter import DynamoDBStreamAdapter

THREADS: Final = 32
BATCH: Final = 10
LIMIT: Final = 8.0
"""Times as many posts per second of processor time."""
ACTOR: Final = "todos"
GONE_SHARE: Final = 0.05
FUTURE: Final = 4_000_000_000
"""When nothing here has expired; seconds."""


@dataclass(frozen=True)
class Round:
    """What one sender did.

    Attributes:
        cpu_ms: Processor time per post that was let through, in milliseconds.
        wall_seconds: Of all.
        refused: Answers of the server by status.
        wrong: What a connection got too much, too little or out of order.
    """

    posts: int
    cpu_ms: float
    wall_seconds: float
    refused: dict[str, int]
    wrong: list[str]


@dataclass(frozen=True)
class Figures:
    """Medians of the rounds, in milliseconds of processor time per post."""

    ours_ms: float
    rival_ms: float
    rounds: dict[str, list[Round]] = field(repr=False)

    @property
    def ratio(self) -> float:
        """How many times as many posts a second of processor time carries."""
        return self.rival_ms / self.ours_ms

    @property
    def good(self) -> bool:
        """Whether that is enough, and every connection got all of it once and in order."""
        return self.ratio >= LIMIT and not any(one.wrong for rounds in self.rounds.values() for one in rounds)

    def to_json(self) -> str:
        """All of it, with the ratio."""
        return json.dumps({**asdict(self), "ratio": self.ratio, "good": self.good})


@dataclass(frozen=True)
class Workload:
    """Versions of one actor, each to all of its subscribers."""

    connections: int
    versions: int
    state_bytes: int

    @property
    def rows(self) -> list[Subscription]:
        """A stream on each connection."""
        return [
            Subscription(
                actor_id=ACTOR,
                stream_id=UUID(int=number),
                connection_id=f"Lk{number:09d}jIAc=",
                connected_at=0,
                target="observeState",
                opener=UUID(int=number),
                base=0,
                ttl=FUTURE,
                phase=Phase.LIVE,
            )
            for number in range(self.connections)
        ]

    def state(self, version: int) -> bytes:
        """The document of a version."""
        return json.dumps({"number": version, "text": "x" * self.state_bytes}).encode()

    def events(self) -> Iterator[dict[str, Any]]:
        """The batches that Lambda hands over."""
        records = [self._record(version) for version in range(1, self.versions + 1)]
        for start in range(0, len(records), BATCH):
            yield {"Records": records[start : start + BATCH]}

    def frames(self, row: Subscription, now_ms: int) -> list[str]:
        """What a connection has to get."""
        return [data_frame(row.stream_id, version, self.state(version), now_ms) for version in self._versions]

    @property
    def _versions(self) -> range:
        return range(1, self.versions + 1)

    def _record(self, version: int) -> dict[str, Any]:
        image = {VERSION: {"N": str(version)}, STATE: {"B": base64.b64encode(self.state(version)).decode()}}
        change = {"Keys": {ACTOR_ID: {"S": ACTOR}}, "SequenceNumber": f"{version:021d}", "NewImage": image}
        return {"eventName": "MODIFY", "dynamodb": {**change, "ApproximateCreationDateTime": 0}}


class FixedClock(SystemClock):
    """Frames carry the time: a clock that stands still makes them known beforehand; pauses are real."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Always the same."""
        return self._now_ms


@dataclass(frozen=True)
class Server:
    """The stage in its own process."""

    endpoint: str
    ask: IO[str]
    answers: IO[str]

    def report(self) -> dict[str, Any]:
        """What it let through since the last report, and what it refused."""
        print(file=self.ask, flush=True)
        report: dict[str, Any] = json.loads(self.answers.readline())
        return report


@contextmanager
def running_server(certificate: Path) -> Iterator[Server]:
    """A server of its own, so that its processor time is not the sender's."""
    command = [sys.executable, "-m", "bench.management_api", str(certificate), "--gone", str(GONE_SHARE)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin
        assert process.stdout
        yield Server(process.stdout.readline().strip(), process.stdin, process.stdout)
        process.stdin.close()


def our_sender(server: Server, work: Workload, now_ms: int) -> Callable[[], None]:
    """The stream processor as it is deployed, but for its tables."""
    subscriptions = InMemorySubscriptionStorage()
    subscriptions.attached = {(row.actor_id, row.stream_id): row for row in work.rows}
    sender = APIGatewayConnectionSender(clients.management, server.endpoint)
    processor = DynamoDBStreamAdapter(
        Ports(
            states=InMemoryStateStore(),
            subscriptions=subscriptions,
            connections=InMemoryConnectionStorage(),
            sender=sender,
            catch_ups=InMemoryCatchUpQueue(),
            functions=InMemoryInvoker(),
            registry=InMemoryRegistry({}),
            clock=FixedClock(now_ms),
            entropy=SystemEntropy(),
            logs=KeptLog(),
        )
    )

    def send() -> None:
        for event in work.events():
            assert processor.handle(event) == {"batchItemFailures": []}

    return send


def rival_sender(server: Server, work: Workload, now_ms: int) -> Callable[[], None]:
    """boto3, with a pool as large as there are threads, and its standard retries."""
    config = Config(max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": 8})
    api = boto3.client("apigatewaymanagementapi", endpoint_url=server.endpoint, config=config)
    ready = [(row.connection_id, [frame.encode() for frame in work.frames(row, now_ms)]) for row in work.rows]

    def post_all(one: tuple[str, list[bytes]]) -> None:
        for frame in one[1]:
            try:
                api.post_to_connection(ConnectionId=one[0], Data=frame)
            except ClientError as error:
                if error.response["Error"]["Code"] != "GoneException":
                    raise
                return

    def send() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(post_all, ready):
                pass

    return send


def judged(send: Callable[[], None], server: Server, expected: dict[str, list[str]]) -> Round:
    """Let a sender send, and look at what came."""
    wall, cpu = time.perf_counter(), time.process_time()
    send()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    report = server.report()
    got: dict[str, list[str]] = report["got"]
    posts = sum(map(len, got.values()))
    wrong = [name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name)]
    return Round(posts, cpu * 1000 / posts, wall, report["refused"], wrong)


def measure(work: Workload, rounds: int) -> Figures:
    """Both in turns; the first round of each opens connections and is not counted."""
    now_ms = 1_767_225_600_000
    stage = Stage(0, GONE_SHARE)
    expected = {
        row.connection_id: [
            sha256(frame.encode()).hexdigest()
            for frame in work.frames(row, now_ms)[: 2 if stage.dies(row.connection_id) else None]
        ]
        for row in work.rows
    }
    taken: dict[str, list[Round]] = {"ours": [], "rival": []}
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder, "certificate.pem")) as server:
        os.environ |= {"AWS_CA_BUNDLE": str(Path(folder, "certificate.pem")), **_identity()}
        for number in range(rounds + 1):
            for name, make in (("ours", our_sender), ("rival", rival_sender)):
                one = judged(make(server, work, now_ms), server, expected)
                taken[name] += [one] if number else []
    ours, rival = (statistics.median(one.cpu_ms for one in taken[name]) for name in ("ours", "rival"))
    return Figures(ours, rival, taken)


def _identity() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
        "AWS_SESSION_TOKEN": CREDENTIALS.token or "",
        "AWS_DEFAULT_REGION": REGION,
    }


@click.command()
@click.option("--connections", default=200, show_default=True, help="Subscribers.")
@click.option("--versions", default=10, show_default=True, help="Changes, each to every subscriber.")
@click.option("--rounds", default=3, show_default=True, help="Of each sender.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(connections: int, versions: int, rounds: int, as_json: bool) -> None:
    """Measure the fan-out against boto3; exit 1 when it is too slow, or a connection did not get what it should."""
    logging.disable()
    figures = measure(Workload(connections, versions, state_bytes=1_000), rounds)
    if as_json:
        click.echo(figures.to_json())
    else:
        for name, taken in (("the fan-out", figures.ours_ms), (f"boto3, {THREADS} threads", figures.rival_ms)):
            click.echo(f"{name}: {taken:.3f} ms of processor time per post, {1000 / taken:.0f} posts per second of it")
        click.echo(f"{figures.ratio:.1f} times (at least {LIMIT:.0f})")
        for name, rounds_of in figures.rounds.items():
            for one in rounds_of:
                told = "all once, in order" if not one.wrong else f"WRONG on {len(one.wrong)} connections"
                refused = ", ".join(f"{count} of {status}" for status, count in one.refused.items())
                click.echo(f"  {name}: {one.posts} posts, {refused}, {one.wall_seconds:.1f} s: {told}")
    raise SystemExit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
