"""Alarms: what they watch exists, and they ring when they should and not before."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from tests.infra.conftest import Deploy
from tests.infra.recording import Recording
from trebuche import contract

Inputs = dict[str, Any]

EMITTED = {
    # AWS Lambda developer guide, "Types of metrics for Lambda functions".
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Throttles", "FunctionName"),
    ("AWS/Lambda", "Invocations", "FunctionName"),
    ("AWS/Lambda", "Duration", "FunctionName"),
    ("AWS/Lambda", "ConcurrentExecutions", "FunctionName"),
    ("AWS/Lambda", "IteratorAge", "FunctionName"),
    # API Gateway developer guide, "Monitor WebSocket API execution with CloudWatch metrics".
    ("AWS/ApiGateway", "ConnectCount", "ApiId", "Stage"),
    ("AWS/ApiGateway", "MessageCount", "ApiId", "Stage"),
    ("AWS/ApiGateway", "IntegrationError", "ApiId", "Stage"),
    ("AWS/ApiGateway", "ExecutionError", "ApiId", "Stage"),
    ("AWS/ApiGateway", "ClientError", "ApiId", "Stage"),
    ("AWS/ApiGateway", "IntegrationLatency", "ApiId", "Stage"),
    # Amazon SQS developer guide, "Available CloudWatch metrics for Amazon SQS".
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
    # Amazon DynamoDB developer guide, "DynamoDB metrics and dimensions".
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName"),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName"),
    ("AWS/DynamoDB", "ReadThrottleEvents", "TableName"),
    ("AWS/DynamoDB", "WriteThrottleEvents", "TableName"),
    ("AWS/DynamoDB", "UserErrors"),
    # The functions' own, as trebuche.contract describes them.
    (contract.METRIC_NAMESPACE, contract.METRIC_DELIVERY_LAG, "Stage", "Function"),
    (contract.METRIC_NAMESPACE, contract.METRIC_DELIVERY_LAG, "Stage", "ActorType"),
    (contract.METRIC_NAMESPACE, contract.METRIC_PUSH_LATENCY, "Stage", "Function"),
    (contract.METRIC_NAMESPACE, contract.METRIC_PUSH_GONE, "Stage", "Function"),
    (contract.METRIC_NAMESPACE, contract.METRIC_PUSH_THROTTLED, "Stage", "Function"),
    (contract.METRIC_NAMESPACE, contract.METRIC_BAD_FRAMES, "Stage", "Function"),
    (contract.METRIC_NAMESPACE, contract.METRIC_CONFLICTS, "Stage", "Function"),
    (contract.METRIC_NAMESPACE, contract.METRIC_TURNS, "Stage", "Function"),
}
FUNCTIONS = ("websocket", "stream-processor", "actor-todo-list", "actor-game-room")
KEPT = ("actor-state", "journal")
TABLES = (*KEPT, "connections", "subscriptions")
NAMES = {
    *(f"my-app-{role}-{what}" for role in FUNCTIONS for what in ("errors", "throttles", "duration")),
    *(f"my-app-{table}-write-throttles" for table in TABLES),
    "my-app-websocket-integration-errors",
    "my-app-websocket-execution-errors",
    "my-app-stream-processor-iterator-age",
    "my-app-stream-processor-delivery-lag",
    "my-app-stream-processor-failures-depth",
    "my-app-catch-up-todos-age",
}
SERIES: dict[str, tuple[list[float | None], list[float | None]]] = {
    # By the end of the name: one value per period that rings, and one that does not.
    "-websocket-errors": ([11, 11], [11, 10, 11]),
    "-throttles": ([1], [0, 0]),
    # Of 29 s, of 10 s and of 60 s.
    "-websocket-duration": ([23_201, 23_201], [23_200, 29_000, None, 29_000]),
    "-game-room-duration": ([8_001, 8_001], [8_000, 10_000, 8_000]),
    "-stream-processor-duration": ([48_001, 60_000], [48_000, 60_000]),
    "-execution-errors": ([1], [0, None]),
    "-integration-errors": ([11, 20], [20, 10, None, 20]),
    "-iterator-age": ([60_001, 60_001], [60_000, 300_000, 60_000]),
    "-delivery-lag": ([5_001, 9_000], [5_000, 9_000, None, 9_000]),
    "-failures-depth": ([1], [0, None]),
    "-todos-age": ([301], [300, None, 300]),
}


def is_emitted(namespace: str, metric: str, dimensions: Iterable[str]) -> bool:
    """Whether somebody writes this metric under exactly these dimensions."""
    return any(one[:2] == (namespace, metric) and set(one[2:]) == set(dimensions) for one in EMITTED)


def alarms(recording: Recording) -> dict[str, Inputs]:
    """The alarms of a stack by name."""
    return {one["name"]: one for one in recording.inputs("aws:cloudwatch/metricAlarm:MetricAlarm")}


def rings(alarm: Inputs, values: Sequence[float | None]) -> bool:
    """Whether an alarm goes off in a series with one value (or none) per period, as CloudWatch evaluates it."""
    assert alarm["treatMissingData"] == "notBreaching"
    assert "datapointsToAlarm" not in alarm
    compare: dict[str, Callable[[float, float], bool]] = {"GreaterThanThreshold": float.__gt__}
    breaching = [
        value is not None and compare[alarm["comparisonOperator"]](float(value), float(alarm["threshold"]))
        for value in values
    ]
    length = int(alarm["evaluationPeriods"])
    return any(all(breaching[at : at + length]) for at in range(len(breaching) - length + 1))


def test_every_function_and_path_is_watched(deployed: Deploy) -> None:
    """Named after what is watched."""
    assert set(alarms(deployed("production")[0])) == NAMES


def test_errors_alarm_is_the_pages(deployed: Deploy) -> None:
    """More than ten errors in each of two periods of five minutes."""
    alarm = alarms(deployed("production")[0])["my-app-websocket-errors"]

    assert alarm.pop("alarmDescription")
    assert alarm == {
        "name": "my-app-websocket-errors",
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 2,
        "metricName": "Errors",
        "namespace": "AWS/Lambda",
        "period": 300,
        "statistic": "Sum",
        "threshold": 10,
        "dimensions": {"FunctionName": "my-app-websocket"},
        "treatMissingData": "notBreaching",
    }


@pytest.mark.parametrize("ending", SERIES)
def test_alarm_rings_when_it_should(deployed: Deploy, ending: str) -> None:
    """One series trips it; the other comes as near as it can and does not."""
    ringing, quiet = SERIES[ending]
    found = [alarm for name, alarm in alarms(deployed()[0]).items() if name.endswith(ending)]

    assert found
    assert all(rings(alarm, ringing) and not rings(alarm, quiet) for alarm in found)


def test_silence_is_no_alarm(deployed: Deploy) -> None:
    """An application that nobody uses reports nothing."""
    assert not any(rings(alarm, [None] * 10) for alarm in alarms(deployed()[0]).values())


def test_watched_metrics_are_emitted(deployed: Deploy) -> None:
    """By AWS or by the functions, under exactly these dimensions; each with one statistic."""
    found = alarms(deployed()[0]).values()

    assert not [one for one in found if not is_emitted(one["namespace"], one["metricName"], one["dimensions"])]
    assert all(("statistic" in one) != ("extendedStatistic" in one) for one in found)


def test_dimensions_name_what_is_deployed(deployed: Deploy) -> None:
    """A dimension with a wrong value watches nothing."""
    recording, _outputs = deployed()
    found = alarms(recording)

    functions = {one["name"] for one in recording.inputs("aws:lambda/function:Function")}
    assert {one["dimensions"]["FunctionName"] for one in found.values() if "FunctionName" in one["dimensions"]} == (
        functions
    )
    assert found["my-app-dev-stream-processor-delivery-lag"]["dimensions"] == {
        "Stage": "dev",
        "Function": "my-app-dev-stream-processor",
    }
    assert found["my-app-dev-websocket-integration-errors"]["dimensions"] == {
        "ApiId": "app-api-api-id",
        "Stage": "dev",
    }
    tables = {one["name"] for one in recording.inputs("aws:dynamodb/table:Table")}
    assert {one["dimensions"]["TableName"] for one in found.values() if "TableName" in one["dimensions"]} == tables
    of_queues = {
        "my-app-dev-stream-processor-failures": "my-app-dev-stream-processor-failures-depth",
        "my-app-dev-catch-up-todos": "my-app-dev-catch-up-todos-age",
    }
    assert {one["name"] for one in recording.inputs("aws:sqs/queue:Queue")} == set(of_queues)
    assert all(found[alarm]["dimensions"] == {"QueueName": queue} for queue, alarm in of_queues.items())


def test_topic_hears_of_both_states(deployed: Deploy) -> None:
    """Of trouble and of its end; without a topic nobody is told."""
    topic = "arn:aws:sns:eu-west-1:111122223333:alarms"

    told = alarms(deployed(alarmTopicArn=topic)[0]).values()

    assert all(one["alarmActions"] == one["okActions"] == [topic] for one in told)


def test_nobody_is_told_without_a_topic(deployed: Deploy) -> None:
    """The alarms still change their state."""
    found = alarms(deployed()[0]).values()

    assert not any("alarmActions" in one or "okActions" in one for one in found)


def test_without_websocket_functions_are_watched(deployed: Deploy) -> None:
    """There is no API, no stream processor and no queue then."""
    config = 'name: my-app\nversion: "1"\nactors: {TodoList: {}, GameRoom: {}}\nwebsocket: {enabled: false}\n'

    assert set(alarms(deployed("production", config)[0])) == {
        *(f"my-app-{role}-{what}" for role in FUNCTIONS[2:] for what in ("errors", "throttles", "duration")),
        *(f"my-app-{table}-write-throttles" for table in KEPT),
    }


def test_environments_that_are_set_aside_are_watched(deployed: Deploy) -> None:
    """Four fifths of them, for each function that has any; without them there is no such alarm."""
    found = alarms(deployed(reservedConcurrency='{"websocket": 50, "actor-game-room": 1}')[0])

    busy = {name: alarm for name, alarm in found.items() if name.endswith("-concurrency")}
    assert set(busy) == {"my-app-dev-websocket-concurrency", "my-app-dev-actor-game-room-concurrency"}
    assert rings(busy["my-app-dev-websocket-concurrency"], [41])
    assert not rings(busy["my-app-dev-websocket-concurrency"], [40])
    assert rings(busy["my-app-dev-actor-game-room-concurrency"], [1])
