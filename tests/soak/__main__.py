"""``python -m tests.soak``: many clients on a deployed program in which everything goes wrong that can."""

import argparse
import asyncio
import json
import re
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from sandbox.handle import Handle
from tests.loop.conftest import Deployed
from tests.loop.stack import QUIET, deployed_stack
from tests.soak.plan import Plan
from tests.soak.run import Outcome, Soak
from tests.soak.subjects import GAME, TODOS
from trebuche_testing.history import Event, lines
from trebuche_testing.history_file import opened

TELL_SECONDS: Final = 5.0
MOST: Final = 10
"""Violations that are told in full."""
SHOWN: Final = 40
"""Events of the history that a violation is told with."""


def main(words: Sequence[str] | None = None) -> int:
    """Run it; 0 when nothing was lost, doubled, out of order or left without an answer."""
    options = _parser().parse_args(words)
    console = Console(stderr=options.json, highlight=False)
    outcomes: dict[str, Outcome] = {}
    console.print(f"seed {options.seed}")
    history = nullcontext() if options.history is None else opened(options.history, "w")
    with deployed_stack() as deployed, history as file:
        sandbox = Handle(deployed.local.environment["AWS_ENDPOINT_URL"])
        plan = Plan(seed=options.seed, clients=options.clients, calls=options.calls)
        for subject, meanwhile in ((TODOS, None), (GAME, lambda: deploy(deployed))):
            outcome = asyncio.run(_soak(Soak(deployed, subject, plan, meanwhile), sandbox, console))
            outcomes[subject.name] = outcome
            if file is not None:
                file.write(lines(options.seed, outcome.events))
            _tell_violations(outcome, options.seed, console)
    _print_table(outcomes, console)
    if options.json:
        print(json.dumps({"seed": options.seed, **{name: _figures(one) for name, one in outcomes.items()}}))
    return int(any(outcome.violations for outcome in outcomes.values()))


def deploy(deployed: Deployed) -> None:
    """Deploy another game room, whose players have got one more member."""
    deployed.local.workshop.replace(
        "lambda_src/actors/game_room.py", "    score: int = 0\n", '    score: int = 0\n    mood: str = "calm"\n'
    )
    deployed.local.pulumi("up", *QUIET)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--clients", type=int, default=30, help="(default 30)")
    parser.add_argument("--calls", type=int, default=60, help="of each client and actor type (default 60)")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000), help="(default: any)")
    parser.add_argument("--history", type=Path, metavar="FILE", help="write histories as JSON lines; *.gz is packed")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser


async def _soak(soak: Soak, sandbox: Handle, console: Console) -> Outcome:
    """Run one, and say now and then how far it is."""

    async def tell() -> None:
        started = time.monotonic()
        while True:
            await asyncio.sleep(TELL_SECONDS)
            seen = soak.front.seen
            told = f"{soak.users.answered} calls answered, {seen['cuts']} sockets cut"
            console.print(f"{time.monotonic() - started:4.0f} s: {told}")

    teller = asyncio.create_task(tell())
    try:
        return await soak.run(sandbox)
    finally:
        teller.cancel()


def _tell_violations(outcome: Outcome, seed: int, console: Console) -> None:
    """Each with the seed, the call or stream, and the last events of that."""
    for violation in outcome.violations[:MOST]:
        console.print(f"seed {seed}: {violation.kind}: {violation.text}", style="red", markup=False)
        key = re.search(r"(?:call|stream) ([0-9a-f-]{36}|[0-9]+)", violation.text)
        if key is None:
            continue
        about = [event for event in outcome.events if key[1] in (str(event.get("call")), str(event.get("stream")))]
        for event in about[-SHOWN:]:
            console.print(f"    {_short(event)}", markup=False, soft_wrap=True)


def _short(event: Event) -> str:
    return " ".join(f"{key}={str(value)[:80]}" for key, value in event.items())


def _figures(outcome: Outcome) -> dict[str, Any]:
    latencies = sorted(outcome.latencies) or [0.0]
    return {
        **outcome.counts,
        "seconds": round(outcome.seconds, 1),
        "callsPerSecond": round(len(outcome.latencies) / outcome.seconds, 1),
        "p50": round(statistics.median(latencies), 3),
        "p99": round(latencies[int(0.99 * (len(latencies) - 1))], 3),
        "violations": [f"{one.kind}: {one.text}" for one in outcome.violations],
    }


def _print_table(outcomes: Mapping[str, Outcome], console: Console) -> None:
    figures = {name: _figures(outcome) for name, outcome in outcomes.items()}
    table = Table("", *figures, title="Soak")
    for key in dict.fromkeys(key for one in figures.values() for key in one):
        values = [one.get(key, 0) for one in figures.values()]
        table.add_row(key, *(str(len(value) if isinstance(value, list) else value) for value in values))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
