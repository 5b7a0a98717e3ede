"""What only a running stack can tell: states, permissions as IAM judges them, logs, metrics, what waits in queues."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from cli.account import CLIENT_CONFIG, speaking_to_aws
from cli.deployment import function_name
from cli.doctor.findings import RUNNING, Finding
from cli.target import Target
from infra.naming import log_group
from infra.plan import STREAM_PROCESSOR, WEBSOCKET
from policies.model import (
    ALIAS,
    API,
    ERROR,
    MAPPING,
    QUEUE,
    STAGE,
    TABLE,
    WARM,
    WARNING,
    FunctionRef,
    Stack,
)
from policies.needs import NEEDS, Need
from policies.rules.logs import logs as stage_logs
from policies.rules.permissions import role_of
from policies.sources import BROADCASTING, LAMBDA_GUIDE, LATENCY, PERSISTING, page
from trebuche.contract import (
    DIMENSION_FUNCTION,
    DIMENSION_STAGE,
    METRIC_NAMESPACE,
    METRIC_PUSH_LATENCY,
)

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import MetricTypeDef
    from types_boto3_iam.type_defs import ContextEntryTypeDef

_PERIOD_SECONDS: Final = 3_600
_SLOW_POST_MS: Final = 1_000
_OLD_RECORD_MS: Final = 60_000
_LOG_MINUTES: Final = 15
_LOG_PAGES: Final = 5
_BROKEN: Final = ("Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.ExitError", "Task timed out")
_ACTIVE: Final = frozenset({"Active", "Inactive"})

Said = tuple[str, str, str]
"""Where, what, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A running stack, and the way to AWS."""

    target: Target
    stack: Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRule:
    """A check that asks AWS; as a ``Rule`` of ``policies`` otherwise."""

    id: str
    title: str
    sources: tuple[str, ...]
    check: Callable[[Patient], Iterator[Said]]
    severity: str = ERROR


def examine_live(target: Target, stack: Stack) -> list[Finding]:
    """Ask AWS all that the rules want to know.

    Raises:
        CommandError: AWS refuses, or cannot be reached.
    """
    with speaking_to_aws():
        return [
            Finding(
                rule=rule.id,
                severity=rule.severity,
                part=RUNNING,
                where=where,
                what=what,
                mend=mend,
                sources=rule.sources,
            )
            for rule in LIVE_RULES
            for where, what, mend in rule.check(Patient(target, stack))
        ]


def _missing(patient: Patient) -> Iterator[Said]:
    there = {one.urn for one in patient.stack.nodes}
    for entry in ((patient.target.stack.state() or {}).get("deployment") or {}).get("resources") or ():
        if entry["type"].startswith("aws:") and not _reads_elsewhere(entry["type"]) and entry["urn"] not in there:
            name = str(entry["urn"]).rsplit("::", 1)[-1]
            kind = str(entry["type"]).rsplit(":", 1)[-1]
            yield f"{kind} {name}", "it is gone from AWS", "deploy again after `pulumi refresh`"


def _reads_elsewhere(type_: str) -> bool:
    """Kinds that are read from IAM role by role, where a missing one shows as a missing permission."""
    return type_.startswith("aws:iam/rolePolicy")


def _states(patient: Patient) -> Iterator[Said]:
    functions = patient.target.session.client("lambda", config=CLIENT_CONFIG)
    for alias in patient.stack.all(ALIAS):
        name = FunctionRef.parse(alias.text("functionName")).name
        found = functions.get_function_configuration(FunctionName=name, Qualifier=alias.text("name"))
        if found.get("State", "Active") not in _ACTIVE or found.get("LastUpdateStatus") == "Failed":
            why = found.get("StateReason") or found.get("LastUpdateStatusReason") or "AWS does not say why"
            yield f"Function {name}", f"it is {found.get('State')}: {why}", "deploy again when the reason is mended"
    tables = patient.target.session.client("dynamodb", config=CLIENT_CONFIG)
    for table in patient.stack.all(TABLE):
        described = tables.describe_table(TableName=table.text("name"))["Table"]
        parts: list[tuple[str, str]] = [(table.label, described["TableStatus"])]
        for index in described.get("GlobalSecondaryIndexes", ()):
            parts.append((f"{table.label}/{index['IndexName']}", index["IndexStatus"]))
        for label, state in parts:
            if state not in ("ACTIVE", "UPDATING"):
                yield label, f"it is {state}", "wait until it is ACTIVE; a new index is filled first"


def _mappings(patient: Patient) -> Iterator[Said]:
    client = patient.target.session.client("lambda", config=CLIENT_CONFIG)
    own = {one.text("id") for one in patient.stack.all(MAPPING)}
    streams = {one.text("eventSourceArn") for one in patient.stack.all(MAPPING)} - {""}
    for arn in sorted(streams):
        for mapping in client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]:
            where = f"EventSourceMapping {mapping['UUID']}"
            if mapping["UUID"] not in own:
                target = mapping["FunctionArn"].split(":function:")[-1]
                yield where, f"it follows {arn} to {target}, and is not of this stack", "remove it, if nobody needs it"
            if mapping["State"] not in ("Enabled", "Creating", "Updating", "Enabling"):
                yield where, f"it is {mapping['State']}: {mapping.get('StateTransitionReason', '')}", "enable it"
            if (result := mapping.get("LastProcessingResult", "")).startswith("PROBLEM"):
                yield where, f"AWS says of the last batch: {result}", "look into `trebuche logs stream-processor`"


def _permissions(patient: Patient) -> Iterator[Said]:
    """What the functions do, as IAM's own simulator judges it: with boundaries, and policies that were attached."""
    client = patient.target.session.client("iam", config=CLIENT_CONFIG)
    needs = {(need.function.urn, need.action, need.resource): need for one in NEEDS for need in one(patient.stack)}
    by_role: dict[tuple[str, str], list[Need]] = {}
    for need in needs.values():
        role = role_of(patient.stack, need.function)
        if role is not None and need.resource:
            by_role.setdefault((role.text("arn"), need.resource), []).append(need)
    for (role_arn, resource), wanted in by_role.items():
        # The simulator multiplies actions and resources: so one resource, and what is wanted of it.
        answers = client.simulate_principal_policy(
            PolicySourceArn=role_arn,
            ActionNames=sorted({need.action for need in wanted}),
            ResourceArns=[resource],
            ContextEntries=_context(patient),
        )["EvaluationResults"]
        for answer in answers:
            if answer["EvalDecision"] != "allowed":
                what = f"IAM says {answer['EvalDecision']} to {answer['EvalActionName']} on {wanted[0].place}"
                yield f"Role {role_arn.rsplit('/', 1)[-1]}", what, "allow it; look for a boundary, or a Deny"


