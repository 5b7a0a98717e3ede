"""``python -m bench.cold_start``: what a cold start of each function costs, against boto3 with two clients.

Each start is a fresh interpreter that imports an entry point as Lambda does and gets ready for its first event: both
clients that the rival makes, with certificates to trust, and a first request to DynamoDB, signed, up to where a
connection would be opened. The rival is what handlers usually start with: ``import boto3`` and clients for DynamoDB and
``@connections``, and no request. All take turns, so that whatever else the machine does falls on all alike; counted is
processor time after the interpreter's own.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

LAMBDA_SRC: Final = Path(__file__).parents[1] / "lambda_src"
HANDLERS: Final = ("websocket_handler", "actor_handler", "stream_processor")
LIMIT: Final = 0.6
"""Of the rival's time."""
ENDPOINT: Final = "https://abc123.execute-api.us-east-1.amazonaws.com/production"
ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "my-app-dev-function",
    "NAMESPACE": "my-app-dev",
    "TREBUCHE_ACTOR": "actors.todo_list:TodoList",
    "WEBSOCKET_ENDPOINT": ENDPOINT,
    "PYTHONPATH": str(LAMBDA_SRC),
}
PROGRAM: Final = """
import time
started = time.process_time()
{start}
print(time.process_time() - started)
"""
RIVAL: Final = f"""
import boto3
boto3.client("dynamodb")
boto3.client("apigatewaymanagementapi", endpoint_url="{ENDPOINT}")
"""
READY: Final = f"""
import socket
from trebuche.adapters import clients

class Reached(BaseException):
    pass

def connect(*_):
    raise Reached

socket.create_connection = connect
clients.warm("")
clients.management("{ENDPOINT}")
try:
    clients.dynamodb().get_item(TableName="states", Key={{"actorId": {{"S": "todos"}}}}, ConsistentRead=True)
except Reached:
    pass
else:
    raise SystemExit("no connection was opened")
"""


@dataclass(frozen=True)
class Figures:
    """Milliseconds of processor time by what is started, medians: imports alone, all that a start needs, the rival."""

    imports: Mapping[str, float]
    starts: Mapping[str, float]
    rival: float

    @property
    def ratios(self) -> dict[str, float]:
        """Each start as a part of the rival's."""
        return {name: taken / self.rival for name, taken in self.starts.items()}

    @property
    def good(self) -> bool:
        """Whether every start keeps within the limit."""
        return max(self.ratios.values()) <= LIMIT

    def to_json(self) -> str:
        """All of it, with the ratios."""
        record = {"imports_ms": self.imports, "starts_ms": self.starts, "rival_ms": self.rival}
        return json.dumps({**record, "ratios": self.ratios, "good": self.good})


def once(start: str) -> float:
    """Milliseconds of processor time that a fresh interpreter takes for a start."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(start=start)],
        env={"PATH": os.defpath, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout) * 1000


def measure(rounds: int) -> Figures:
    """Start everything in turns; the first round only fills caches."""
    programs = [f"import {name}" for name in HANDLERS]
    programs += [f"import {name}\n{READY}" for name in HANDLERS]
    taken = [[once(program) for program in (*programs, RIVAL)] for _ in range(rounds + 1)]
    *ours, rival = [statistics.median(column) for column in zip(*taken[1:], strict=True)]
    count = len(HANDLERS)
    return Figures(
        imports=dict(zip(HANDLERS, ours[:count], strict=True)),
        starts=dict(zip(HANDLERS, ours[count:], strict=True)),
        rival=rival,
    )


@click.command()
@click.option("--rounds", default=9, show_default=True, help="Starts of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure cold starts against boto3 with two clients; exit 1 when one is over the limit."""
    figures = measure(rounds)
    if as_json:
        click.echo(figures.to_json())
    else:
        click.echo(f"boto3 and two clients: {figures.rival:.0f} ms of processor time, median of {rounds}")
        for name, ratio in figures.ratios.items():
            click.echo(f"{name}: {figures.starts[name]:.0f} ms, {ratio:.2f} times (limit {LIMIT}), of which ", nl=False)
            click.echo(f"{figures.imports[name]:.0f} ms for its imports")
    raise SystemExit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
