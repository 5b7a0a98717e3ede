"""Alarms: every way in which an application fails unseen has one.

What is idle reports nothing to CloudWatch, so silence is never an alarm.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch

from infra.alarm import Alarm
from infra.catch_ups import CatchUpQueue
from infra.function import LambdaFunction
from infra.function_alarms import of_function
from infra.naming import alarm
from infra.plan import STREAM_PROCESSOR
from infra.streams import FailureQueue
from infra.watched import Watched
from infra.websocket_api import WebSocketApi
from trebuche.contract import DIMENSION_FUNCTION, DIMENSION_STAGE, METRIC_DELIVERY_LAG, METRIC_NAMESPACE

INTEGRATION_ERRORS = 10
ITERATOR_AGE_MS = 60_000
"""A fifth of the age at which records are given up by default."""
DELIVERY_LAG_MS = 5_000
LATE_SECONDS = 300
"""A reminder waits a minute at most, and comes again after three when its worker has failed: twice is too often. SQS
leaves messages out of this metric that were received more than three times, so it must not be much more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsArgs:
    """What is watched, and who hears of it."""

    watched: Watched
    topic_arn: str | None
    """None: alarms change their state and tell nobody."""


class Alarms(pulumi.ComponentResource):
    """All alarms of a stack."""

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:Alarms", name, {}, opts)
        for key, one in alarms(args.watched):
            self._alarm(f"{name}-{key}-{one.what}", one, args.topic_arn)
        self.register_outputs({})

    def _alarm(self, name: str, one: Alarm, topic_arn: str | None) -> None:
        percentile = one.statistic.startswith("p")
        told = [topic_arn] if topic_arn else None
        cloudwatch.MetricAlarm(
            name,
            name=alarm(one.watched, one.what),
            alarm_description=one.description,
            namespace=one.namespace,
            metric_name=one.metric,
            dimensions=one.dimensions,
            # CloudWatch takes a percentile under a name of its own, and only one of the two.
            statistic=None if percentile else one.statistic,
            extended_statistic=one.statistic if percentile else None,
            comparison_operator="GreaterThanThreshold",
            threshold=one.above,
            period=one.period_seconds,
            evaluation_periods=one.periods,
            treat_missing_data="notBreaching",
            alarm_actions=told,
            ok_actions=told,
            opts=pulumi.ResourceOptions(parent=self),
        )


def alarms(watched: Watched) -> Iterator[tuple[str, Alarm]]:
    """Each function's, under its role; each table's; the API's, the stream's and its failures' where there are any."""
    for role, function in watched.functions.items():
        for one in of_function(function):
            yield role, one
    for key, table in watched.tables.items():
        yield key, _write_throttles(table)
    if watched.delivery:
        processor = watched.delivery.stream_processor
        yield "api", _integration_errors(watched.delivery.api)
        yield "api", _execution_errors(watched.delivery.api)
        yield STREAM_PROCESSOR, _iterator_age(processor)
        yield STREAM_PROCESSOR, _delivery_lag(processor, watched.stage)
        yield "failures", _failures(watched.delivery.failures)
        for role, queue in watched.delivery.catch_ups.items():
            yield role, _late_subscribers(queue)


def _integration_errors(api: WebSocketApi) -> Alarm:
    return Alarm(
        watched=api.api_name,
        what="integration-errors",
        description="API Gateway gets no usable answer: functions fail, time out or may not be invoked.",
        namespace="AWS/ApiGateway",
        metric="IntegrationError",
        dimensions={"ApiId": api.api.id, "Stage": api.stage},
        statistic="Sum",
        above=INTEGRATION_ERRORS,
        periods=2,
        period_seconds=300,
    )


def _execution_errors(api: WebSocketApi) -> Alarm:
    return Alarm(
        watched=api.api_name,
        what="execution-errors",
        description="API Gateway could not call a function: it is throttled, or its permission is gone.",
        namespace="AWS/ApiGateway",
        metric="ExecutionError",
        dimensions={"ApiId": api.api.id, "Stage": api.stage},
        statistic="Sum",
        above=0,
        periods=1,
        period_seconds=300,
    )


def _write_throttles(table: str) -> Alarm:
    return Alarm(
        watched=table,
        what="write-throttles",
        description="Writes are refused: the table's capacity is used up, or one actor's changes are too many for it.",
        namespace="AWS/DynamoDB",
        metric="WriteThrottleEvents",
        dimensions={"TableName": table},
        statistic="Sum",
        above=0,
        periods=1,
        period_seconds=300,
    )


def _iterator_age(function: LambdaFunction) -> Alarm:
    return Alarm(
        watched=function.function_name,
        what="iterator-age",
        description="Changes wait in the stream: the stream processor fails or falls behind.",
        namespace="AWS/Lambda",
        metric="IteratorAge",
        dimensions={"FunctionName": function.function_name},
        statistic="Maximum",
        above=ITERATOR_AGE_MS,
        periods=2,
        period_seconds=60,
    )


def _delivery_lag(function: LambdaFunction, stage: str) -> Alarm:
    return Alarm(
        watched=function.function_name,
        what="delivery-lag",
        description="Subscribers see changes late: from a state's write to its post.",
        namespace=METRIC_NAMESPACE,
        metric=METRIC_DELIVERY_LAG,
        dimensions={DIMENSION_STAGE: stage, DIMENSION_FUNCTION: function.function_name},
        statistic="p99",
        above=DELIVERY_LAG_MS,
        periods=2,
        period_seconds=300,
    )


def _failures(queue: FailureQueue) -> Alarm:
    return Alarm(
        watched=queue.queue_name,
        what="depth",
        description="Changes were given up: until `trebuche redrive` delivers them, or their actors change again, "
        "whoever watches those actors sees an old state.",
        namespace="AWS/SQS",
        metric="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": queue.queue_name},
        statistic="Maximum",
        above=0,
        periods=1,
        period_seconds=300,
    )


def _late_subscribers(queue: CatchUpQueue) -> Alarm:
    return Alarm(
        watched=queue.queue_name,
        what="age",
        description="Late subscribers are not caught up with: their worker fails, `trebuche logs` shows why.",
        namespace="AWS/SQS",
        metric="ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": queue.queue_name},
        statistic="Maximum",
        above=LATE_SECONDS,
        periods=1,
        period_seconds=300,
    )
