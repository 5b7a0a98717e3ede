"""What a run cost: the command's figures against those that its clients and its tables show."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from bench.cost_gate import CALLS, ROOT, SUBSCRIBERS, complaint, figures, recorded
from bench.cost_run import Seen, play
from cli.cost.asked import machines_of
from sandbox.meter.units import INVOCATIONS, MESSAGES, TRANSFER_OUT, WRITE_UNITS
from tests.loop.conftest import Deployed

ACTOR = "todos/priced"
WRITES_OF_A_VERSION = 6
"""Write units: the state, its journal entry and the call's record, each below 1 KB and double in the transaction."""


@dataclass(frozen=True)
class Run:
    """A run: what its clients saw, and what ``trebuche cost --json`` says of it."""

    seen: Seen
    priced: Mapping[str, Any]
    versions: int

    def amount(self, unit: str, cause: str = "") -> float:
        """Units that the command has found."""
        lines = [line for line in self.priced["lines"] if line["unit"] == unit and line["cause"].startswith(cause)]
        return float(sum(line["amount"] for line in lines))


@pytest.fixture(scope="module")
def run(deployed: Deployed) -> Run:
    """20 calls that each reach 5 subscribers."""

    def price() -> Mapping[str, Any]:
        document: Mapping[str, Any] = json.loads(deployed.local.workshop.trebuche("cost", "--json").stdout)
        return document

    seen, priced = asyncio.run(play(deployed, ACTOR, calls=CALLS, subscribers=SUBSCRIBERS, read=price))
    key: Any = {"actorId": {"S": ACTOR}}
    item = deployed.aws.dynamodb.get_item(TableName=deployed.outputs["state_table"], Key=key)["Item"]
    return Run(seen, priced, int(item["version"]["N"]))


def test_cost_of_a_run_equals_a_count_made_outside(run: Run) -> None:
    """Messages are the frames that clients sent and got, writes the versions that the table holds."""
    assert run.seen.deliveries == CALLS * SUBSCRIBERS
    assert run.amount(MESSAGES) == run.seen.frames == CALLS * 2 + CALLS * SUBSCRIBERS
    assert run.amount(TRANSFER_OUT) == run.seen.received_bytes
    assert run.versions == 1 + CALLS
    assert run.amount(WRITE_UNITS) == CALLS * WRITES_OF_A_VERSION
    assert run.amount(INVOCATIONS, "call") == CALLS
    assert run.priced["usd"] == pytest.approx(sum(run.priced["services"].values()))


def test_deliveries_cost_no_more_than_recorded(run: Run) -> None:
    """US dollars per 1,000 deliveries, by part, are at most 2 % above the figures in the repository."""
    now = figures(run.priced["lines"], run.seen.deliveries, machines_of(ROOT))
    assert complaint(now, recorded()) is None


def test_a_rise_cannot_hide_behind_another_parts_fall() -> None:
    """The whole is cheaper, and still what rose is told."""
    before = {"messages (posted)": 1.0, "reads (Query)": 0.1}
    said = complaint({"messages (posted)": 0.5, "reads (Query)": 0.2}, before)
    assert said is not None
    assert "reads (Query) by $0.100000" in said


def test_a_part_that_was_not_recorded_has_risen() -> None:
    """However little it costs: it is something that was not paid for before."""
    said = complaint({"messages (posted)": 1.0, "queues (sent)": 0.001}, {"messages (posted)": 1.0})
    assert said is not None
    assert "queues (sent) by $0.001000" in said


def test_a_rise_is_told_by_its_part() -> None:
    """The gate names what rose and how to record it; up to 2 % are let pass."""
    before = {"messages (posted)": 1.0, "reads (Query)": 0.5}
    assert complaint(before | {"reads (Query)": 0.505}, before) is None
    said = complaint(before | {"reads (Query)": 0.9}, before)
    assert said is not None
    assert "reads (Query) by $0.400000" in said
    assert "messages" not in said
    assert "--record" in said
