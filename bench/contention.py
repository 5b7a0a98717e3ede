"""``python -m bench.contention``: many callers on one actor, each with its next call when the last one is answered.

An actor's calls happen one after the other, so this is the worst that can be done to one: who is late reads, runs and
writes again. The callers are the soak's: what is told to come again comes again, and the journal must explain it all.
"""

import asyncio
import json
import statistics
from dataclasses import asdict, dataclass
from typing import Any

import click

from sandbox.handle import Handle
from tests.loop.conftest import Deployed
from tests.loop.stack import deployed_stack
from tests.soak.plan import Plan
from tests.soak.run import Soak
from tests.soak.subjects import TODOS
from trebuche.contract import INTEGRATION_TIMEOUT_SECONDS, METRIC_CONFLICTS


@dataclass(frozen=True)
class Figures:
    """What came of it.

    Attributes:
        answered: Calls that were.
        wrong: What was lost, doubled, out of order or unanswered.
        gave_up: Answers that said to send the call again.
        conflicts: Writes that lost to another call's.
        seconds: From the first call to the last answer.
        p50: Seconds to an answer, as the median.
    """

    callers: int
    calls: int
    answered: int
    wrong: int
    gave_up: int
    conflicts: int
    seconds: float
    p50: float
    p99: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost, and all was answered before API Gateway stops waiting."""
        return not self.wrong and self.p99 < INTEGRATION_TIMEOUT_SECONDS


async def measure(deployed: Deployed, *, callers: int, calls: int) -> Figures:
    """Let so many callers make so many calls each on one new actor."""
    plan = Plan(
        seed=1,
        clients=callers,
        calls=calls,
        actors=1,
        swift=0,
        faults=False,
        cut_seconds=(86_400, 86_400),
        watching=0,
        together=True,
    )
    before = await asyncio.to_thread(_conflicts, deployed)
    soak = Soak(deployed, TODOS, plan)
    outcome = await soak.run(Handle(deployed.local.environment["AWS_ENDPOINT_URL"]))
    latencies = sorted(outcome.latencies) or [0.0]
    return Figures(
        callers=callers,
        calls=calls,
        answered=len(outcome.latencies),
        wrong=len(outcome.violations),
        gave_up=outcome.counts.get("told to come again", 0),
        conflicts=await asyncio.to_thread(_conflicts, deployed) - before,
        seconds=soak.users.seconds,
        p50=statistics.median(latencies),
        p99=latencies[int(0.99 * (len(latencies) - 1))],
    )


def _conflicts(deployed: Deployed) -> int:
    """Conflicts that the lists' function has told of in its log."""
    function = deployed.outputs["functions"]["actor-todo-list"].split(":")[6]
    pages = deployed.aws.logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{function}", filterPattern=METRIC_CONFLICTS
    )
    lines = [event["message"] for page in pages for event in page["events"]]
    return sum(_told(json.loads(line)) for line in lines if line.startswith("{"))


def _told(document: dict[str, Any]) -> int:
    value = document.get(METRIC_CONFLICTS, 0)
    return sum(map(int, value)) if isinstance(value, list) else int(value)


def describe(figures: Figures) -> str:
    """For people."""
    whole = figures.callers * figures.calls
    return (
        f"{figures.callers} callers x {figures.calls} calls on one actor: {figures.answered} of {whole} "
        f"answered, {figures.wrong} wrong, {figures.gave_up} told to come again\n"
        f"{figures.answered / figures.seconds:.1f} calls per second, {figures.conflicts / whole:.2f} conflicts "
        f"per call, median {figures.p50:.2f} s, p99 {figures.p99:.2f} s (limit {INTEGRATION_TIMEOUT_SECONDS} s)"
    )


@click.command()
@click.option("--callers", default=50, show_default=True)
@click.option("--calls", default=20, show_default=True, help="Of each caller.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(callers: int, calls: int, as_json: bool) -> None:
    """Measure; exit 1 when a call was lost, doubled, or answered too late."""
    with deployed_stack() as deployed:
        figures = asyncio.run(measure(deployed, callers=callers, calls=calls))
        # Before the sandbox stops: on a busy machine that may fail.
        click.echo(json.dumps(asdict(figures)) if as_json else describe(figures))
    raise SystemExit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
