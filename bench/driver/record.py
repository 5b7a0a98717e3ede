"""The record of a run as one JSON document: the machine, every figure, and the prices behind the dollars."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bench.driver.process import ROOT, Outcome
from cli.cost.prices import PRICES, REGION


def record(outcomes: Sequence[Outcome], units: Sequence[str], *, full: bool, load: float) -> dict[str, Any]:
    """What a run was, and what came of it; ``load`` is what the machine did besides when it began."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "full": full,
        "machine": {**_machine(), "load": round(load, 1)},
        "good": all(one.good for one in outcomes),
        "benchmarks": [{**asdict(one), "rows": [row.document() for row in one.rows]} for one in outcomes],
        "region": REGION,
        "prices": {unit: asdict(PRICES[unit]) for unit in units},
    }


def _machine() -> dict[str, Any]:
    return {
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _commit() -> str:
    """Of the checkout; empty where there is none."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
