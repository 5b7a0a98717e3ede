"""What is refused before anything is made, with the name of what is wrong."""

import json
from typing import Any

import pytest

from sandbox.provider import wire
from sandbox.provider.cloud import Cloud, Credentials
from sandbox.provider.lifecycle import Lifecycle
from sandbox.provider.naming import Naming
from sandbox.provider.resources import TABLE

NAMING = Naming(logical="thing", seed=b"seed")
CODE = {wire.SIGNATURE: wire.ARCHIVE, "hash": "1"}
FUNCTION = {
    "role": "arn:aws:iam::000000000000:role/r",
    "code": CODE,
    "handler": "main.handle",
    "runtime": "python3.13",
}
TABLE_INPUTS = {"attributes": [{"name": "id", "type": "S"}], "hashKey": "id", "billingMode": "PAY_PER_REQUEST"}
MAPPING = {"functionName": "f", "eventSourceArn": "arn:aws:dynamodb:::table/T/stream/1", "startingPosition": "LATEST"}
ALARM = {
    "comparisonOperator": "GreaterThanThreshold",
    "evaluationPeriods": 1,
    "metricName": "Errors",
    "statistic": "Sum",
}
TYPES: dict[str, tuple[str, dict[str, Any]]] = {
    "Function": ("aws:lambda/function:Function", FUNCTION),
    "Table": ("aws:dynamodb/table:Table", TABLE_INPUTS),
    "Mapping": ("aws:lambda/eventSourceMapping:EventSourceMapping", MAPPING),
    "Alarm": ("aws:cloudwatch/metricAlarm:MetricAlarm", ALARM),
    "LogGroup": ("aws:cloudwatch/logGroup:LogGroup", {}),
    "Stage": ("aws:apigatewayv2/stage:Stage", {"apiId": "a"}),
    "Api": (
        "aws:apigatewayv2/api:Api",
        {"protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"},
    ),
    "Queue": ("aws:sqs/queue:Queue", {}),
    "Authorizer": ("aws:apigatewayv2/authorizer:Authorizer", {"apiId": "a", "authorizerType": "REQUEST"}),
    "Secret": ("aws:secretsmanager/secret:Secret", {}),
}


def lifecycle() -> Lifecycle:
    """The whole table on an address that nobody listens on: checks ask nobody."""
    keys = Credentials(access_key="test", secret_key="test")
    return Lifecycle(table=TABLE, cloud=Cloud(endpoint="http://127.0.0.1:9", credentials=keys, region="us-east-1"))


def reasons(token: str, inputs: dict[str, Any]) -> str:
    """Every reason to refuse the inputs."""
    _, failures = lifecycle().check(token, {}, inputs, NAMING)
    return "\n".join(failure.reason for failure in failures)


def test_a_type_without_a_stand_in_is_refused_by_name() -> None:
    """The message names the type, and those that there are."""
    said = reasons("aws:s3/bucket:Bucket", {})
    assert "no stand-in for aws:s3/bucket:Bucket" in said
    assert "dynamodb: Table" in said


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_good_inputs_pass(kind: str) -> None:
    """The base of the cases below is accepted."""
    assert reasons(*TYPES[kind]) == ""


