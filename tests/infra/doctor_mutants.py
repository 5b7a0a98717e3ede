"""Ways to break the program's stack, each with the rule of the doctor that is to name it."""

import json
from collections.abc import Callable
from typing import Any

from policies.model import (
    ACCOUNT,
    ALIAS,
    API,
    ATTACHMENT,
    AUTHORIZER,
    DEPLOYMENT,
    FUNCTION,
    FUNCTION_URL,
    INSTANCE,
    INTEGRATION,
    LOG_GROUP,
    MAPPING,
    PERMISSION,
    POLICY,
    QUEUE,
    QUEUE_POLICY,
    RESPONSE,
    ROLE,
    ROLE_POLICY,
    ROUTE,
    STAGE,
    TABLE,
    WARM,
    Stack,
)
from tests.infra.doctored import ACCOUNT as NUMBER
from tests.infra.doctored import ENDPOINT, REGION, REMOVED, Change, add, both, change, drop, later, rewire

WEBSOCKET, PROCESSOR, ACTOR = "app-websocket-function", "app-stream-processor-function", "app-actor-todo-list-function"
STATE, CONNECTIONS = "app-state-table", "app-connections-table"
LAMBDA = f"arn:aws:lambda:{REGION}:{NUMBER}:function:"
EXECUTE = f"arn:aws:execute-api:{REGION}:{NUMBER}:abc123/"
TABLES = f"arn:aws:dynamodb:{REGION}:{NUMBER}:table/"
INDEX = {
    "name": "actorId-index",
    "projectionType": "ALL",
    "keySchemas": [
        {"attributeName": "actorId", "keyType": "HASH"},
        {"attributeName": "streamId", "keyType": "RANGE"},
    ],
}
KEY = f"arn:aws:kms:{REGION}:{NUMBER}:key/1"
ANYBODY = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sqs:*", "Resource": "*"}]}
)
OF_API = {"apiId": frozenset({"app-api-api"})}
AUTHORIZED: dict[str, Any] = {
    "apiId": "app-api-api-id",
    "authorizerType": "REQUEST",
    "authorizerUri": LAMBDA + "my-app-dev-websocket:live",
}


def statement(change_it: Callable[[dict[str, Any]], None], sid: str, which: str) -> Change:
    """Change one statement of a role's policy."""

    def apply(stack: Stack) -> Stack:
        [policy] = [one for one in stack.all(ROLE_POLICY) if one.urn == f"{which}-execution-policy"]
        document = json.loads(policy.props["policy"])
        [chosen] = [one for one in document["Statement"] if one["Sid"] == sid]
        change_it(chosen)
        if not chosen.get("Action"):
            document["Statement"].remove(chosen)
        return change(ROLE_POLICY, policy.urn, policy=json.dumps(document))(stack)

    return later(apply)


def without(sid: str, which: str) -> Change:
    """Take a whole statement away."""
    return statement(lambda one: one.update(Action=[]), sid, which)


def variables(which: str, **values: Any) -> Change:
    """Set environment variables of a function."""
    return change(FUNCTION, which, **{f"environment__variables__{name}": value for name, value in values.items()})


def filtered(pattern: object) -> Change:
    """Give the mapping a filter."""
    return change(MAPPING, "app", filterCriteria={"filters": [{"pattern": json.dumps(pattern)}]})


def conditioned(sid: str, which: str, **condition: Any) -> Change:
    """Have a statement hold under a condition only."""
    return statement(lambda one: one.update(Condition=condition), sid, which)


def bounded(document: object) -> Change:
    """Give a role a permissions boundary of this stack."""
    arn = f"arn:aws:iam::{NUMBER}:policy/boundary"
    return both(
        add(POLICY, "boundary", arn=arn, name="boundary", policy=json.dumps(document)),
        change(ROLE, "app-stream-processor", permissionsBoundary=arn),
    )


