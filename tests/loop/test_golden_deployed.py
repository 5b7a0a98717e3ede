"""The golden transcripts against what a deployed endpoint says."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.loop.conftest import Deployed
from tests.support.golden_recorder import record, shape
from trebuche.documents import loads

RECORDED = Path(__file__).parents[2] / "clients" / "golden" / "recorded.jsonl"


def shapes(lines: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """What travelled and was asked for, and what the program got, before which the next frame may come."""
    travelled = [shape(line) for line in lines if "expect" not in line]
    return travelled, [shape(line) for line in lines if "expect" in line]


def test_deployed_endpoint_still_speaks_as_it_was_recorded(deployed: Deployed) -> None:
    """The recording made anew has the same lines, and in their frames the same keys, in order, with the same types."""
    known = [loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    lines = asyncio.run(record(deployed.endpoint))
    assert shapes(lines) == shapes(known)
