"""What CloudWatch has measured within the last hour."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cli.account import CLIENT_CONFIG
from cli.deployment import function_name
from cli.doctor.patient import LiveRule, Patient, Said
from infra.plan import STREAM_PROCESSOR
from policies.model import STAGE, TABLE, WARM, WARNING, FunctionRef
from policies.sources import LAMBDA_GUIDE, LATENCY, page
from trebuche.contract import DIMENSION_FUNCTION, DIMENSION_STAGE, METRIC_NAMESPACE, METRIC_PUSH_LATENCY

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import MetricTypeDef

_PERIOD_SECONDS: Final = 3_600
_SLOW_POST_MS: Final = 1_000
_OLD_RECORD_MS: Final = 60_000


def _warm(patient: Patient) -> Iterator[Said]:
    client = patient.target.session.client("lambda", config=CLIENT_CONFIG)
    for warm in patient.stack.all(WARM):
        name, qualifier = FunctionRef.parse(warm.text("functionName")).name, warm.text("qualifier")
        found = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        if found["Status"] == "FAILED":
            yield f"Function {name}:{qualifier}", f"nothing is kept warm: {found.get('StatusReason')}", "deploy again"
        spilled = _metric(patient, "AWS/Lambda", "ProvisionedConcurrencySpilloverInvocations", "Sum", FunctionName=name)
        if spilled:
            what = f"{spilled:g} invocations of the last hour found no warm environment"
            yield f"Function {name}:{qualifier}", what, "raise trebuche:provisionedConcurrency"


def _throttled_tables(patient: Patient) -> Iterator[Said]:
    for table in patient.stack.all(TABLE):
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
            if count := _metric(patient, "AWS/DynamoDB", metric, "Sum", TableName=table.text("name")):
                what = f"{count:g} {metric} within the last hour: updates waited"
                yield table.label, what, "bill by request, or raise trebuche:capacity; look for one hot actor"


def _slow_posts(patient: Patient) -> Iterator[Said]:
    for stage in patient.stack.all(STAGE):
        for arn in patient.target.deployment.functions.values():
            name = function_name(arn)
            dimensions = {DIMENSION_STAGE: stage.text("name"), DIMENSION_FUNCTION: name}
            latency = _metric(patient, METRIC_NAMESPACE, METRIC_PUSH_LATENCY, "p99", **dimensions)
            if latency and latency > _SLOW_POST_MS:
                what = f"posts to connections took {latency:g} ms (p99 of the last hour)"
                yield f"Function {name}", what, "look at throttles of the API and at slow clients; keep functions warm"


def _old_records(patient: Patient) -> Iterator[Said]:
    arn = patient.target.deployment.functions.get(STREAM_PROCESSOR)
    if arn is None:
        return
    name = function_name(arn)
    age = _metric(patient, "AWS/Lambda", "IteratorAge", "Maximum", FunctionName=name)
    if age and age > _OLD_RECORD_MS:
        what = f"changes were up to {age / 1000:g} s old when it got them, within the last hour"
        yield f"Function {name}", what, "look for its errors and throttles; raise trebuche:streamParallelizationFactor"


def _metric(patient: Patient, namespace: str, name: str, stat: str, /, **dimensions: str) -> float | None:
    """One number for the last hour; None where nothing was measured."""
    client = patient.target.session.client("cloudwatch", config=CLIENT_CONFIG)
    now = datetime.now(UTC)
    metric: MetricTypeDef = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    found = client.get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": stat}}],
        StartTime=now - timedelta(seconds=_PERIOD_SECONDS),
        EndTime=now,
    )["MetricDataResults"]
    return max((value for one in found for value in one.get("Values", ())), default=None)


RULES: Final = (
    LiveRule(
        id="warm-capacity",
        title="What is kept warm is enough",
        sources=(page(LATENCY, 1),),
        severity=WARNING,
        check=_warm,
    ),
    LiveRule(
        id="table-throttles",
        title="No table is throttled",
        sources=(page(LATENCY, 2),),
        severity=WARNING,
        check=_throttled_tables,
    ),
    LiveRule(
        id="post-latency",
        title="Posts to connections are quick",
        sources=(page(LATENCY, 3),),
        severity=WARNING,
        check=_slow_posts,
    ),
    LiveRule(
        id="old-records",
        title="Changes reach the stream processor at once",
        sources=(page(LATENCY, 3), f"{LAMBDA_GUIDE}: IteratorAge"),
        severity=WARNING,
        check=_old_records,
    ),
)
