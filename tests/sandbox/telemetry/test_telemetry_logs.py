"""Metrics that come out of logs."""

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox.client import RunningSandbox
from sandbox.clock import Clock
from tests.support.metrics import invoke, run, values
from tests.support.sandbox import Aws, eventually

EMBEDDED = """
import json, time
directive = {"Namespace": "Mine", "Dimensions": [["Function"]], "Metrics": [{"Name": "Lag", "Unit": "Milliseconds"}]}
print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
    "Function": context.function_name, "Lag": [5, 7]}))
"""


def test_lines_in_a_log_become_metrics(sandbox: RunningSandbox, tmp_path: Path, aws: Aws) -> None:
    """What a function prints in the embedded metric format is a metric with its dimensions, once."""
    function = aws.function(EMBEDDED)

    async def play(turned: Aws, clock: Clock) -> None:
        def work() -> None:
            invoke(turned, function.name)
            assert values(turned, clock, "Lag", "Sum", {"Function": function.name}, "Mine") == 12

        await asyncio.to_thread(work)

    run(sandbox, tmp_path, play)


def test_no_metric_of_a_long_log_is_lost(aws: Aws) -> None:
    """However much a function prints, each of its metrics is read, and read once."""
    function = aws.function(f'{EMBEDDED}\nfor number in range(400):\n    print("line", number, "x" * 40)')
    invoke(aws, function.name)
    where = {"Function": function.name}
    assert eventually(lambda: values(aws, Clock(), "Lag", "Sum", where, "Mine")) == 12
    assert values(aws, Clock(), "Lag", "SampleCount", where, "Mine") == 2


def test_times_in_a_log_move_along_with_the_clock(sandbox: RunningSandbox, tmp_path: Path, aws: Aws) -> None:
    """A function's own clock cannot be turned; what it measures belongs to the sandbox's present all the same."""
    function = aws.function(EMBEDDED)

    async def play(turned: Aws, clock: Clock) -> None:
        await clock.pass_time(2 * 3600)
        await asyncio.to_thread(invoke, turned, function.name)
        lag = await asyncio.to_thread(values, turned, clock, "Lag", "Sum", {"Function": function.name}, "Mine")
        assert lag == 12

    run(sandbox, tmp_path, play)


def test_lines_that_somebody_puts_become_metrics(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """An event of PutLogEvents, which may go over several lines, is read like a function's log."""
    name = f"put-{tmp_path.name}"
    directive = {"Namespace": name, "Dimensions": [[]], "Metrics": [{"Name": "Lag"}]}

    async def play(turned: Aws, clock: Clock) -> None:
        def put() -> None:
            logs = turned.client("logs")
            logs.create_log_group(logGroupName=name)
            logs.create_log_stream(logGroupName=name, logStreamName="a")
            now = int(time.time() * 1000)
            document = {"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, "Lag": 5}
            events = [
                {"timestamp": now, "message": text} for text in ("plain", json.dumps(document, indent=1), '{"_aws": 1}')
            ]
            logs.put_log_events(logGroupName=name, logStreamName="a", logEvents=events)
            assert values(turned, clock, "Lag", "Sum", {}, name) == 5

        await clock.pass_time(30 * 86400)
        await asyncio.to_thread(put)

    run(sandbox, tmp_path, play)


def test_values_of_another_time_are_left_out(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """From two weeks ago to two hours ahead, CloudWatch takes them; and nothing of 1970."""
    name = f"late-{tmp_path.name}"
    directive = {"Namespace": name, "Dimensions": [[]], "Metrics": [{"Name": "Lag"}]}

    async def play(turned: Aws, clock: Clock) -> None:
        def put() -> None:
            logs = turned.client("logs")
            logs.create_log_group(logGroupName=name)
            logs.create_log_stream(logGroupName=name, logStreamName="a")
            now = clock.now()
            for value, at in ((1, 1.0), (2, now - 15 * 86400), (4, now - 1800), (8, now + 3000), (16, now + 3 * 3600)):
                metadata = {"Timestamp": int(at * 1000), "CloudWatchMetrics": [directive]}
                event = {"timestamp": int(now * 1000), "message": json.dumps({"_aws": metadata, "Lag": value})}
                logs.put_log_events(logGroupName=name, logStreamName="a", logEvents=[event])
            shown = turned.client("cloudwatch").get_metric_statistics(
                Namespace=name,
                MetricName="Lag",
                StartTime=datetime.fromtimestamp(0, UTC),
                EndTime=datetime.fromtimestamp(now + 86400, UTC),
                Period=86400 * 30,
                Statistics=["Sum"],
            )
            assert sum(point["Sum"] for point in shown["Datapoints"]) == 4 + 8

        await asyncio.to_thread(put)

    run(sandbox, tmp_path, play)
