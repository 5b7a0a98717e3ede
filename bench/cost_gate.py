"""``python -m bench.cost_gate``: US dollars per 1,000 deliveries of a fixed workload, against the recorded figures.

The workload is 20 calls that each reach 5 subscribers. Counted is everything but run time, which no two machines have
alike: each invocation is priced with the memory of its function and the time that ``cli/cost/measured.py`` gives it.
A rise by more than 2 % fails, of the whole or of any part, so that none can hide behind another's fall; here and in
``tests/loop/test_cost.py``. A rise that is meant is recorded anew:
``python -m bench.cost_gate --record``, with the reason in the commit message.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from bench.cost_run import Counts, play, sandbox_of
from cli.cost import measured
from cli.cost.asked import machines_of
from cli.cost.prices import ARM, PRICES
from cli.cost.traffic import Machines
from sandbox.meter.units import CONNECTION_MINUTES, INVOCATIONS, gb_seconds
from tests.loop.stack import deployed_stack

ROOT: Final = Path(__file__).resolve().parents[1]
RECORD: Final = ROOT / "bench" / "cost_record.json"
CALLS: Final = 20
SUBSCRIBERS: Final = 5
MOST: Final = 1.02
ACTOR: Final = "todos/gate"
Figures = dict[str, float]
"""US dollars per 1,000 deliveries, by service and cause."""


def figures(counts: Counts, deliveries: int, machines: Machines) -> Figures:
    """What a run's parts cost per 1,000 deliveries; connection minutes depend on how long it took, and are left out."""
    parts: defaultdict[str, float] = defaultdict(float)
    for one in counts:
        unit, cause = one["unit"], one["cause"]
        if unit in (CONNECTION_MINUTES, ARM):
            continue
        parts[f"{unit} ({cause})"] += PRICES[unit].of(one["amount"])
        if unit == INVOCATIONS:
            parts[f"{ARM} ({cause})"] += PRICES[ARM].of(one["amount"] * _typical(one["resource"], machines))
    return {part: round(usd / deliveries * 1000, 9) for part, usd in sorted(parts.items())}


def complaint(now: Mapping[str, float], recorded: Mapping[str, float]) -> str | None:
    """Why the figures are too high, with the parts that rose; None when neither the whole nor a part is."""
    total, before = sum(now.values()), sum(recorded.values())
    rises = {part: usd - recorded.get(part, 0.0) for part, usd in now.items() if usd > recorded.get(part, 0.0) * MOST}
    if total <= before * MOST and not rises:
        return None
    told = "; ".join(f"{part} by ${rise:.6f}" for part, rise in sorted(rises.items(), key=lambda one: -one[1]))
    return (
        f"1,000 deliveries cost ${total:.6f}, recorded are ${before:.6f}: {total / before - 1:+.1%}, "
        f"where {MOST - 1:.0%} are let pass, of the whole and of each part. Risen: {told or 'each part a little'}. "
        "If that is meant, record it anew with `python -m bench.cost_gate --record` and say why in the commit."
    )


def recorded() -> Figures:
    """The figures in the repository."""
    read: Figures = json.loads(RECORD.read_text())["parts"]
    return read


def _typical(function: str, machines: Machines) -> float:
    """GB-seconds of one invocation."""
    if function.endswith("stream-processor") or "-stream-processor-" in function:
        time = measured.FAN_OUT_MS + measured.POST_MS * SUBSCRIBERS
        return gb_seconds(machines.processor_mb, time)
    if "-actor-" in function:
        return gb_seconds(machines.actor_mb, measured.CALL_MS)
    return gb_seconds(machines.websocket_mb, measured.CONNECT_MS)


@click.command()
@click.option("--record", "anew", is_flag=True, help="Record the figures of this run.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(*, anew: bool, as_json: bool) -> None:
    """Measure what 1,000 deliveries cost; exits with 1 when it is more than recorded."""
    with deployed_stack() as deployed:
        meter = sandbox_of(deployed).meter
        seen, reading = asyncio.run(play(deployed, ACTOR, calls=CALLS, subscribers=SUBSCRIBERS, read=meter.read))
    now = figures(reading["counts"], seen.deliveries, machines_of(ROOT))
    if anew:
        RECORD.write_text(json.dumps({"usdPer1000Deliveries": sum(now.values()), "parts": now}, indent=2) + "\n")
    if as_json:
        before = sum(recorded().values())
        document = {"usdPer1000Deliveries": sum(now.values()), "recorded": before, "parts": now}
        click.echo(json.dumps({**document, "prices": sorted({part.partition(" ")[0] for part in now})}))
    else:
        for part, usd in now.items():
            click.echo(f"{part:60} ${usd:.6f}")
        click.echo(f"{'1,000 deliveries':60} ${sum(now.values()):.6f}")
    problem = complaint(now, recorded())
    if problem:
        click.echo(problem, err=True)
    raise SystemExit(1 if problem else 0)


if __name__ == "__main__":
    main()
