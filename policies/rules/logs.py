"""Rules about logs that API Gateway writes: of accesses, of executions, and the role that it takes for both."""

import re
from collections.abc import Iterator
from typing import Any, Final

from policies.documents import allows, many, statements
from policies.model import ACCOUNT, ATTACHMENT, LOG_GROUP, ROLE, STAGE, UNKNOWN, WARNING, Node, Problem, Rule, Stack
from policies.rules.invocations import API_GATEWAY
from policies.rules.permissions import all_statements_of
from policies.sources import API_GUIDE

_LONGEST_FORMAT: Final = 3_000
_SECRET: Final = re.compile(r"token|authorization|querystring|cookie|header|\$input|body|ticket|claims", re.IGNORECASE)
_WRITER: Final = "AmazonAPIGatewayPushToCloudWatchLogs"
_WRITES: Final = "logs:PutLogEvents"


def logs(stage: Node) -> bool:
    """Whether a stage needs the account's role: it has access logs or execution logs."""
    return bool(stage.get("accessLogSettings")) or executes(stage)


def executes(stage: Node) -> bool:
    """Whether a stage logs its executions."""
    return any(one.get("loggingLevel") not in (None, "", "OFF") for one in _levels(stage))


def _levels(stage: Node) -> Iterator[dict[str, Any]]:
    for one in (stage.get("defaultRouteSettings"), *many(stage.get("routeSettings"))):
        if isinstance(one, dict):
            yield one


def _access_logs(stack: Stack) -> Iterator[Problem]:
    for stage in stack.all(STAGE):
        if isinstance(stage.get("accessLogSettings"), dict):
            yield from _format(stage)
            groups = stack.linked(stage, "accessLogSettings", LOG_GROUP, "destinationArn")
            destination = stage.text("accessLogSettings", "destinationArn")
            if destination and not groups and ":firehose:" not in destination:
                what = f"its access log goes to {destination}, which is no log group of this stack"
                yield Problem(stage, what, "set destinationArn to the arn of a log group with retention")
        if any(one.get("dataTraceEnabled") is True for one in _levels(stage)):
            what = "it logs whole messages (dataTraceEnabled): what clients say, and their tokens"
            yield Problem(stage, what, "switch dataTraceEnabled off")
        if executes(stage):
            yield from _execution_group(stack, stage)


def _format(stage: Node) -> Iterator[Problem]:
    text = stage.get("accessLogSettings", "format")
    if not isinstance(text, str):
        return
    if "$context.requestId" not in text and "$context.extendedRequestId" not in text:
        what = "its access log format has no request id: AWS refuses it"
        yield Problem(stage, what, "add $context.requestId or $context.extendedRequestId")
    if len(text) > _LONGEST_FORMAT or "\n" in text.strip():
        yield Problem(stage, "its access log format is not one line of 3 KB at the most: AWS refuses it", "shorten it")
    # `$context.error.message` and the like are none of a client's.
    if found := sorted({one for one in re.findall(r"\$[\w.()'-]+", text) if _SECRET.search(one)}):
        what = f"its access log holds {', '.join(found)}: what clients prove themselves with, for whoever reads logs"
        yield Problem(stage, what, "log ids, routes and states only")


def _execution_group(stack: Stack, stage: Node) -> Iterator[Problem]:
    wanted = f"/aws/apigateway/{stage.text('apiId') or '<api>'}/{stage.text('name')}"
    # Before there is an API a group of that name has none that is known.
    if not any(one.get("name") in (wanted, UNKNOWN) for one in stack.all(LOG_GROUP)):
        what = f"it logs executions, and {wanted} is not in this stack: API Gateway makes it without an end"
        yield Problem(stage, what, "make the log group with retentionInDays, or set loggingLevel OFF")


def _account_role(stack: Stack) -> Iterator[Problem]:
    accounts = stack.all(ACCOUNT)
    for extra in accounts[1:]:
        what = "it is the second resource that sets the account's role: there is one per account and region"
        yield Problem(extra, what, "keep one, in one stack")
    for account in accounts:
        if not account.get("cloudwatchRoleArn"):
            what = "it takes the account's log role away: every stage with logs fails to deploy"
            yield Problem(account, what, "set cloudwatchRoleArn, or remove the resource")
        for role in stack.linked(account, "cloudwatchRoleArn", ROLE):
            yield from _writer(stack, role)
    for stage in (one for one in stack.all(STAGE) if logs(one)):
        for account in accounts[:1]:
            if account.urn not in stack.waits_for(stage):
                what = f"it logs, and may be made before {account.label}: CloudWatch Logs role ARN must be set"
                yield Problem(stage, what, "add the Account to depends_on")


def _writer(stack: Stack, role: Node) -> Iterator[Problem]:
    """Whether API Gateway may take the account's role, and write with it."""
    trusted = [
        str(one)
        for statement in statements(role.get("assumeRolePolicy"))
        if statement.get("Effect") == "Allow"
        for one in many(statement["Principal"].get("Service") if isinstance(statement.get("Principal"), dict) else ())
    ]
    if role.get("assumeRolePolicy") is not UNKNOWN and API_GATEWAY not in trusted:
        what = f"API Gateway may not take it, and writes its logs with it: {', '.join(trusted) or 'nobody'} may"
        yield Problem(role, what, f"let {API_GATEWAY} take it")
    attached = [one.text("policyArn") for one in stack.all(ATTACHMENT) if role in stack.linked(one, "role", ROLE)]
    found = all_statements_of(stack, role)
    if not any(_WRITER in one for one in attached) and not (found is None or allows(found, _WRITES, "*")):
        what = "it may not write logs, and API Gateway does so with it"
        yield Problem(role, what, f"attach service-role/{_WRITER}")


def _elsewhere(stack: Stack) -> Iterator[Problem]:
    for stage in stack.all(STAGE):
        if logs(stage) and not stack.all(ACCOUNT) and not stack.complete:
            what = "it logs, and no Account of this stack sets the role for it: on a new account the deployment fails"
            yield Problem(
                stage, what, "see that another stack has set it, or set trebuche:ownAccountLogRole on this one"
            )


RULES: Final = (
    Rule(
        id="access-logs",
        title="Access logs can be written, and hold no messages and no credentials",
        sources=("aws-cdk#11100, #21935, #29220; ion#587", f"{API_GUIDE}: access logging"),
        check=_access_logs,
    ),
    Rule(
        id="account-log-role",
        title="The account's log role is set once, before a stage logs, and suffices",
        sources=("sst#1556, sst#4663, aws-cdk#33977: CloudWatch Logs role ARN must be set",),
        check=_account_role,
    ),
    Rule(
        id="log-role-elsewhere",
        title="A stage that logs has the account's role from somewhere",
        sources=("sst#1556, sst#4663, aws-cdk#33977: CloudWatch Logs role ARN must be set",),
        severity=WARNING,
        check=_elsewhere,
    ),
)
