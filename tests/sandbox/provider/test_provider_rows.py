"""Every row of the table lives: made, read back unchanged, changed in place, and gone, on the real sandbox."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest

from sandbox.provider import wire
from sandbox.provider.resources import TABLE
from tests.support.provider import DIFF_NONE, Engine, Json, Resource

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
SOURCE = "def handle(event, context):\n    print('called')\n    return {}\n"


def policy(*actions: str) -> str:
    """A policy document with one statement."""
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    )


def code(text: str = SOURCE) -> Json:
    """An archive with one module, as it travels."""
    asset = {wire.SIGNATURE: wire.ASSET, "text": text, "hash": f"asset{hash(text)}"}
    return {wire.SIGNATURE: wire.ARCHIVE, "assets": {"main.py": asset}, "hash": f"archive{hash(text)}"}


@dataclass
class World:
    """Prerequisites, made through the provider when a case asks for them; names are unique to a test."""

    engine: Engine
    suffix: str = field(default_factory=lambda: uuid.uuid4().hex[:6])

    def make(self, token: str, inputs: Json) -> Resource:
        """One more resource."""
        return self.engine.create(token, f"needed-{uuid.uuid4().hex[:6]}", inputs)

    @cached_property
    def role(self) -> Resource:
        """A role that may do everything."""
        role = self.make("aws:iam/role:Role", {"assumeRolePolicy": TRUST})
        self.make("aws:iam/rolePolicy:RolePolicy", {"role": role.ident, "policy": policy("*")})
        return role

    @cached_property
    def function(self) -> Resource:
        """A published function."""
        return self.make("aws:lambda/function:Function", function(self))

    @cached_property
    def alias(self) -> Resource:
        """An alias of the function's version."""
        inputs = {"functionName": self.function.ident, "functionVersion": self.function.state["version"]}
        return self.make("aws:lambda/alias:Alias", {"name": "live", **inputs})

    @cached_property
    def stream(self) -> str:
        """The ARN of a table's stream."""
        return str(self.make("aws:dynamodb/table:Table", table(self)).state["streamArn"])

    @cached_property
    def queue(self) -> Resource:
        """A queue."""
        return self.make("aws:sqs/queue:Queue", {})

    @cached_property
    def topic(self) -> Resource:
        """A topic."""
        return self.make("aws:sns/topic:Topic", {})

    @cached_property
    def api(self) -> Resource:
        """A WebSocket API."""
        return self.make("aws:apigatewayv2/api:Api", api(self))

    @cached_property
    def integration(self) -> Resource:
        """A mock integration of the API."""
        inputs = {"apiId": self.api.ident, "integrationType": "MOCK"}
        return self.make("aws:apigatewayv2/integration:Integration", inputs)

    @cached_property
    def route(self) -> Resource:
        """A route of the API."""
        target = f"integrations/{self.integration.ident}"
        inputs = {"apiId": self.api.ident, "routeKey": "ping", "target": target}
        return self.make("aws:apigatewayv2/route:Route", inputs)

    @cached_property
    def deployment(self) -> Resource:
        """A deployment of the API."""
        assert self.route.ident
        return self.make("aws:apigatewayv2/deployment:Deployment", {"apiId": self.api.ident})

    @cached_property
    def stage(self) -> Resource:
        """A stage of the API."""
        inputs = {"apiId": self.api.ident, "name": "test", "deploymentId": self.deployment.ident}
        return self.make("aws:apigatewayv2/stage:Stage", inputs)

    @cached_property
    def domain(self) -> Resource:
        """A custom domain."""
        return self.make("aws:apigatewayv2/domainName:DomainName", domain(self))

    @cached_property
    def namespace(self) -> Resource:
        """A Cloud Map namespace."""
        return self.make("aws:servicediscovery/httpNamespace:HttpNamespace", {})

    @cached_property
    def service(self) -> Resource:
        """A Cloud Map service."""
        return self.make("aws:servicediscovery/service:Service", {"namespaceId": self.namespace.ident})

    @cached_property
    def secret(self) -> Resource:
        """A secret without a value, that goes at once."""
        return self.make("aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 0})

    @cached_property
    def key(self) -> Resource:
        """A KMS key."""
        return self.make("aws:kms/key:Key", {"deletionWindowInDays": 7})


def table(_: World) -> Json:
    """A table with everything that the program uses."""
    return {
        "attributes": [{"name": "actorId", "type": "S"}, {"name": "entry", "type": "S"}, {"name": "by", "type": "S"}],
        "hashKey": "actorId",
        "rangeKey": "entry",
        "billingMode": "PAY_PER_REQUEST",
        "globalSecondaryIndexes": [
            {
                "name": "by-index",
                "projectionType": "INCLUDE",
                "nonKeyAttributes": ["b", "a"],
                "keySchemas": [{"attributeName": "by", "keyType": "HASH"}],
            }
        ],
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
        "ttl": {"attributeName": "ttl", "enabled": True},
        "pointInTimeRecovery": {"enabled": True},
        "serverSideEncryption": {"enabled": True},
        "onDemandThroughput": {"maxWriteRequestUnits": 4000},
        "tags": {"a": "1"},
    }


def function(world: World) -> Json:
    """A function with everything that the program uses."""
    return {
        "role": world.role.state["arn"],
        "code": code(),
        "handler": "main.handle",
        "runtime": "python3.13",
        "architectures": ["arm64"],
        "memorySize": 256,
        "timeout": 10,
        "publish": True,
        "description": "first",
        "environment": {"variables": {"ONE": "1", "TWO": "2"}},
        "loggingConfig": {"logFormat": "JSON", "applicationLogLevel": "INFO", "systemLogLevel": "WARN"},
        "tracingConfig": {"mode": "Active"},
        "ephemeralStorage": {"size": 1024},
        "reservedConcurrentExecutions": 5,
    }


def mapping(world: World) -> Json:
    """A mapping with all settings of a stream."""
    return {
        "functionName": world.alias.state["arn"],
        "eventSourceArn": world.stream,
        "startingPosition": "TRIM_HORIZON",
        "batchSize": 10,
        "parallelizationFactor": 2,
        "maximumBatchingWindowInSeconds": 1,
        "maximumRetryAttempts": 3,
        "maximumRecordAgeInSeconds": 300,
        "bisectBatchOnFunctionError": True,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "destinationConfig": {"onFailure": {"destinationArn": world.queue.state["arn"]}},
        "filterCriteria": {"filters": [{"pattern": '{"eventName": ["INSERT", "MODIFY"]}'}]},
    }


def api(_: World) -> Json:
    """A WebSocket API."""
    return {"protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action", "tags": {"a": "1"}}


def integration(world: World) -> Json:
    """A Lambda proxy integration."""
    return {
        "apiId": world.api.ident,
        "integrationType": "AWS_PROXY",
        "integrationUri": world.function.state["invokeArn"],
        "timeoutMilliseconds": 20000,
    }


def route(world: World) -> Json:
    """A two-way default route."""
    return {
        "apiId": world.api.ident,
        "routeKey": "$default",
        "target": f"integrations/{world.integration.ident}",
        "routeResponseSelectionExpression": "$default",
    }


def stage(world: World) -> Json:
    """A stage with throttles and variables."""
    return {
        "apiId": world.api.ident,
        "name": "test-stage",
        "deploymentId": world.deployment.ident,
        "defaultRouteSettings": {"throttlingBurstLimit": 500, "throttlingRateLimit": 1000.5},
        "routeSettings": [{"routeKey": "ping", "throttlingBurstLimit": 5, "throttlingRateLimit": 1}],
        "stageVariables": {"a": "1", "b": "2"},
        "description": "first",
    }


def domain(world: World) -> Json:
    """A regional custom domain."""
    configuration = {"certificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/1", "endpointType": "REGIONAL"}
    return {
        "domainName": f"ws-{world.suffix}.example.org",
        "domainNameConfiguration": {**configuration, "securityPolicy": "TLS_1_2"},
    }


def alarm(_: World) -> Json:
    """An alarm on one metric."""
    return {
        "namespace": "AWS/Lambda",
        "metricName": "Errors",
        "dimensions": {"FunctionName": "f"},
        "statistic": "Sum",
        "period": 60,
        "evaluationPeriods": 3,
        "datapointsToAlarm": 2,
        "threshold": 1,
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "treatMissingData": "notBreaching",
    }


SCALED = {
    "resourceId": "table/T",
    "scalableDimension": "dynamodb:table:WriteCapacityUnits",
    "serviceNamespace": "dynamodb",
}
TRACKING = {"targetValue": 70, "predefinedMetricSpecification": {"predefinedMetricType": "X"}}

Case = tuple[Callable[[World], Json], Json]
CASES: dict[str, Case] = {
    "aws:dynamodb/table:Table": (
        table,
        {
            "deletionProtectionEnabled": False,
            "pointInTimeRecovery": {"enabled": False},
            "onDemandThroughput": {"maxWriteRequestUnits": 5000},
            "tags": {"b": "2"},
            "globalSecondaryIndexes": [{"name": "other", "projectionType": "ALL", "hashKey": "by"}],
            "tableClass": "STANDARD_INFREQUENT_ACCESS",
        },
    ),
    "aws:iam/role:Role": (
        lambda _: {"assumeRolePolicy": TRUST, "description": "first", "tags": {"a": "1"}},
        {"description": None, "maxSessionDuration": 7200, "tags": {"b": "2"}},
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        lambda w: {"role": w.role.ident, "policy": policy("s3:GetObject")},
        {"policy": policy("s3:GetObject", "s3:PutObject")},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        lambda w: {"role": w.role.ident, "policyArn": "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"},
        {},
    ),
    "aws:lambda/function:Function": (
        function,
        {
            "memorySize": None,
            "environment": {"variables": {"ONE": "3"}},
            "description": None,
            "code": code(SOURCE + "# two\n"),
            "reservedConcurrentExecutions": None,
            "tags": {"b": "2"},
        },
    ),
    "aws:lambda/alias:Alias": (
        lambda w: {"functionName": w.function.state["arn"], "functionVersion": "1", "description": "first"},
        {"functionVersion": "$LATEST", "description": None},
    ),
    "aws:lambda/permission:Permission": (
        lambda w: {
            "function": w.function.ident,
            "qualifier": w.alias.state["name"],
            "action": "lambda:InvokeFunction",
            "principal": "apigateway.amazonaws.com",
            "sourceArn": f"{w.api.state['executionArn']}/*",
        },
        {},
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        mapping,
        {
            "batchSize": 20,
            "maximumRetryAttempts": 5,
            "enabled": False,
            "filterCriteria": None,
            "maximumBatchingWindowInSeconds": None,
        },
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": (
        lambda w: {
            "functionName": w.function.ident,
            "qualifier": w.alias.state["name"],
            "provisionedConcurrentExecutions": 1,
        },
        {"provisionedConcurrentExecutions": 2},
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        lambda w: {"functionName": w.function.ident, "maximumRetryAttempts": 0},
        {"maximumRetryAttempts": 1, "maximumEventAgeInSeconds": 60},
    ),
    "aws:apigatewayv2/api:Api": (api, {"description": "second", "tags": {"b": "2"}}),
    "aws:apigatewayv2/integration:Integration": (integration, {"timeoutMilliseconds": 10000, "description": "two"}),
    "aws:apigatewayv2/route:Route": (route, {"operationName": "talk", "routeResponseSelectionExpression": None}),
    "aws:apigatewayv2/routeResponse:RouteResponse": (
        lambda w: {"apiId": w.api.ident, "routeId": w.route.ident, "routeResponseKey": "$default"},
        {"responseModels": {"a": "b"}},
    ),
    "aws:apigatewayv2/integrationResponse:IntegrationResponse": (
        lambda w: {
            "apiId": w.api.ident,
            "integrationId": w.integration.ident,
            "integrationResponseKey": "/200/",
            "responseTemplates": {"application/json": "{}"},
        },
        {"responseTemplates": {"application/json": '{"a": 1}'}},
    ),
    "aws:apigatewayv2/authorizer:Authorizer": (
        lambda w: {
            "apiId": w.api.ident,
            "authorizerType": "REQUEST",
            "authorizerUri": w.function.state["invokeArn"],
            "identitySources": ["route.request.querystring.ticket"],
        },
        {"identitySources": ["route.request.header.Auth"]},
    ),
    "aws:apigatewayv2/deployment:Deployment": (
        lambda w: {"apiId": w.route.state["apiId"], "triggers": {"digest": "1"}, "description": "first"},
        {"description": "second"},
    ),
    "aws:apigatewayv2/model:Model": (
        lambda w: {"apiId": w.api.ident, "contentType": "application/json", "schema": '{"type": "object"}'},
        {"schema": '{"type": "array"}', "description": "second"},
    ),
    "aws:apigatewayv2/stage:Stage": (
        stage,
        {
            "description": None,
            "defaultRouteSettings": {"throttlingBurstLimit": 5, "throttlingRateLimit": 2},
            "routeSettings": None,
            "tags": {"b": "2"},
        },
    ),
    "aws:apigatewayv2/domainName:DomainName": (domain, {"tags": {"b": "2"}}),
    "aws:apigatewayv2/apiMapping:ApiMapping": (
        lambda w: {"apiId": w.api.ident, "domainName": w.domain.ident, "stage": w.stage.ident},
        {"apiMappingKey": "v1"},
    ),
    "aws:apigateway/account:Account": (lambda w: {"cloudwatchRoleArn": w.role.state["arn"]}, {}),
    "aws:cloudwatch/logGroup:LogGroup": (
        lambda _: {"retentionInDays": 14},
        {"retentionInDays": None, "tags": {"b": "2"}},
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        alarm,
        {"threshold": 2.5, "alarmDescription": "two", "tags": {"b": "2"}},
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        lambda w: {"dashboardName": f"d-{w.suffix}", "dashboardBody": '{"widgets": []}'},
        {"dashboardBody": '{"widgets": [], "start": "-PT1H"}'},
    ),
    "aws:sqs/queue:Queue": (
        lambda w: {
            "messageRetentionSeconds": 1209600,
            "sqsManagedSseEnabled": True,
            "redrivePolicy": json.dumps({"deadLetterTargetArn": w.queue.state["arn"], "maxReceiveCount": 3}),
        },
        {"messageRetentionSeconds": None, "visibilityTimeoutSeconds": 60, "tags": {"b": "2"}},
    ),
    "aws:sqs/queuePolicy:QueuePolicy": (
        lambda w: {"queueUrl": w.queue.ident, "policy": policy("sqs:SendMessage")},
        {"policy": policy("sqs:ReceiveMessage")},
    ),
    "aws:sns/topic:Topic": (lambda _: {"displayName": "first"}, {"displayName": "second", "tags": {"b": "2"}}),
    "aws:sns/topicSubscription:TopicSubscription": (
        lambda w: {"topic": w.topic.ident, "protocol": "sqs", "endpoint": w.queue.state["arn"]},
        {"rawMessageDelivery": True},
    ),
    "aws:servicediscovery/httpNamespace:HttpNamespace": (lambda _: {"description": "first"}, {"tags": {"b": "2"}}),
    "aws:servicediscovery/service:Service": (
        lambda w: {"namespaceId": w.namespace.ident, "type": "HTTP", "description": "first", "forceDestroy": True},
        {"description": "second", "tags": {"b": "2"}},
    ),
    "aws:servicediscovery/instance:Instance": (
        lambda w: {"serviceId": w.service.ident, "instanceId": "one", "attributes": {"a": "1"}},
        {"attributes": {"a": "2", "b": "3"}},
    ),
    "aws:secretsmanager/secret:Secret": (
        lambda _: {"recoveryWindowInDays": 0, "description": "first"},
        {"description": "second", "tags": {"b": "2"}},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        lambda w: {"secretId": w.secret.ident, "secretString": "hidden"},
        {},
    ),
    "aws:kms/key:Key": (
        lambda _: {"description": "first", "enableKeyRotation": True, "deletionWindowInDays": 7},
        {"description": "second", "enableKeyRotation": False, "tags": {"b": "2"}},
    ),
    "aws:kms/alias:Alias": (lambda w: {"targetKeyId": w.key.state["keyId"]}, {}),
    "aws:ssm/parameter:Parameter": (
        lambda _: {"type": "SecureString", "value": "hidden"},
        {"value": "other", "description": "second", "tags": {"b": "2"}},
    ),
    "aws:appautoscaling/target:Target": (
        lambda _: {**SCALED, "minCapacity": 5, "maxCapacity": 50},
        {"maxCapacity": 60},
    ),
    "aws:appautoscaling/policy:Policy": (
        lambda _: {
            **SCALED,
            "policyType": "TargetTrackingScaling",
            "targetTrackingScalingPolicyConfiguration": TRACKING,
        },
        {"targetTrackingScalingPolicyConfiguration": {**TRACKING, "targetValue": 50}},
    ),
}
UNDELETABLE = frozenset(
    # They hold nothing of their own that could be gone: a version goes with its secret, the account and what is only
    # remembered stay.
    {
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:apigateway/account:Account",
        "aws:apigatewayv2/model:Model",
        "aws:appautoscaling/target:Target",
        "aws:appautoscaling/policy:Policy",
    }
)


def test_every_row_has_a_case() -> None:
    """A new type cannot be added without its life below."""
    assert sorted(CASES) == sorted(TABLE)


def _merged(inputs: Json, change: Json) -> Json:
    return {key: value for key, value in {**inputs, **change}.items() if value is not None}


@pytest.mark.parametrize("token", sorted(CASES))
def test_row_lives(engine: Engine, token: str) -> None:
    """Made, equal to what was asked, changed in place, equal again, read back without drift, gone."""
    make, change = CASES[token]
    inputs = make(World(engine))

    resource = engine.create(token, "subject", inputs)
    assert engine.diff(resource, inputs).changes == DIFF_NONE, engine.changed(resource, inputs)
    _stays_the_same(engine, resource, inputs)

    if change:
        wanted = _merged(inputs, change)
        assert not list(engine.diff(resource, wanted).replaces)
        assert engine.changed(resource, wanted)
        engine.update(resource, wanted)
        assert engine.diff(resource, wanted).changes == DIFF_NONE, engine.changed(resource, wanted)
        _stays_the_same(engine, resource, wanted)

    outputs = set(TABLE[token].outputs) - set(resource.state)
    assert not outputs, f"outputs that are never there: {outputs}"
    engine.delete(resource)
    if token not in UNDELETABLE:
        assert not engine.refresh(resource)


def _stays_the_same(engine: Engine, resource: Resource, inputs: Json) -> None:
    before: dict[str, Any] = {"state": resource.state, "inputs": resource.inputs}
    assert engine.refresh(resource)
    assert resource.inputs == before["inputs"]
    assert resource.state == before["state"]
    assert engine.diff(resource, inputs).changes == DIFF_NONE, engine.changed(resource, inputs)


def mock(world: World) -> Json:
    """An integration that answers by itself."""
    return {
        "apiId": world.api.ident,
        "integrationType": "MOCK",
        "requestTemplates": {"200": '{"statusCode": 200}'},
        "templateSelectionExpression": "200",
    }


def percentile_alarm(world: World) -> Json:
    """An alarm on a percentile, which excludes a plain statistic."""
    plain = {name: value for name, value in alarm(world).items() if name != "statistic"}
    return {**plain, "extendedStatistic": "p99"}


@pytest.mark.parametrize(
    ("token", "make"),
    [
        ("aws:apigatewayv2/integration:Integration", mock),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", percentile_alarm),
    ],
)
def test_other_shape_stays_the_same(engine: Engine, token: str, make: Callable[[World], Json]) -> None:
    """What only one of two kinds of a type has is neither lost nor added when it is read back."""
    inputs = make(World(engine))

    _stays_the_same(engine, engine.create(token, "subject", inputs), inputs)


@pytest.mark.parametrize("token", sorted(set(CASES) - UNDELETABLE))
def test_deleting_twice_is_no_error(engine: Engine, token: str) -> None:
    """What somebody else has deleted counts as deleted."""
    resource = engine.create(token, "subject", CASES[token][0](World(engine)))
    engine.delete(resource)
    engine.delete(resource)