def _context(patient: Patient) -> "list[ContextEntryTypeDef]":
    # A key of one's own may be used through DynamoDB only: the simulator has to be told that it is.
    region = f"dynamodb.{patient.target.region}.amazonaws.com"
    return [{"ContextKeyName": "kms:ViaService", "ContextKeyType": "string", "ContextKeyValues": [region]}]


def _connect_errors(patient: Patient) -> Iterator[Said]:
    arn = patient.target.deployment.functions.get(WEBSOCKET)
    if arn is None:
        return
    client = patient.target.session.client("logs", config=CLIENT_CONFIG)
    group = log_group(function_name(arn))
    since = int((datetime.now(UTC) - timedelta(minutes=_LOG_MINUTES)).timestamp() * 1000)
    try:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=since, PaginationConfig={"MaxItems": _LOG_PAGES * 10_000}
        )
        bad = [text for one in pages for event in one["events"] if _is_broken(text := event["message"])]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield (
            f"LogGroup {group}",
            "it is gone: errors of $connect leave no trace",
            "deploy again after `pulumi refresh`",
        )
        return
    if bad:
        what = f"$connect failed {len(bad)} times within {_LOG_MINUTES} minutes; last: {bad[-1].strip()[:300]}"
        yield f"LogGroup {group}", what, "`trebuche logs websocket` has the tracebacks"


