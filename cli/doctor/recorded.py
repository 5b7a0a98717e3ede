"""What was written down: the log of $connect, the role that API Gateway logs with, and failures that wait."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from botocore.exceptions import ClientError

from cli.account import CLIENT_CONFIG
from cli.deployment import function_name
from cli.doctor.patient import LiveRule, Patient, Said
from infra.naming import log_group
from infra.plan import WEBSOCKET
from policies.model import MAPPING, QUEUE, STAGE, WARNING
from policies.rules.logs import logs as stage_logs
from policies.sources import LAMBDA_GUIDE, PERSISTING, page

_LOG_MINUTES: Final = 15
_LOG_PAGES: Final = 5
_BROKEN: Final = ("Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.ExitError", "Task timed out")
_DESTINATION: Final = ("destinationConfig", QUEUE, "onFailure", "destinationArn")


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


def _account(patient: Patient) -> Iterator[Said]:
    if not any(stage_logs(stage) for stage in patient.stack.all(STAGE)):
        return
    role = patient.target.session.client("apigateway", config=CLIENT_CONFIG).get_account().get("cloudwatchRoleArn")
    if not role:
        what = "API Gateway has no role to write logs with, in this account and region"
        yield "the account", what, "set trebuche:ownAccountLogRole on one stack, or set the role by hand"


RULES: Final = (
    LiveRule(
        id="connect-errors",
        title="The log has no errors of $connect",
        sources=(page(PERSISTING, 3),),
        check=_connect_errors,
    ),
    LiveRule(
        id="account-log-role-set",
        title="The account has a role for a stage that logs",
        sources=("sst#1556, sst#4663: CloudWatch Logs role ARN must be set",),
        check=_account,
    ),
    LiveRule(
        id="waiting-failures",
        title="No failures wait",
        sources=(f"{LAMBDA_GUIDE}: on-failure destinations", "docs/aws.md: when something is wrong"),
        severity=WARNING,
        check=_failures,
    ),
)
