"""The harness stands by itself."""

import asyncio

import pulumi

from tests.infra.recording import resolve


async def _nothing() -> None:
    """Something for asyncio.run."""


def test_harness_runs_after_other_tests_used_asyncio() -> None:
    """A test that closed the thread's event loop does not break the next program."""
    asyncio.run(_nothing())

    assert resolve(lambda: pulumi.Output.from_input("value")) == "value"
