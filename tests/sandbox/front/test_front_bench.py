"""The benchmark of the front: it talks to both addresses, and knows when a limit is missed."""

import asyncio
import json

import pytest

from bench.front import Figures, deploy, measure
from sandbox.client import RunningSandbox
from tests.support.sandbox import Aws


def test_benchmark_reaches_front_and_emulator(sandbox: RunningSandbox, aws: Aws) -> None:
    """All addresses of one API answer, and every figure is there; how good they are is not for a test to say."""
    api_id = deploy(aws.endpoint, aws.folder)
    front, inner = (
        f"{endpoint.replace('http', 'ws', 1)}/_aws/execute-api/{api_id}/test"
        for endpoint in (sandbox.record.aws_endpoint, sandbox.record.emulator_endpoint)
    )
    figures = json.loads(asyncio.run(measure(front, inner, inner, 2)).to_json())
    assert all(figures[name] > 0 for name in figures if name != "good")


@pytest.mark.parametrize(
    ("figures", "good"),
    [
        (Figures(15.0, 10.0, 9.0, 150.0, 100.0, 110.0), True),
        (Figures(15.1, 10.0, 9.0, 150.0, 100.0, 110.0), False),
        (Figures(15.0, 10.0, 9.0, 149.0, 100.0, 110.0), False),
    ],
)
def test_benchmark_misses_neither_limit(figures: Figures, *, good: bool) -> None:
    """At most 1.5 times the latency, at least 1.5 times the throughput, of the emulator as it is published."""
    assert figures.good is good
