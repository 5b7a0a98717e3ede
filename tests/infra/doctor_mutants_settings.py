"""Ways to break what is set: variables, numbers, roles, alarms."""

import json
from typing import Any

from policies.model import (
    ACCOUNT,
    ALARM,
    ALIAS,
    ATTACHMENT,
    DEPLOYMENT,
    FUNCTION,
    LOG_GROUP,
    MAPPING,
    POLICY,
    QUEUE,
    ROLE,
    ROLE_POLICY,
    SCALING,
    STAGE,
    TABLE,
)
from tests.infra.doctor_mutants import (
    ACTOR,
    CONNECTIONS,
    EXECUTE,
    INDEX,
    LAMBDA,
    PROCESSOR,
    STATE,
    TABLES,
    WEBSOCKET,
    statement,
    variables,
)
from tests.infra.doctored import ACCOUNT as NUMBER
from tests.infra.doctored import REGION, REMOVED, Change, add, both, change, drop, later, rewire

_ROOM = "app-actor-game-room-function"
_QUEUES = f"https://sqs.{REGION}.amazonaws.com/{NUMBER}/my-app-dev-"
_LAMBDA = {"Service": "lambda.amazonaws.com"}


def _trusting(which: str, *principals: Any, **more: Any) -> Change:
    """Have a role trust somebody."""
    trust = [{"Effect": "Allow", "Principal": one, "Action": "sts:AssumeRole", **more} for one in principals]
    return change(ROLE, which, assumeRolePolicy=json.dumps({"Statement": trust}))


def _allowing(action: str, resource: str, which: str = "app-actor-todo-list") -> Change:
    """Add a statement to a role's policy."""

    def apply(stack: Any) -> Any:
        [policy] = [one for one in stack.all(ROLE_POLICY) if one.urn == f"{which}-execution-policy"]
        document = json.loads(policy.props["policy"])
        document["Statement"].append({"Effect": "Allow", "Action": [action], "Resource": [resource]})
        return change(ROLE_POLICY, policy.urn, policy=json.dumps(document))(stack)

    return later(apply)


def _about(sid: str, which: str, resource: str) -> Change:
    """Have a statement be about another resource."""
    return statement(lambda one: one.update(Resource=[resource]), sid, which)


def _index(**values: Any) -> Change:
    return change(TABLE, CONNECTIONS, globalSecondaryIndexes=[{**INDEX, **values}])


def _alarm(which: str, **values: Any) -> Change:
    return change(ALARM, f"app-alarms-{which}", **values)


def _logging(text: str) -> Change:
    group = f"arn:aws:logs:{REGION}:{NUMBER}:log-group:/aws/lambda/my-app-dev-websocket"
    return change(STAGE, "app", accessLogSettings={"destinationArn": group, "format": f"$context.requestId {text}"})


def _account(trust: Any, policy: str = "") -> Change:
    """The account's log role, in this stack."""
    arn = f"arn:aws:iam::{NUMBER}:role/logs"
    document = json.dumps({"Statement": [{"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"}]})
    attached = [add(ATTACHMENT, "writer", role="logs", policyArn=policy)] if policy else []
    return both(
        add(ROLE, "log-role", name="logs", arn=arn, assumeRolePolicy=document),
        add(ACCOUNT, "account", cloudwatchRoleArn=arn),
        *attached,
    )


