"""AWS/SQS: what a queue holds and what was done to it (SQS developer guide, "Available CloudWatch metrics")."""

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError
from sandbox.queues import Depth, Queue
from sandbox.telemetry.series import Metric, Points
from sandbox.telemetry.store import MetricStore

NAMESPACE = "AWS/SQS"
AGE = "ApproximateAgeOfOldestMessage"


class QueueMetrics:
    """Measures queues when somebody looks at one of their metrics.

    Args:
        store: Takes the values.
        aws: Reaches the queues.
    """

    def __init__(self, store: MetricStore, aws: AwsClient) -> None:
        self._store = store
        self._aws = aws

    async def measure(self, metric: Metric, now: float) -> None:
        """Bring the metric of a queue up to date, as of ``now``; any other metric stays as it is."""
        name = dict(metric.dimensions).get("QueueName")
        if metric.namespace != NAMESPACE or name is None:
            return
        try:
            depth = await Queue(self._aws, f"arn:aws:sqs:{metric.region}:{metric.account}:{name}").depth()
        except (AwsRefusedError, aiohttp.ClientError, TimeoutError):
            return
        # They are counted where the messages are: looked at twice, they must not count twice.
        for minute, number in depth.counts.get(metric.name, {}).items():
            self._store.replace(metric, minute, Points.of(float(number)), "Count")
        if (value := _level(metric.name, depth, now)) is not None:
            self._store.put(metric, now, Points.of(value), "Seconds" if metric.name == AGE else "Count")


def _level(name: str, depth: Depth, now: float) -> float | None:
    """The value of a metric that has one at any time."""
    levels = {
        "ApproximateNumberOfMessagesVisible": float(depth.visible),
        "ApproximateNumberOfMessagesNotVisible": float(depth.hidden),
        "ApproximateNumberOfMessagesDelayed": float(depth.delayed),
        AGE: 0.0 if depth.oldest_sent is None else max(0.0, now - depth.oldest_sent),
    }
    return levels.get(name)
