"""Rules about alarms: that they watch what there is, can ring, and are heard."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from policies.model import (
    ALARM,
    API,
    FUNCTION,
    MAPPING,
    QUEUE,
    STAGE,
    TABLE,
    UNKNOWN,
    WARNING,
    Node,
    Problem,
    Rule,
    Stack,
)
from policies.needs import FAILURES
from policies.program import own_functions, state_mappings, variable
from policies.rules.routes import sockets
from trebuche.contract import (
    DIMENSION_ACTOR_TYPE,
    DIMENSION_FUNCTION,
    DIMENSION_STAGE,
    ENV_STAGE,
    METRIC_DELIVERY_LAG,
    METRIC_NAMESPACE,
)

_CLOUDWATCH: Final = "CloudWatch user guide"
_LAMBDA, _GATEWAY, _DYNAMODB, _SQS = "AWS/Lambda", "AWS/ApiGateway", "AWS/DynamoDB", "AWS/SQS"
_DIMENSIONS: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    _LAMBDA: (frozenset({"FunctionName"}), frozenset({"FunctionName", "Resource"})),
    _GATEWAY: (frozenset({"ApiId"}), frozenset({"ApiId", "Stage"}), frozenset({"ApiId", "Stage", "Route"})),
    _DYNAMODB: (
        frozenset({"TableName"}),
        frozenset({"TableName", "Operation"}),
        frozenset({"TableName", "GlobalSecondaryIndexName"}),
    ),
    _SQS: (frozenset({"QueueName"}),),
    METRIC_NAMESPACE: (
        frozenset({DIMENSION_STAGE, DIMENSION_FUNCTION}),
        frozenset({DIMENSION_STAGE, DIMENSION_ACTOR_TYPE}),
    ),
}
"""Namespace to the sets of dimensions under which its metrics are kept; under any other there is nothing."""
_METRICS: Final[Mapping[str, frozenset[str]]] = {
    _LAMBDA: frozenset(
        {
            *("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "IteratorAge"),
            *("UnreservedConcurrentExecutions", "DeadLetterErrors", "DestinationDeliveryFailures"),
            *("ProvisionedConcurrencySpilloverInvocations", "ProvisionedConcurrencyUtilization"),
            *("AsyncEventsDropped", "AsyncEventAge"),
        }
    ),
    _GATEWAY: frozenset(
        {
            *("ConnectCount", "MessageCount", "IntegrationError", "ClientError", "ExecutionError"),
            "IntegrationLatency",
        }
    ),
    _SQS: frozenset(
        {
            *("ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"),
            *("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesDelayed", "NumberOfMessagesSent"),
            *("NumberOfMessagesReceived", "NumberOfMessagesDeleted", "NumberOfEmptyReceives", "SentMessageSize"),
        }
    ),
}
_MOST: Final[Mapping[str, float]] = {
    "Errors": 1_000,
    "Throttles": 1_000,
    "IntegrationError": 1_000,
    "ExecutionError": 1_000,
    "DeliveryLag": 60_000,
    "ApproximateNumberOfMessagesVisible": 1_000,
    "ApproximateAgeOfOldestMessage": 7_200,
    "IteratorAge": 86_400_000,
}
"""Metric of failures to what it reaches at all before everything is lost."""
_COUNTS: Final = frozenset({"Errors", "Throttles", "IntegrationError", "ExecutionError"})
_ABOVE: Final = ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")
_DAY_SECONDS: Final = 86_400
_HOUR_SECONDS: Final = 3_600


def _watched(stack: Stack) -> Iterator[Problem]:
    for alarm in stack.all(ALARM):
        namespace, metric, dimensions = alarm.get("namespace"), alarm.get("metricName"), alarm.get("dimensions")
        if metric == "UserErrors" and namespace == _DYNAMODB:
            what = "it watches UserErrors: these are no throttles, and they are the account's, not a table's"
            yield Problem(alarm, what, "watch ReadThrottleEvents and WriteThrottleEvents, with TableName")
            continue
        if namespace not in _DIMENSIONS or dimensions is UNKNOWN:
            continue
        if metric not in _METRICS.get(str(namespace), {metric}):
            yield Problem(alarm, f"{namespace} has no metric {metric}: it never rings", "set metricName")
        if frozenset(dimensions or ()) not in _DIMENSIONS[str(namespace)]:
            named = ", ".join(sorted(dimensions or ())) or "nothing"
            yield Problem(alarm, f"{namespace} keeps nothing by {named}: it never rings", "set dimensions")
        for name, value in (dimensions or {}).items():
            if value is not UNKNOWN and (known := _names(stack, str(name))) and value not in known:
                what = f"it watches {name} {value}, which is not in this stack: it never rings"
                yield Problem(alarm, what, f"set {name} to what it is to watch")


def _names(stack: Stack, dimension: str) -> set[Any]:
    """What a dimension can be in this stack; empty when that is not known."""
    found: set[Any] = set()
    match dimension:
        case "FunctionName" | "Function":
            found = {one.get("name") for one in stack.all(FUNCTION)}
        case "QueueName":
            found = {one.get("name") for one in stack.all(QUEUE)}
        case "TableName":
            found = {one.get("name") for one in stack.all(TABLE)}
        case "ApiId":
            found = {one.get("id") or UNKNOWN for one in stack.all(API)}
        case "Stage":
            found = {one.get("name") for one in stack.all(STAGE)} or {
                variable(one, ENV_STAGE) for one in own_functions(stack)
            }
    return set() if UNKNOWN in found else found


def _reachable(stack: Stack) -> Iterator[Problem]:
    for alarm in stack.all(ALARM):
        metric, threshold = alarm.text("metricName"), alarm.number("threshold")
        if metric in _MOST:
            yield from _threshold(stack, alarm, metric, threshold)
        periods, seconds = alarm.number("evaluationPeriods") or 1, alarm.number("period") or 0
        if periods * seconds > _DAY_SECONDS:
            what = f"it looks back {periods * seconds / _HOUR_SECONDS:g} h: CloudWatch refuses more than a day"
            yield Problem(alarm, what, "lower period or evaluationPeriods")
        elif metric in _MOST and periods * seconds > _HOUR_SECONDS:
            what = f"it rings after {periods * seconds / _HOUR_SECONDS:g} h: clients have been failing for as long"
            yield Problem(alarm, what, "lower period or evaluationPeriods")
        points = alarm.number("datapointsToAlarm")
        if points is not None and points > periods:
            yield Problem(
                alarm, f"it wants {points:g} of {periods:g} periods: it never rings", "lower datapointsToAlarm"
            )
        if alarm.get("treatMissingData") == "breaching" and metric in _MOST:
            what = "it rings whenever nothing is reported, and what is idle reports nothing"
            yield Problem(alarm, what, "set treatMissingData to notBreaching")


def _threshold(stack: Stack, alarm: Node, metric: str, threshold: float | None) -> Iterator[Problem]:
    most = min([_MOST[metric], *_given_up_ms(stack)]) if metric == "IteratorAge" else _MOST[metric]
    statistic = alarm.text("statistic")
    if alarm.get("comparisonOperator") not in (*_ABOVE, UNKNOWN, None):
        what = f"it rings while {metric} is low ({alarm.get('comparisonOperator')}), and is silent when it is high"
        yield Problem(alarm, what, "set comparisonOperator to GreaterThanThreshold")
    if threshold is not None and threshold >= most:
        what = f"{metric} never gets to {threshold:g} before all is lost: it does not ring"
        yield Problem(alarm, what, "lower threshold")
    elif metric in _COUNTS and statistic in ("Average", "Minimum", "Maximum") and (threshold or 0) >= 1:
        what = f"the {statistic.lower()} of {metric} is 1 at the most, and it rings above {threshold:g}"
        yield Problem(alarm, what, "set statistic to Sum")


def _given_up_ms(stack: Stack) -> list[float]:
    """Ages at which records are given up: none gets older."""
    ages = [one.number("maximumRecordAgeInSeconds") or -1 for one in stack.all(MAPPING)]
    return [age * 1_000 for age in ages if age > 0]


def _heard(stack: Stack) -> Iterator[Problem]:
    alarms = stack.all(ALARM)
    told = [one for one in alarms if one.get("alarmActions")]
    for alarm in alarms:
        if alarm.get("actionsEnabled") is False:
            yield Problem(alarm, "its actions are switched off: nobody hears it", "remove actionsEnabled")
        elif told and alarm not in told:
            what = "it tells nobody, and the other alarms do"
            yield Problem(alarm, what, "set alarmActions as the other alarms have it (trebuche:alarmTopicArn)")


def _covered(stack: Stack) -> Iterator[Problem]:
    if not stack.all(ALARM):
        return
    for node, metric, dimension, name in _wanted(stack):
        namespace, kind = metric
        alarms = [one for one in stack.all(ALARM) if (one.get("namespace"), one.get("metricName")) == metric]
        if not any(one.get("dimensions", dimension) in (name, UNKNOWN) for one in alarms):
            mend = f"add an alarm on {kind} of {namespace} with {dimension} {name}"
            yield Problem(node, f"no alarm watches its {kind}", mend)


def _wanted(stack: Stack) -> Iterator[tuple[Node, tuple[str, str], str, str]]:
    """What is watched, by which metric of which namespace, and under which dimension and value."""
    for function in own_functions(stack):
        for metric in ("Errors", "Throttles"):
            yield function, (_LAMBDA, metric), "FunctionName", function.text("name")
    for mapping in state_mappings(stack):
        if (processor := stack.function(stack.function_ref(mapping, "functionName"))) is not None:
            yield processor, (_LAMBDA, "IteratorAge"), "FunctionName", processor.text("name")
            yield processor, (METRIC_NAMESPACE, METRIC_DELIVERY_LAG), DIMENSION_FUNCTION, processor.text("name")
        for queue in stack.linked(mapping, *FAILURES):
            yield queue, (_SQS, "ApproximateNumberOfMessagesVisible"), "QueueName", queue.text("name")
    for api in sockets(stack):
        yield api, (_GATEWAY, "IntegrationError"), "ApiId", api.text("id")


def _rule(id_: str, title: str, check: Callable[[Stack], Iterator[Problem]], *sources: str) -> Rule:
    return Rule(id=id_, title=title, sources=sources, severity=WARNING, check=check)


RULES: Final = (
    _rule(
        "alarm-metric",
        "Alarms watch metrics that there are, of what is in this stack",
        _watched,
        f"{_CLOUDWATCH}: metrics and dimensions",
        "DynamoDB developer guide: UserErrors has no dimensions, and is no throttling",
    ),
    _rule(
        "alarm-threshold",
        "Alarms can ring, and do not ring for nothing",
        _reachable,
        f"{_CLOUDWATCH}: alarm evaluation, missing data",
    ),
    _rule("alarm-action", "Alarms are heard", _heard, f"{_CLOUDWATCH}: alarm actions"),
    _rule(
        "alarm-coverage",
        "What fails unseen has an alarm",
        _covered,
        "docs/architecture.md: D15",
    ),
)