VARIABLES: list[tuple[str, str, Change]] = [
    ("environment", "no NAMESPACE", variables(ACTOR, NAMESPACE=REMOVED)),
    ("environment", "no actor", variables(ACTOR, TREBUCHE_ACTOR="")),
    ("environment", "no window", variables(ACTOR, TREBUCHE_WINDOW_MS=REMOVED)),
    ("environment", "no retention", variables(PROCESSOR, TREBUCHE_RETENTION_HOURS=REMOVED)),
    ("environment", "no stage", variables(WEBSOCKET, TREBUCHE_STAGE=REMOVED)),
    ("environment", "no queues", variables(PROCESSOR, TREBUCHE_CATCH_UP_QUEUES=REMOVED)),
    ("environment", "no queue of one's own", variables(ACTOR, TREBUCHE_CATCH_UP_QUEUES=REMOVED)),
    ("environment", "a proxy", variables(ACTOR, HTTPS_PROXY="http://10.0.0.1:3128")),
    ("environment", "a proxy in small letters", variables(WEBSOCKET, http_proxy="http://10.0.0.1:3128")),
    ("environment", "somebody else's profile", variables(ACTOR, AWS_PROFILE="admin")),
    ("environment", "Lambda's own", variables(ACTOR, AWS_REGION="us-east-1")),
    ("environment", "more than fits", variables(ACTOR, NOTES="x" * 4_200)),
    ("variable-values", "another namespace", variables(ACTOR, NAMESPACE="elsewhere")),
    (
        "variable-values",
        "another namespace for all",
        both(*(variables(one, NAMESPACE="elsewhere") for one in (ACTOR, _ROOM, WEBSOCKET, PROCESSOR))),
    ),
    ("variable-values", "another actor", variables(ACTOR, TREBUCHE_ACTOR="actors.game_room:GameRoom")),
    ("variable-values", "no class", variables(ACTOR, TREBUCHE_ACTOR="actors/todo_list.py")),
    ("variable-values", "without state", variables(ACTOR, TREBUCHE_STATEFUL="false")),
    ("variable-values", "perhaps with state", variables(ACTOR, TREBUCHE_STATEFUL="yes")),
    ("variable-values", "a window of words", variables(ACTOR, TREBUCHE_WINDOW_MS="250ms")),
    ("variable-values", "a year of retention", variables(ACTOR, TREBUCHE_RETENTION_HOURS="8760")),
    ("variable-values", "another retention", variables(ACTOR, TREBUCHE_RETENTION_HOURS="1")),
    ("variable-values", "no queues at all", variables(PROCESSOR, TREBUCHE_CATCH_UP_QUEUES="{}")),
    ("variable-values", "no JSON", variables(PROCESSOR, TREBUCHE_CATCH_UP_QUEUES="todos")),
    ("variable-values", "limits of one", variables(ACTOR, TREBUCHE_LIMITS="10")),
    (
        "variable-values",
        "the queue of failures",
        variables(ACTOR, TREBUCHE_CATCH_UP_QUEUES=json.dumps({"todos": f"{_QUEUES}stream-processor-failures"})),
    ),
    (
        "variable-values",
        "another stack's queue",
        variables(ACTOR, TREBUCHE_CATCH_UP_QUEUES=json.dumps({"todos": "https://sqs.eu-west-1.amazonaws.com/1/x"})),
    ),
    (
        "variable-values",
        "another actor's queue",
        variables(PROCESSOR, TREBUCHE_CATCH_UP_QUEUES=json.dumps({"game": f"{_QUEUES}catch-up-todos"})),
    ),
    (
        "table-variables",
        "swapped",
        variables(ACTOR, STATE_TABLE="my-app-dev-journal", TREBUCHE_JOURNAL_TABLE="my-app-actor-state-dev"),
    ),
]
NUMBERS: list[tuple[str, str, Change]] = [
    ("mapping-retries", "thousands", change(MAPPING, "app-stream", maximumRetryAttempts=10_000)),
    ("mapping-retries", "a day", change(MAPPING, "app-stream", maximumRecordAgeInSeconds=86_400)),
    ("mapping-retries", "a week", change(MAPPING, "app-stream", maximumRecordAgeInSeconds=604_800)),
    ("mapping-retries", "a worker's all or nothing", change(MAPPING, "worker", functionResponseTypes=REMOVED)),
    ("mapping-patience", "none", change(MAPPING, "app-stream", maximumRetryAttempts=0)),
    ("mapping-patience", "a minute", change(MAPPING, "app-stream", maximumRecordAgeInSeconds=60)),
    ("mapping-pace", "one by one", change(MAPPING, "app-stream", batchSize=1, parallelizationFactor=1)),
    ("mapping-start", "at a time", change(MAPPING, "app-stream", startingPosition="AT_TIMESTAMP")),
    ("mapping-enabled", "a worker's", change(MAPPING, "worker", enabled=False)),
    ("function-start", "another language", change(FUNCTION, ACTOR, runtime="nodejs22.x")),
    ("function-start", "an old Python", change(FUNCTION, PROCESSOR, runtime="python3.9")),
    ("function-start", "a Python to come", change(FUNCTION, PROCESSOR, runtime="python3.99")),
    ("function-code", "of a bucket", change(FUNCTION, ACTOR, s3Bucket="code", s3Key="actor.zip", code=REMOVED)),
    ("function-code", "signed", change(FUNCTION, ACTOR, codeSigningConfigArn="arn:aws:lambda:x")),
    ("function-timeout", "less than it waits for", change(FUNCTION, WEBSOCKET, timeout=5)),
    ("function-timeout", "no time to hand over", change(FUNCTION, PROCESSOR, timeout=10)),
    ("reserved-concurrency", "one", change(FUNCTION, WEBSOCKET, reservedConcurrentExecutions=1)),
    ("reserved-concurrency", "less than workers", change(FUNCTION, ACTOR, reservedConcurrentExecutions=5)),
    ("throttle", "one in a thousand", change(STAGE, "app", defaultRouteSettings__throttlingRateLimit=0.001)),
    ("throttle", "one at once", change(STAGE, "app", defaultRouteSettings__throttlingBurstLimit=1)),
    ("tight-throttle", "five a second", change(STAGE, "app", defaultRouteSettings__throttlingRateLimit=5)),
    ("table-limit", "of the index", _index(onDemandThroughput={"maxReadRequestUnits": 1})),
    (
        "table-keys",
        "an index by number",
        change(
            TABLE,
            CONNECTIONS,
            attributes=[
                {"name": "connectionId", "type": "S"},
                {"name": "actorId", "type": "S"},
                {"name": "streamId", "type": "N"},
            ],
        ),
    ),
    (
        "table-keys",
        "an attribute too many",
        change(
            TABLE,
            STATE,
            attributes=[
                {"name": "actorId", "type": "S"},
                {"name": "version", "type": "N"},
            ],
        ),
    ),
    ("table-keys", "an undeclared key", change(TABLE, CONNECTIONS, attributes=[{"name": "connectionId", "type": "S"}])),
    ("connection-index", "some of it", _index(projectionType="INCLUDE", nonKeyAttributes=["ttl"])),
    ("queue-visibility", "less than its function", change(QUEUE, "catch-ups", visibilityTimeoutSeconds=5)),
    ("queue-visibility", "AWS's default", change(QUEUE, "catch-ups", visibilityTimeoutSeconds=0)),
    ("queue-attempts", "twice its function", change(QUEUE, "catch-ups", visibilityTimeoutSeconds=40)),
    ("queue-attempts", "a minute", change(QUEUE, "catch-ups", messageRetentionSeconds=60)),
    ("queue-attempts", "one", change(QUEUE, "catch-ups", redrivePolicy=json.dumps({"maxReceiveCount": 1}))),
    (
        "queue-messages",
        "a dead letter queue of nobody",
        change(QUEUE, "catch-ups", redrivePolicy=json.dumps({"deadLetterTargetArn": "arn:aws:sqs:x:1:gone"})),
    ),
    ("queue-messages", "a kilobyte", change(QUEUE, "app-failures", maxMessageSize=1_024)),
    ("queue-messages", "FIFO", change(QUEUE, "app-failures", fifoQueue=True)),
    (
        "failure-queue",
        "goes on",
        change(QUEUE, "app-failures", redrivePolicy=json.dumps({"deadLetterTargetArn": "x", "maxReceiveCount": 1})),
    ),
    ("queue-mapping", "a filter", change(MAPPING, "worker", filterCriteria={"filters": [{"pattern": "{}"}]})),
    ("queue-mapping", "a window", change(MAPPING, "worker", maximumBatchingWindowInSeconds=60)),
    ("log-retention", "of one function", change(LOG_GROUP, "app-stream-processor", retentionInDays=0)),
    ("ignored-changes", "code", rewire(FUNCTION, ACTOR, ignores=frozenset({"code"}))),
    ("ignored-changes", "triggers", rewire(DEPLOYMENT, "app", ignores=frozenset({"triggers"}))),
    ("ignored-changes", "what is live", rewire(STAGE, "app", ignores=frozenset({"deploymentId"}))),
    ("ignored-changes", "versions", rewire(ALIAS, "websocket", ignores=frozenset({"functionVersion"}))),
    ("ignored-changes", "variables", rewire(FUNCTION, ACTOR, ignores=frozenset({"environment.variables.NAMESPACE"}))),
    ("ignored-changes", "a table's stream", rewire(TABLE, STATE, ignores=frozenset({"streamEnabled"}))),
    ("access-logs", "tokens", _logging("$context.authorizer.token")),
    ("access-logs", "the query", _logging("$context.request.querystring")),
    ("access-logs", "two lines", _logging("\n$context.status")),
    ("access-logs", "executions for ever", change(STAGE, "app", defaultRouteSettings__loggingLevel="INFO")),
    (
        "account-log-role",
        "of functions",
        both(_account(_LAMBDA), rewire(STAGE, "app", depends_on=frozenset({"account"}))),
    ),
    ("account-log-role", "that may not write", _account({"Service": "apigateway.amazonaws.com"})),
]
ROLES_AND_POLICIES: list[tuple[str, str, Change]] = [
    ("role-trust", "the account", _trusting("app-websocket", _LAMBDA, {"AWS": f"arn:aws:iam::{NUMBER}:root"})),
    (
        "role-trust",
        "machines as well",
        _trusting("app-websocket", {"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}),
    ),
    ("role-trust", "another account", _trusting("app-websocket", _LAMBDA, {"AWS": "999999999999"})),
    ("role-trust", "whoever signs in", _trusting("app-websocket", _LAMBDA, {"Federated": "accounts.google.com"})),
    (
        "role-trust",
        "under a condition",
        _trusting("app-websocket", _LAMBDA, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    ),
    ("role-trust", "for another action", _trusting("app-websocket", _LAMBDA, Action="sts:AssumeRoleWithSAML")),
    (
        "wide-permission",
        "any account",
        _about("Post", "app-websocket", EXECUTE.replace(NUMBER, "*") + "dev/POST/@connections/*"),
    ),
    (
        "wide-permission",
        "any region",
        _about("State", "app-actor-todo-list", TABLES.replace(REGION, "*") + "my-app-actor-state-dev"),
    ),
    ("wide-permission", "any table", _about("State", "app-actor-todo-list", TABLES + "*")),
    ("wide-permission", "tables of a prefix", _about("State", "app-actor-todo-list", TABLES + "my-app-*")),
    ("wide-permission", "any stage", _about("Post", "app-websocket", EXECUTE + "*/POST/@connections/*")),
    ("wide-permission", "any method", _about("Post", "app-websocket", EXECUTE + "dev/*")),
    ("wide-permission", "any function", _about("Invoke", "app-websocket", LAMBDA + "*")),
    ("wide-permission", "pass a role", _allowing("iam:PassRole", f"arn:aws:iam::{NUMBER}:role/x")),
    ("wide-permission", "take a role", _allowing("sts:AssumeRole", f"arn:aws:iam::{NUMBER}:role/x")),
    ("wide-permission", "other code", _allowing("lambda:UpdateFunctionCode", LAMBDA + "my-app-dev-websocket")),
    ("wide-permission", "a table away", _allowing("dynamodb:DeleteTable", TABLES + "my-app-actor-state-dev")),
    ("wide-permission", "any secret", _allowing("secretsmanager:GetSecretValue", "*")),
    ("unused-permission", "all of a table", _allowing("dynamodb:Scan", TABLES + "my-app-actor-state-dev")),
    ("unused-permission", "functions", _allowing("lambda:InvokeFunction", LAMBDA + "my-app-dev-websocket:live")),
    (
        "wide-permission",
        "a policy of AWS's for less",
        add(
            ATTACHMENT,
            "basic",
            role="my-app-dev-websocket",
            policyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        ),
    ),
    (
        "wide-permission",
        "within the role",
        change(ROLE, "app-websocket", managedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ),
    (
        "wide-permission",
        "in the role",
        change(
            ROLE,
            "app-websocket",
            inlinePolicies=[
                {
                    "name": "x",
                    "policy": json.dumps(
                        {
                            "Statement": [
                                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                            ]
                        }
                    ),
                }
            ],
        ),
    ),
    (
        "wide-permission",
        "a policy of one's own",
        add(
            POLICY,
            "wide",
            name="wide",
            policy=json.dumps(
                {
                    "Statement": [
                        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                    ]
                }
            ),
        ),
    ),
    (
        "foreign-policy",
        "by hand",
        both(
            add(ROLE_POLICY, "by-hand", role="my-app-dev-websocket", name="trial", policy='{"Statement": []}'),
            rewire(ROLE_POLICY, "by-hand", by_hand=True),
        ),
    ),
]
ALARMS: list[tuple[str, str, Change]] = [
    (
        "alarm-metric",
        "user errors",
        _alarm("websocket-throttles", namespace="AWS/DynamoDB", metricName="UserErrors", dimensions={"TableName": "x"}),
    ),
    ("alarm-metric", "another function", _alarm("websocket-errors", dimensions={"FunctionName": "other"})),
    ("alarm-metric", "another dimension", _alarm("websocket-errors", dimensions={"Function": "my-app-dev-websocket"})),
    ("alarm-metric", "no dimension", _alarm("websocket-errors", dimensions={})),
    ("alarm-metric", "no such metric", _alarm("websocket-errors", metricName="Failures")),
    ("alarm-metric", "another stage", _alarm("api-integration-errors", dimensions__Stage="v2")),
    ("alarm-threshold", "never", _alarm("websocket-errors", threshold=1_000_000)),
    ("alarm-threshold", "after records are given up", _alarm("stream-processor-iterator-age", threshold=3_600_000)),
    ("alarm-threshold", "the other way round", _alarm("websocket-errors", comparisonOperator="LessThanThreshold")),
    ("alarm-threshold", "the mean of errors", _alarm("websocket-errors", statistic="Average")),
    ("alarm-threshold", "when idle", _alarm("websocket-errors", treatMissingData="breaching")),
    ("alarm-threshold", "a day later", _alarm("websocket-errors", period=86_400, evaluationPeriods=1)),
    ("alarm-threshold", "days later", _alarm("websocket-errors", period=86_400, evaluationPeriods=2)),
    ("alarm-threshold", "of more periods than there are", _alarm("websocket-errors", datapointsToAlarm=5)),
    ("alarm-action", "switched off", _alarm("websocket-errors", actionsEnabled=False)),
    ("alarm-action", "for others only", _alarm("websocket-errors", alarmActions=["arn:aws:sns:x:1:alarms"])),
    ("alarm-coverage", "another function's", _alarm("websocket-errors", dimensions__FunctionName="my-app-dev-other")),
    ("alarm-coverage", "another queue's", _alarm("failures-depth", dimensions__QueueName="other")),
    ("alarm-coverage", "another namespace's", _alarm("websocket-errors", namespace="Lambda")),
    ("alarm-coverage", "late changes unseen", _alarm("stream-processor-delivery-lag", metricName="Lag")),
    ("alarm-coverage", "errors of the API unseen", drop(ALARM, "integration-errors")),
]
SCALED: list[tuple[str, str, Change]] = [
    (
        "table-capacity",
        "another index",
        change(SCALING, "connections-scaling-index-read", resourceId="table/x/index/y"),
    ),
    ("table-capacity", "up to what it has", change(SCALING, "state-scaling-write", maxCapacity=5)),
    (
        "table-capacity",
        "in steps",
        change("aws:appautoscaling/policy:Policy", "state-scaling-write", policyType="StepScaling"),
    ),
    (
        "table-capacity",
        "too late",
        change(
            "aws:appautoscaling/policy:Policy",
            "state-scaling-read",
            targetTrackingScalingPolicyConfiguration__targetValue=100,
        ),
    ),
]
