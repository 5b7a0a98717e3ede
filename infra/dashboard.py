"""One dashboard: what clients do, what functions and tables do, and how late subscribers see changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch

from infra.function import LambdaFunction
from infra.watched import Watched, WatchedDelivery
from infra.websocket_api import WebSocketApi
from trebuche.contract import (
    DIMENSION_ACTOR_TYPE,
    DIMENSION_FUNCTION,
    DIMENSION_STAGE,
    METRIC_BAD_FRAMES,
    METRIC_CONFLICTS,
    METRIC_DELIVERY_LAG,
    METRIC_NAMESPACE,
    METRIC_PUSH_GONE,
    METRIC_PUSH_LATENCY,
    METRIC_PUSH_THROTTLED,
    METRIC_TURNS,
)

_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 24
_PERIOD_SECONDS = 60

Series = list[pulumi.Input[str]]
"""Namespace, metric, then dimensions by name and value."""


@dataclass(frozen=True, slots=True)
class Widget:
    """One graph."""

    title: str
    statistic: str
    series: Sequence[Series]


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardArgs:
    """What is shown."""

    dashboard_name: str
    region: str
    watched: Watched


class Dashboard(pulumi.ComponentResource):
    """The dashboard of a stack."""

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:Dashboard", name, {}, opts)
        cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=args.dashboard_name,
            dashboard_body=pulumi.Output.json_dumps({"widgets": _placed(list(widgets(args.watched)), args.region)}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def widgets(watched: Watched) -> Iterator[Widget]:
    """The graphs, in reading order."""
    if watched.delivery:
        yield from _of_clients(watched.delivery.api)
        yield from _of_delivery(watched, watched.delivery)
    yield from _of_functions(watched)
    yield from _of_tables(watched)


def _of_clients(api: WebSocketApi) -> Iterator[Widget]:
    def series(metric: str) -> Series:
        return ["AWS/ApiGateway", metric, "ApiId", api.api.id, "Stage", api.stage]

    yield Widget("New connections", "Sum", [series("ConnectCount")])
    yield Widget("Messages", "Sum", [series("MessageCount")])
    yield Widget("Time until the answer (p99, ms)", "p99", [series("IntegrationLatency")])
    yield Widget("Errors of the API", "Sum", [series("IntegrationError"), series("ClientError")])


def _of_delivery(watched: Watched, delivery: WatchedDelivery) -> Iterator[Widget]:
    processor = delivery.stream_processor
    by_actor: list[Series] = [
        [METRIC_NAMESPACE, METRIC_DELIVERY_LAG, DIMENSION_STAGE, watched.stage, DIMENSION_ACTOR_TYPE, actor]
        for actor in watched.actors
    ]
    yield Widget("From change to post (p99, ms)", "p99", [_ours(watched, METRIC_DELIVERY_LAG, processor), *by_actor])
    yield Widget("One post (p99, ms)", "p99", _each(watched, METRIC_PUSH_LATENCY))
    yield Widget(
        "Posts that met nobody, or were put off",
        "Sum",
        [*_each(watched, METRIC_PUSH_GONE), *_each(watched, METRIC_PUSH_THROTTLED)],
    )
    yield Widget(
        "Age of the oldest waiting change (ms)",
        "Maximum",
        [["AWS/Lambda", "IteratorAge", "FunctionName", processor.function_name]],
    )
    depth: Series = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", delivery.failures.queue_name]
    yield Widget("Changes that could not be delivered", "Maximum", [depth])


def _of_functions(watched: Watched) -> Iterator[Widget]:
    def each(metric: str) -> list[Series]:
        return [["AWS/Lambda", metric, "FunctionName", one.function_name] for one in watched.functions.values()]

    yield Widget("Turns that changed an actor", "Sum", _each(watched, METRIC_TURNS))
    yield Widget("Writes that lost and were tried again", "Sum", _each(watched, METRIC_CONFLICTS))
    yield Widget("Frames that were no envelope", "Sum", _each(watched, METRIC_BAD_FRAMES))
    yield Widget("Invocations", "Sum", each("Invocations"))
    yield Widget("Duration (p99, ms)", "p99", each("Duration"))
    yield Widget("Errors", "Sum", each("Errors"))
    yield Widget("Environments at work", "Maximum", each("ConcurrentExecutions"))


def _of_tables(watched: Watched) -> Iterator[Widget]:
    def each(metric: str) -> list[Series]:
        return [["AWS/DynamoDB", metric, "TableName", table] for table in watched.tables.values()]

    yield Widget("Read units", "Sum", each("ConsumedReadCapacityUnits"))
    yield Widget("Write units", "Sum", each("ConsumedWriteCapacityUnits"))
    yield Widget("Throttled reads and writes", "Sum", [*each("ReadThrottleEvents"), *each("WriteThrottleEvents")])
    # Of the whole account and region, and no throttles among them: DynamoDB counts refused requests here.
    yield Widget("Refused requests (whole account)", "Sum", [["AWS/DynamoDB", "UserErrors"]])


def _ours(watched: Watched, metric: str, function: LambdaFunction) -> Series:
    return [METRIC_NAMESPACE, metric, DIMENSION_STAGE, watched.stage, DIMENSION_FUNCTION, function.function_name]


def _each(watched: Watched, metric: str) -> list[Series]:
    return [_ours(watched, metric, one) for one in watched.functions.values()]


def _placed(graphs: list[Widget], region: str) -> list[dict[str, object]]:
    across = _COLUMNS // _WIDTH
    return [
        {
            "type": "metric",
            "x": index % across * _WIDTH,
            "y": index // across * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {
                "title": graph.title,
                "region": region,
                "view": "timeSeries",
                "stat": graph.statistic,
                "period": _PERIOD_SECONDS,
                "metrics": graph.series,
            },
        }
        for index, graph in enumerate(graphs)
    ]