@pytest.mark.parametrize(
    ("kind", "change", "texts"),
    [
        ("Function", {"memmorySize": 128}, ["'memmorySize'", "aws:lambda/function:Function", "'memorySize'"]),
        ("Function", {"vpcConfig": {}}, ["'vpcConfig'"]),
        ("Function", {"environment": {"variable": {}}}, ["'environment.variable'", "'variables'"]),
        ("Function", {"role": None}, ["'role'", "required"]),
        ("Function", {"role": "me"}, ["'role'", "'me'"]),
        ("Function", {"memorySize": 127}, ["'memorySize' is 127", "128 to 10240"]),
        ("Function", {"memorySize": 10241}, ["128 to 10240"]),
        ("Function", {"memorySize": "much"}, ["'memorySize' must be a whole number", "'much'"]),
        ("Function", {"memorySize": True}, ["a whole number"]),
        ("Function", {"timeout": 0}, ["1 to 900"]),
        ("Function", {"timeout": 901}, ["1 to 900"]),
        ("Function", {"runtime": "python2.7"}, ["'python2.7'", "python3.13"]),
        ("Function", {"architectures": ["sparc"]}, ["architectures[0]", "arm64"]),
        ("Function", {"name": "not a name"}, ["'name'"]),
        ("Function", {"code": None}, ["'code'", "required"]),
        ("Function", {"code": "text"}, ["an archive"]),
        ("Function", {"environment": {"variables": {"AWS_REGION": "x"}}}, ["'AWS_REGION'", "reserved"]),
        ("Function", {"environment": {"variables": {"A": "x" * 4096}}}, ["4097 bytes", "4096"]),
        ("Function", {"loggingConfig": {"logFormat": "Text", "systemLogLevel": "WARN"}}, ["JSON"]),
        ("Table", {"attributes": []}, ["'attributes'", "missing ['id']"]),
        ("Table", {"rangeKey": "entry"}, ["missing ['entry']"]),
        ("Table", {"billingMode": None}, ["'readCapacity'", "'writeCapacity'"]),
        ("Table", {"streamEnabled": True}, ["'streamViewType'"]),
        ("Table", {"hashKey": None}, ["'hashKey' is required"]),
        ("Table", {"name": "a"}, ["'name'"]),
        ("Table", {"attributes": [{"name": "id", "type": "X"}]}, ["attributes[0].type", "S, N, B"]),
        ("Mapping", {"batchSize": 10001}, ["1 to 10000"]),
        ("Mapping", {"maximumRecordAgeInSeconds": 30}, ["-1 or 60 to 604800"]),
        ("Mapping", {"startingPosition": None}, ["'startingPosition'"]),
        ("Mapping", {"startingPosition": "AT_TIMESTAMP"}, ["TRIM_HORIZON or LATEST"]),
        ("Mapping", {"parallelizationFactor": 11}, ["1 to 10"]),
        ("Mapping", {"filterCriteria": {"filters": [{"pattern": "{}"}] * 11}}, ["at most 10"]),
        ("Alarm", {"statistic": "p99"}, ["'p99'"]),
        ("Alarm", {"statistic": None}, ["'statistic'"]),
        ("Alarm", {"datapointsToAlarm": 2}, ["more than 'evaluationPeriods'"]),
        ("LogGroup", {"retentionInDays": 10}, ["'retentionInDays' is 10", "14"]),
        ("Stage", {"name": "$default"}, ["'name'", "'$default'"]),
        ("Stage", {"autoDeploy": True, "deploymentId": "d"}, ["exclude each other"]),
        ("Api", {"protocolType": "HTTP"}, ["WEBSOCKET"]),
        ("Api", {"routeSelectionExpression": None}, ["$request.body.action"]),
        ("Queue", {"policy": "{not json"}, ["'policy' is not a JSON document", "{not json"]),
        ("Queue", {"name": "a.fifo"}, [".fifo"]),
        ("Queue", {"messageRetentionSeconds": 10}, ["60 to 1209600"]),
        ("Authorizer", {"identitySources": ["$request.header.X"]}, ["route.request.header.Name"]),
        ("Secret", {"recoveryWindowInDays": 3}, ["'recoveryWindowInDays' is 3"]),
    ],
)
def test_bad_inputs_are_refused_by_name(kind: str, change: dict[str, Any], texts: list[str]) -> None:
    """The reason names the property, what was given and what is allowed."""
    token, base = TYPES[kind]
    said = reasons(token, {key: value for key, value in {**base, **change}.items() if value is not None})
    for text in texts:
        assert text in said


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_unknown_values_are_not_judged_in_a_preview(kind: str) -> None:
    """What is known only after the operation is left to the operation."""
    token, base = TYPES[kind]
    unknown = {name: wire.UNKNOWN for name in TABLE[token].fields if name not in base and name != "kmsMasterKeyId"}
    exclusive = {"s3Bucket", "metricQueries", "extendedStatistic", "deploymentId", "name", "fifoQueue"}
    assert reasons(token, {**{k: v for k, v in unknown.items() if k not in exclusive}, **base}) == ""


def test_a_name_is_made_once_and_then_kept() -> None:
    """The seed differs on every operation; the name must not."""
    first, _ = lifecycle().check("aws:sqs/queue:Queue", {}, {}, NAMING)
    other = Naming(logical="thing", seed=b"another")
    again, _ = lifecycle().check("aws:sqs/queue:Queue", first, {}, other)
    anew, _ = lifecycle().check("aws:sqs/queue:Queue", {}, {}, other)

    assert first["name"].startswith("thing-")
    assert again == first
    assert anew["name"] != first["name"]


@pytest.mark.parametrize(
    ("token", "inputs", "longest", "shape"),
    [
        ("aws:lambda/function:Function", FUNCTION, 64, "a-"),
        ("aws:sqs/queue:Queue", {"fifoQueue": True}, 80, ".fifo"),
        ("aws:kms/alias:Alias", {"targetKeyId": "k"}, 256, "alias/a"),
    ],
)
def test_made_names_keep_the_services_rules(token: str, inputs: dict[str, Any], longest: int, shape: str) -> None:
    """A long logical name is cut; prefixes and suffixes that AWS wants are there."""
    checked, failures = lifecycle().check(token, {}, dict(inputs), Naming(logical="a" * 300, seed=b"seed"))
    assert not failures
    assert len(checked["name"]) <= longest
    assert shape in checked["name"]


def test_an_explicit_name_means_delete_first() -> None:
    """Two resources cannot have one name at a time; a made name can change instead."""
    driver, token = lifecycle(), "aws:dynamodb/table:Table"
    state = {**TABLE_INPUTS, "name": "table", "hashKey": "other", "region": "us-east-1"}
    wanted = {**TABLE_INPUTS, "name": "table"}
    named = driver.diff(token, state, wanted)
    made = driver.diff(token, state, {**wanted, "__defaults": ["name"]})
    renamed = driver.diff(token, {**state, "hashKey": "id"}, {**wanted, "name": "another"})

    assert named.delete_first
    assert not made.delete_first
    assert not renamed.delete_first
    assert [change.path for change in renamed.changes if change.replaces] == ["name"]


def test_another_region_replaces() -> None:
    """A resource that moves is another resource."""
    driver = lifecycle()
    plan = driver.diff("aws:sqs/queue:Queue", {"name": "q", "region": "eu-west-1"}, {"name": "q"})
    assert [(change.path, change.replaces) for change in plan.changes] == [("region", True)]


def test_policies_are_compared_by_meaning() -> None:
    """A role whose trust policy is only spelled otherwise is the same."""
    text = json.dumps({"Version": "2012-10-17", "Statement": []})
    spaced = json.dumps({"Statement": [], "Version": "2012-10-17"}, indent=4)
    state = {"name": "r", "assumeRolePolicy": text}
    assert lifecycle().diff("aws:iam/role:Role", state, {"name": "r", "assumeRolePolicy": spaced}).changes == ()