def _is_broken(text: str) -> bool:
    """Whether a line says that a connect was answered with an error, or the function does not even start."""
    if any(word in text for word in _BROKEN):
        return True
    try:
        line = json.loads(text)
    except ValueError:
        return False
    status = line.get("statusCode") if isinstance(line, dict) else None
    return isinstance(status, int) and status >= 500 and line.get("event") == "connect"


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


def _failures(patient: Patient) -> Iterator[Said]:
    client = patient.target.session.client("sqs", config=CLIENT_CONFIG)
    for queue in patient.stack.all(QUEUE):
        if not queue.text("url"):
            continue
        attributes = client.get_queue_attributes(
            QueueUrl=queue.text("url"), AttributeNames=["ApproximateNumberOfMessages"]
        )
        count = int(attributes["Attributes"]["ApproximateNumberOfMessages"])
        if count and any(queue in patient.stack.linked(one, *_DESTINATION) for one in patient.stack.all(MAPPING)):
            yield queue.label, f"{count} failures wait in it: changes that no client heard of", "`trebuche redrive`"


_DESTINATION: Final = ("destinationConfig", QUEUE, "onFailure", "destinationArn")


def _account(patient: Patient) -> Iterator[Said]:
    if not any(stage_logs(stage) for stage in patient.stack.all(STAGE)):
        return
    role = patient.target.session.client("apigateway", config=CLIENT_CONFIG).get_account().get("cloudwatchRoleArn")
    if not role:
        what = "API Gateway has no role to write logs with, in this account and region"
        yield "the account", what, "set trebuche:ownAccountLogRole on one stack, or set the role by hand"


def _newest(patient: Patient) -> Iterator[Said]:
    client = patient.target.session.client("apigatewayv2", config=CLIENT_CONFIG)
    for stage in patient.stack.all(STAGE):
        api = patient.stack.api(stage)
        # With autoDeploy a stage is moved to each deployment by itself.
        if api is None or api.type != API or stage.get("autoDeploy") is True:
            continue
        made = client.get_deployments(ApiId=api.text("id"), MaxResults="500")["Items"]
        newest = max(made, key=lambda one: one["CreatedDate"], default=None)
        live = client.get_stage(ApiId=api.text("id"), StageName=stage.text("name")).get("DeploymentId")
        if newest and live != newest["DeploymentId"]:
            what = f"it serves deployment {live}, and {newest['DeploymentId']} is newer: changes are not live"
            yield stage.label, what, "deploy again after `pulumi refresh`"


LIVE_RULES: Final = (
    LiveRule(
        id="missing-resource",
        title="All that was deployed is there",
        sources=("docs/aws.md: when something is wrong",),
        check=_missing,
    ),
    LiveRule(
        id="active",
        title="Functions, tables and the index are active",
        sources=(page(BROADCASTING, 4), f"{LAMBDA_GUIDE}: function states"),
        check=_states,
    ),
    LiveRule(
        id="mapping-running",
        title="The stream is followed, and by this stack alone",
        sources=(page(BROADCASTING, 2),),
        check=_mappings,
    ),
    LiveRule(
        id="simulated-permission",
        title="IAM allows what the functions do",
        sources=(page(PERSISTING, 1), page(BROADCASTING, 3), "iam:SimulatePrincipalPolicy"),
        check=_permissions,
    ),
    LiveRule(
        id="connect-errors",
        title="The log has no errors of $connect",
        sources=(page(PERSISTING, 3),),
        check=_connect_errors,
    ),
    LiveRule(
        id="newest-deployment",
        title="The stage serves the newest deployment",
        sources=("terraform-provider-aws#12961, #36078; pulumi#5849",),
        check=_newest,
    ),
    LiveRule(
        id="account-log-role-set",
        title="The account has a role for a stage that logs",
        sources=("sst#1556, sst#4663: CloudWatch Logs role ARN must be set",),
        check=_account,
    ),
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
    LiveRule(
        id="waiting-failures",
        title="No failures wait",
        sources=(f"{LAMBDA_GUIDE}: on-failure destinations", "docs/aws.md: when something is wrong"),
        severity=WARNING,
        check=_failures,
    ),
)
