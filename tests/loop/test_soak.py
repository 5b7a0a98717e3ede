"""A small soak: everything goes wrong at once, and nothing is lost, doubled, out of order or unanswered."""

import asyncio

import pytest

from sandbox.handle import Handle
from tests.loop.conftest import Deployed
from tests.soak.plan import Plan
from tests.soak.run import Soak
from tests.soak.subjects import GAME, TODOS, Subject


@pytest.mark.parametrize("subject", [TODOS, GAME], ids=["todos", "game"])
def test_nothing_is_lost_while_everything_goes_wrong(deployed: Deployed, subject: Subject) -> None:
    """Each call is in the journal once, in an order that explains all answers; each stream is as owed."""
    plan = Plan(seed=7, clients=3, calls=10, actors=2, cut_frames=(4, 12))
    sandbox = Handle(deployed.local.environment["AWS_ENDPOINT_URL"])

    outcome = asyncio.run(Soak(deployed, subject, plan).run(sandbox))

    assert [f"{one.kind}: {one.text}" for one in outcome.violations] == []
    assert outcome.counts["acknowledged"] + outcome.counts["refused"] == 30
    assert outcome.counts["cuts"] >= 3