def taken(allowed: str, **principal: str) -> Change:
    """Have an integration call as a role of this stack."""
    arn = f"arn:aws:iam::{NUMBER}:role/caller"
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    policy = {"Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": allowed}]}
    return both(
        add(ROLE, "caller", arn=arn, name="caller", assumeRolePolicy=json.dumps(trust)),
        add(ROLE_POLICY, "caller-policy", role="caller", name="p", policy=json.dumps(policy)),
        change(INTEGRATION, "default-integration", credentialsArn=arn),
    )


MUTANTS: list[tuple[str, str, Change]] = [
    (
        "policy-condition",
        "from a VPC",
        conditioned("State", "app-actor-todo-list", StringEquals={"aws:SourceVpce": "vpce-1"}),
    ),
    (
        "policy-condition",
        "with a second factor",
        conditioned("Post", "app-websocket", Bool={"aws:MultiFactorAuthPresent": "true"}),
    ),
    (
        "policy-condition",
        "in another region",
        conditioned("State", "app-actor-todo-list", StringEquals={"aws:RequestedRegion": "us-east-1"}),
    ),
    (
        "policy-condition",
        "until last year",
        conditioned("Stream", "app-stream-processor", DateLessThan={"aws:CurrentTime": "2025-01-01T00:00:00Z"}),
    ),
    (
        "policy-condition",
        "from a private network",
        conditioned("Invoke", "app-websocket", IpAddress={"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}),
    ),
    (
        "policy-condition",
        "in plain HTTP",
        conditioned("State", "app-actor-todo-list", Bool={"aws:SecureTransport": "false"}),
    ),
    (
        "policy-condition",
        "of another account",
        conditioned("State", "app-actor-todo-list", StringEquals={"aws:PrincipalAccount": "999999999999"}),
    ),
    (
        "policy-condition",
        "in another namespace",
        conditioned("Discover", "app-websocket", StringEquals={"servicediscovery:NamespaceName": "elsewhere"}),
    ),
    (
        "policy-condition",
        "a denial that always holds",
        statement(
            lambda one: one.update(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "true"}}),
            "State",
            "app-actor-todo-list",
        ),
    ),
    (
        "state-permission",
        "under a condition that never holds",
        conditioned("State", "app-actor-todo-list", StringEquals={"aws:SourceVpc": "vpc-1"}),
    ),
    (
        "open-condition",
        "leading keys",
        conditioned(
            "State", "app-actor-todo-list", **{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["todos"]}}
        ),
    ),
    (
        "role-boundary",
        "of another stack",
        change(ROLE, "app-websocket", permissionsBoundary=f"arn:aws:iam::{NUMBER}:policy/developers"),
    ),
    (
        "stream-permission",
        "beyond the boundary",
        later(bounded({"Statement": [{"Effect": "Allow", "Action": ["logs:*", "execute-api:*"], "Resource": "*"}]})),
    ),
    (
        "integration-credentials",
        "no role of the stack",
        change(INTEGRATION, "default-integration", credentialsArn=f"arn:aws:iam::{NUMBER}:role/gone"),
    ),
    (
        "integration-credentials",
        "the caller's own",
        change(INTEGRATION, "default-integration", credentialsArn="arn:aws:iam::*:user/*"),
    ),
    ("integration-credentials", "of another service", taken("*", Service="lambda.amazonaws.com")),
    (
        "integration-credentials",
        "for another function",
        later(taken(LAMBDA + "other:live", Service="apigateway.amazonaws.com")),
    ),
    (
        "integration-credentials",
        "of an authorizer",
        add(AUTHORIZER, "auth", **AUTHORIZED, authorizerCredentialsArn=f"arn:aws:iam::{NUMBER}:role/gone"),
    ),
    ("environment", "other modules", variables(ACTOR, PYTHONPATH="/opt/python")),
    ("environment", "other libraries", variables(WEBSOCKET, LD_PRELOAD="/opt/x.so")),
    ("function-code", "layers", change(FUNCTION, ACTOR, layers=[f"arn:aws:lambda:{REGION}:{NUMBER}:layer:x:1"])),
    (
        "function-code",
        "a file system",
        change(FUNCTION, ACTOR, fileSystemConfig={"arn": "arn:aws:elasticfilesystem:x", "localMountPath": "/mnt/x"}),
    ),
    ("function-code", "an image", change(FUNCTION, PROCESSOR, packageType="Image", code=REMOVED)),
    ("function-code", "an image's address", change(FUNCTION, PROCESSOR, imageUri="x.dkr.ecr/y:1")),
    ("function-architecture", "x86_64", change(FUNCTION, ACTOR, architectures=["x86_64"])),
    ("function-architecture", "AWS's default", change(FUNCTION, WEBSOCKET, architectures=REMOVED)),
    ("log-format", "text", change(FUNCTION, WEBSOCKET, loggingConfig__logFormat="Text")),
    ("log-format", "AWS's default", change(FUNCTION, PROCESSOR, loggingConfig__logFormat=REMOVED)),
    ("table-class", "for archives", change(TABLE, STATE, tableClass="STANDARD_INFREQUENT_ACCESS")),
    ("queue-delay", "a minute", change(QUEUE, "app", delaySeconds=60)),
    ("deployment", "by itself", change(STAGE, "app", autoDeploy=True)),
    ("published-versions", "no versions", change(FUNCTION, WEBSOCKET, publish=False)),
    (
        "invoke-permission",
        "for Alexa only",
        change(PERMISSION, "app-stage-default-permission", eventSourceToken="amzn1.ask.skill.1"),
    ),
    (
        "invoke-permission",
        "for an organisation only",
        change(PERMISSION, "app-stage-connect-permission", principalOrgId="o-1"),
    ),
    ("connection-permission", "no statement on connections", without("Connections", "app-websocket")),
    (
        "connection-permission",
        "another table",
        statement(lambda one: one.update(Resource=[TABLES + "other"]), "Connections", "app-websocket"),
    ),
    (
        "connection-permission",
        "denied",
        statement(lambda one: one.update(Effect="Deny"), "Subscriptions", "app-stream-processor"),
    ),
    ("connection-permission", "no policy at all", drop(ROLE_POLICY, "app-websocket-execution-policy")),
    ("state-permission", "no statement on the state", without("State", "app-actor-todo-list")),
    (
        "state-permission",
        "only reading",
        statement(lambda one: one.update(Action="dynamodb:GetItem"), "State", "app-actor-todo-list"),
    ),
    ("post-permission", "no statement", without("Post", "app-stream-processor")),
    (
        "post-permission",
        "another stage",
        statement(lambda one: one.update(Resource=[EXECUTE + "other/POST/@connections/*"]), "Post", "app-websocket"),
    ),
    (
        "post-permission",
        "only reading",
        statement(lambda one: one.update(Resource=[EXECUTE + "dev/GET/@connections/*"]), "Post", "app-websocket"),
    ),
    ("stream-permission", "no statement", without("Stream", "app-stream-processor")),
    ("failure-permission", "no statement", without("Failures", "app-stream-processor")),
    ("queue-permission", "no statement", without("CatchUps", "app-actor-todo-list")),
    ("reminder-permission", "no statement", without("Reminders", "app-stream-processor")),
    ("reminder-permission", "of one's own", without("PutOffs", "app-actor-todo-list")),
    ("log-permission", "no statement", without("Logs", "app-websocket")),
    (
        "log-permission",
        "the group without its streams",
        statement(lambda one: one.update(Resource=[one["Resource"][0].removesuffix(":*")]), "Logs", "app-websocket"),
    ),
    ("trace-permission", "traced without permission", later(change(FUNCTION, WEBSOCKET, tracingConfig__mode="Active"))),
    (
        "key-permission",
        "of a table",
        later(change(TABLE, STATE, serverSideEncryption={"enabled": True, "kmsKeyArn": KEY})),
    ),
    ("key-permission", "of the variables", later(change(FUNCTION, ACTOR, kmsKeyArn=KEY))),
    ("key-permission", "of a queue", later(change(QUEUE, "catch-ups", kmsMasterKeyId=KEY))),
    ("actor-permission", "no statement", without("Invoke", "app-websocket")),
    ("actor-permission", "not found", without("Discover", "app-websocket")),
    (
        "wide-permission",
        "every action",
        statement(lambda one: one.update(Action="dynamodb:*"), "State", "app-actor-todo-list"),
    ),
    ("wide-permission", "every resource", statement(lambda one: one.update(Resource="*"), "Post", "app-websocket")),
    (
        "wide-permission",
        "a policy of AWS's own",
        add(
            ATTACHMENT,
            "wide",
            role="my-app-dev-websocket",
            policyArn="arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess",
        ),
    ),
    (
        "role-trust",
        "another service",
        change(
            ROLE,
            "app-websocket",
            assumeRolePolicy=json.dumps(
                {
                    "Statement": [
                        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
                    ]
                }
            ),
        ),
    ),
    (
        "role-trust",
        "anybody",
        change(
            ROLE,
            "app-websocket",
            assumeRolePolicy=json.dumps(
                {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
            ),
        ),
    ),
    ("environment", "no CONNECTION_TABLE", variables(WEBSOCKET, CONNECTION_TABLE=REMOVED)),
    ("environment", "an empty one", variables(PROCESSOR, CONNECTION_TABLE="")),
    ("environment", "no variables", change(FUNCTION, ACTOR, environment=REMOVED)),
    ("environment", "another AWS", variables(ACTOR, AWS_ENDPOINT_URL_DYNAMODB="http://localhost:8000")),
    ("environment", "a wrapper that is not there", variables(ACTOR, AWS_LAMBDA_EXEC_WRAPPER="/opt/wrap")),
    ("table-variables", "no such table", variables(WEBSOCKET, CONNECTION_TABLE="elsewhere")),
    (
        "table-variables",
        "another stack's",
        both(add(TABLE, "other", name="old-state", hashKey="actorId"), variables(ACTOR, STATE_TABLE="old-state")),
    ),
    ("function-timeout", "a minute", change(FUNCTION, WEBSOCKET, timeout=60)),
    ("function-timeout", "AWS's default", change(FUNCTION, PROCESSOR, timeout=REMOVED)),
    ("published-versions", "an alias on $LATEST", change(ALIAS, "app-websocket", functionVersion="$LATEST")),
    (
        "alias-weights",
        "a forgotten trial",
        change(ALIAS, "app-websocket", routingConfig={"additionalVersionWeights": {"6": 0.1}}),
    ),
    (
        "warm-starts",
        "another qualifier",
        add(WARM, "warm", functionName="my-app-dev-websocket", qualifier="old", provisionedConcurrentExecutions=1),
    ),
    (
        "warm-starts",
        "none",
        add(WARM, "warm", functionName="my-app-dev-websocket", qualifier="live", provisionedConcurrentExecutions=0),
    ),
    (
        "warm-starts",
        "with SnapStart",
        both(
            change(FUNCTION, WEBSOCKET, snapStart={"applyOn": "PublishedVersions"}),
            add(WARM, "warm", functionName="my-app-dev-websocket", qualifier="live", provisionedConcurrentExecutions=1),
        ),
    ),
    ("reserved-concurrency", "off", change(FUNCTION, WEBSOCKET, reservedConcurrentExecutions=0)),
    ("reserved-concurrency", "less than batches", change(FUNCTION, PROCESSOR, reservedConcurrentExecutions=3)),
    ("log-group", "none", drop(LOG_GROUP, "app-websocket-logs")),
    ("log-group", "another one", change(FUNCTION, WEBSOCKET, loggingConfig__logGroup="/aws/lambda/other")),
    ("log-retention", "for ever", change(LOG_GROUP, "app-websocket", retentionInDays=REMOVED)),
    ("log-retention", "0 days", change(LOG_GROUP, "app-websocket", retentionInDays=0)),
    ("function-in-vpc", "in subnets", change(FUNCTION, PROCESSOR, vpcConfig={"subnetIds": ["subnet-1"]})),
    ("function-runtime", "an old Python", change(FUNCTION, PROCESSOR, runtime="python3.11")),
    ("function-archive", "made by Pulumi", change(FUNCTION, PROCESSOR, code={"kind": "assets"})),
    ("table-keys", "another key", change(TABLE, CONNECTIONS, hashKey="id")),
    ("table-keys", "no range key", change(TABLE, "app-subscriptions-table", rangeKey=REMOVED)),
    ("table-keys", "a number", change(TABLE, STATE, attributes=[{"name": "actorId", "type": "N"}])),
    ("connection-index", "none", change(TABLE, CONNECTIONS, globalSecondaryIndexes=REMOVED)),
    (
        "connection-index",
        "another name",
        change(TABLE, CONNECTIONS, globalSecondaryIndexes=[{**INDEX, "name": "byActor"}]),
    ),
    (
        "connection-index",
        "keys only",
        change(TABLE, CONNECTIONS, globalSecondaryIndexes=[{**INDEX, "projectionType": "KEYS_ONLY"}]),
    ),
    (
        "connection-index",
        "other keys",
        change(
            TABLE,
            CONNECTIONS,
            globalSecondaryIndexes=[{**INDEX, "keySchemas": [{"attributeName": "streamId", "keyType": "HASH"}]}],
        ),
    ),
    ("time-to-live", "off", change(TABLE, CONNECTIONS, ttl__enabled=False)),
    ("time-to-live", "another attribute", change(TABLE, "app-journal-table", ttl__attributeName="expires")),
    ("time-to-live", "none", change(TABLE, "app-subscriptions-table", ttl=REMOVED)),
    ("time-to-live", "of states", change(TABLE, STATE, ttl={"attributeName": "updatedAt", "enabled": True})),
    ("state-stream", "off", change(TABLE, STATE, streamEnabled=False)),
    ("state-stream", "keys only", change(TABLE, STATE, streamViewType="KEYS_ONLY")),
    ("state-stream", "new images only", change(TABLE, STATE, streamViewType="NEW_IMAGE")),
    ("table-capacity", "provisioned", change(TABLE, STATE, billingMode="PROVISIONED", readCapacity=1, writeCapacity=1)),
    ("table-capacity", "the provider's default", change(TABLE, STATE, billingMode=REMOVED)),
    ("stream-mapping", "none", drop(MAPPING, "app")),
    (
        "stream-mapping",
        "twice",
        add(
            MAPPING,
            "second",
            functionName="my-app-dev-stream-processor:live",
            enabled=True,
            eventSourceArn=TABLES + "my-app-actor-state-dev/stream/2026-11-23T00:00:00.000",
        ),
    ),
    ("mapping-source", "another table", change(MAPPING, "app", eventSourceArn=TABLES + "my-app-dev-journal/stream/1")),
    (
        "mapping-source",
        "a stream of yesterday",
        change(MAPPING, "app", eventSourceArn=TABLES + "my-app-actor-state-dev/stream/2026-11-22"),
    ),
    ("mapping-target", "no alias", change(MAPPING, "app", functionName=LAMBDA + "my-app-dev-stream-processor")),
    ("mapping-target", "elsewhere", change(MAPPING, "app", functionName=LAMBDA + "other:live")),
    ("mapping-target", "an actor", change(MAPPING, "app", functionName=LAMBDA + "my-app-dev-actor-todo-list:live")),
    (
        "actor-directory",
        "no alias",
        change(INSTANCE, "todos", attributes__ENDPOINT=LAMBDA + "my-app-dev-actor-todo-list"),
    ),
    (
        "actor-directory",
        "another function",
        change(INTEGRATION, "todos-integration", integrationUri=LAMBDA + "my-app-dev-actor-game-room:live"),
    ),
    ("route-target", "a GET", change(INTEGRATION, "todos-integration", integrationMethod="GET")),
    ("route-target", "no proxy", change(INTEGRATION, "todos-integration", integrationType="AWS")),
    ("route-target", "bytes", change(INTEGRATION, "todos-integration", contentHandlingStrategy="CONVERT_TO_BINARY")),
    (
        "route-target",
        "an actor's route to a pong",
        change(ROUTE, "todos-route", target="integrations/app-stage-ping-integration-id"),
    ),
    ("route-target", "a VPC link", change(INTEGRATION, "todos-integration", connectionType="VPC_LINK")),
    ("table-limit", "a small limit", change(TABLE, STATE, onDemandThroughput={"maxWriteRequestUnits": 1})),
    ("log-group", "no metrics", change(LOG_GROUP, "app-websocket", logGroupClass="INFREQUENT_ACCESS")),
    ("log-group", "errors only", change(FUNCTION, WEBSOCKET, loggingConfig__applicationLogLevel="ERROR")),
    ("mapping-enabled", "disabled", change(MAPPING, "app", enabled=False)),
    ("mapping-start", "the newest", change(MAPPING, "app", startingPosition="LATEST")),
    ("mapping-retries", "for ever", change(MAPPING, "app", maximumRetryAttempts=-1)),
    ("mapping-retries", "not said", change(MAPPING, "app", maximumRetryAttempts=REMOVED)),
    ("mapping-retries", "any age", change(MAPPING, "app", maximumRecordAgeInSeconds=REMOVED)),
    ("mapping-retries", "no halves", change(MAPPING, "app", bisectBatchOnFunctionError=False)),
    ("mapping-retries", "all or nothing", change(MAPPING, "app", functionResponseTypes=[])),
    ("mapping-failures", "nowhere", change(MAPPING, "app", destinationConfig=REMOVED)),
    (
        "mapping-failures",
        "another stack's",
        change(MAPPING, "app", destinationConfig__onFailure__destinationArn="arn:aws:sqs:eu-west-1:123456789012:other"),
    ),
    ("failure-queue", "a minute", change(QUEUE, "app", messageRetentionSeconds=60)),
    ("mapping-pace", "a window", change(MAPPING, "app", maximumBatchingWindowInSeconds=5)),
    ("mapping-pace", "thousands", change(MAPPING, "app", batchSize=10_000)),
    ("mapping-order", "a tumbling window", change(MAPPING, "app", tumblingWindowInSeconds=30)),
    ("mapping-order", "keyed by another attribute", change(TABLE, STATE, hashKey="shard")),
    ("mapping-filter", "changes only", filtered({"eventName": ["MODIFY"]})),
    (
        "mapping-filter",
        "an attribute that states have not",
        filtered({"dynamodb": {"NewImage": {"kind": {"S": ["state"]}}}}),
    ),
    ("routes", "no $disconnect", drop(ROUTE, "app-stage-disconnect-route")),
    ("routes", "no $default", drop(ROUTE, "app-stage-default-route")),
    ("routes", "none", drop(ROUTE, "app")),
    ("routes", "an HTTP API", change(API, "app", protocolType="HTTP")),
    ("route-selection", "by type", change(API, "app", routeSelectionExpression="$request.body.type")),
    (
        "route-target",
        "the function itself",
        change(INTEGRATION, "connect-integration", integrationUri=LAMBDA + "my-app-dev-websocket"),
    ),
    (
        "route-target",
        "no such function",
        change(INTEGRATION, "default-integration", integrationUri=LAMBDA + "other:live"),
    ),
    (
        "route-target",
        "the wrong function",
        change(INTEGRATION, "disconnect-integration", integrationUri=LAMBDA + "my-app-dev-actor-todo-list:live"),
    ),
    ("route-target", "no integration", change(ROUTE, "app-stage-default-route", target="integrations/gone")),
    ("route-target", "nowhere", change(ROUTE, "app-stage-default-route", target=REMOVED)),
    ("route-target", "a mock", change(INTEGRATION, "connect-integration", integrationType="MOCK")),
    (
        "route-reply",
        "not asked for",
        change(ROUTE, "app-stage-default-route", routeResponseSelectionExpression=REMOVED),
    ),
    ("route-reply", "no response", drop(RESPONSE, "app-stage-action-todos-response")),
    ("invoke-permission", "none", drop(PERMISSION, "app-stage-connect-permission")),
    ("invoke-permission", "on the function", change(PERMISSION, "app-stage-connect-permission", qualifier=REMOVED)),
    (
        "invoke-permission",
        "another stage",
        change(PERMISSION, "app-stage-default-permission", sourceArn=EXECUTE + "other/$default"),
    ),
    (
        "invoke-permission",
        "another service",
        change(PERMISSION, "app-stage-connect-permission", principal="s3.amazonaws.com"),
    ),
    (
        "invoke-permission",
        "of another account",
        change(PERMISSION, "app-stage-connect-permission", sourceAccount="999999999999"),
    ),
    ("open-door", "a function's address", add(FUNCTION_URL, "url", authorizationType="NONE")),
    ("open-door", "a queue", add(QUEUE_POLICY, "policy", policy=ANYBODY)),
    ("open-permission", "any API", change(PERMISSION, "app-stage-connect-permission", sourceArn=REMOVED)),
    ("open-permission", "anybody", change(PERMISSION, "app-stage-connect-permission", principal="*")),
    ("integration-timeout", "a second", change(INTEGRATION, "default-integration", timeoutMilliseconds=1000)),
    ("integration-timeout", "a minute", change(INTEGRATION, "default-integration", timeoutMilliseconds=60_000)),
    ("management-endpoint", "wss", variables(WEBSOCKET, WEBSOCKET_ENDPOINT=f"{ENDPOINT}/dev")),
    (
        "management-endpoint",
        "plain http",
        variables(WEBSOCKET, WEBSOCKET_ENDPOINT=f"{ENDPOINT}/dev".replace("wss", "http")),
    ),
    ("management-endpoint", "no stage", variables(PROCESSOR, WEBSOCKET_ENDPOINT=ENDPOINT.replace("wss", "https"))),
    (
        "management-endpoint",
        "twice the stage",
        variables(PROCESSOR, WEBSOCKET_ENDPOINT=f"{ENDPOINT}/dev/dev".replace("wss", "https")),
    ),
    ("management-endpoint", "the custom domain", variables(ACTOR, WEBSOCKET_ENDPOINT="https://ws.example.com")),
    ("api-endpoint", "off", change(API, "app", disableExecuteApiEndpoint=True)),
    ("authorizer", "not asked", later(add(AUTHORIZER, "auth", **AUTHORIZED))),
    ("authorizer", "not named", change(ROUTE, "app-stage-connect-route", authorizationType="CUSTOM")),
    (
        "authorizer",
        "may not be called",
        later(
            both(
                add(AUTHORIZER, "auth", **{**AUTHORIZED, "authorizerUri": LAMBDA + "auth:live"}),
                change(ROUTE, "app-stage-connect-route", authorizationType="CUSTOM", authorizerId="auth"),
            )
        ),
    ),
    (
        "authorizer",
        "on another route",
        change(ROUTE, "app-stage-default-route", authorizationType="CUSTOM", authorizerId="auth"),
    ),
    ("authorizer", "a JWT", change(ROUTE, "app-stage-connect-route", authorizationType="JWT")),
    ("authorizer", "signed connects", change(ROUTE, "app-stage-connect-route", authorizationType="AWS_IAM")),
    ("authorizer", "an API key", change(ROUTE, "app-stage-connect-route", apiKeyRequired=True)),
    ("authorizer-kind", "a JWT", add(AUTHORIZER, "auth", **{**AUTHORIZED, "authorizerType": "JWT"})),
    (
        "authorizer-kind",
        "HTTP's sources",
        add(AUTHORIZER, "auth", **AUTHORIZED, identitySources=["$request.header.Auth"]),
    ),
    ("authorizer-kind", "a cache", add(AUTHORIZER, "auth", **AUTHORIZED, authorizerResultTtlInSeconds=300)),
    ("throttle", "no burst", change(STAGE, "app", defaultRouteSettings__throttlingBurstLimit=REMOVED)),
    ("throttle", "a rate of 0", change(STAGE, "app", defaultRouteSettings__throttlingRateLimit=0)),
    ("throttle", "metrics only", change(STAGE, "app", defaultRouteSettings={"detailedMetricsEnabled": True})),
    ("throttle", "one route", change(STAGE, "app", routeSettings=[{"routeKey": "todos", "throttlingRateLimit": 5}])),
    ("stage", "none", drop(STAGE, "app")),
    ("stage-name", "$default", change(STAGE, "app", name="$default")),
    ("deployment", "none", change(STAGE, "app", deploymentId=REMOVED)),
    ("deployment", "an old one", change(STAGE, "app", deploymentId="yesterday")),
    ("deployment", "no triggers", change(DEPLOYMENT, "app", triggers=REMOVED)),
    ("deployment", "before the routes", rewire(DEPLOYMENT, "app", depends_on=frozenset(), refers=OF_API)),
    ("access-logs", "no request id", change(STAGE, "app", accessLogSettings={"destinationArn": "x", "format": "{}"})),
    (
        "access-logs",
        "nowhere",
        change(STAGE, "app", accessLogSettings={"destinationArn": "arn:x", "format": "$context.requestId"}),
    ),
    ("access-logs", "messages", change(STAGE, "app", defaultRouteSettings__dataTraceEnabled=True)),
    ("account-log-role", "taken away", add(ACCOUNT, "account", cloudwatchRoleArn="")),
    (
        "account-log-role",
        "two",
        both(add(ACCOUNT, "a", cloudwatchRoleArn="r"), add(ACCOUNT, "b", cloudwatchRoleArn="r")),
    ),
    (
        "account-log-role",
        "too late",
        both(
            add(ACCOUNT, "account", cloudwatchRoleArn="r"),
            change(STAGE, "app", defaultRouteSettings__loggingLevel="ERROR"),
        ),
    ),
    ("creation-order", "before its policy", rewire(FUNCTION, WEBSOCKET, depends_on=frozenset(), refers={})),
    ("creation-order", "live before permissions", rewire(STAGE, "app", depends_on=frozenset())),
    ("region", "another one", change(TABLE, STATE, region="us-east-1")),
    (
        "region",
        "the ambient one",
        variables(PROCESSOR, WEBSOCKET_ENDPOINT="https://abc123.execute-api.us-east-1.amazonaws.com/dev"),
    ),
    ("stage-leak", "another stage", variables(ACTOR, TREBUCHE_STAGE="production")),
]
IN_PRODUCTION: list[tuple[str, str, Change]] = [
    ("production-protection", "DynamoDB", change(TABLE, STATE, deletionProtectionEnabled=False)),
    ("production-protection", "Pulumi", rewire(TABLE, CONNECTIONS, protect=False)),
    ("point-in-time-recovery", "off", change(TABLE, STATE, pointInTimeRecovery__enabled=False)),
]
