"""The four tables."""

import json
from typing import Any

import pytest

from infra.grants import policy
from infra.stack_settings import Capacity
from infra.tables import ConnectionTable, JournalTable, StateTable, SubscriptionTable, TableArgs, grant_key
from tests.infra.recording import Recording, Registered, deploy, resolve

COMMON: dict[str, Any] = {
    "name": "t",
    "billingMode": "PAY_PER_REQUEST",
    "pointInTimeRecovery": {"enabled": False},
    "deletionProtectionEnabled": False,
}
PLAIN = TableArgs(table_name="t")
TTL = {"attributeName": "ttl", "enabled": True}


def table(
    component: type[StateTable | JournalTable | ConnectionTable | SubscriptionTable],
    args: TableArgs = PLAIN,
) -> Registered:
    """The table that a component makes."""
    recording = deploy(lambda: component("x", args))
    [found] = recording.custom()
    assert (found.type, found.name, found.parent) == ("aws:dynamodb/table:Table", "x-table", "x")
    return found


def test_state_table() -> None:
    """One item per actor; the stream carries both images."""
    assert table(StateTable).inputs == COMMON | {
        "hashKey": "actorId",
        "attributes": [{"name": "actorId", "type": "S"}],
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
    }


def test_journal_table() -> None:
    """Entries of an actor in the order of their key, for a day."""
    assert table(JournalTable).inputs == COMMON | {
        "hashKey": "actorId",
        "rangeKey": "entry",
        "attributes": [{"name": "actorId", "type": "S"}, {"name": "entry", "type": "S"}],
        "ttl": TTL,
    }


def test_connection_table() -> None:
    """By connection; by actor and stream through an index over all attributes."""
    assert table(ConnectionTable).inputs == COMMON | {
        "hashKey": "connectionId",
        "attributes": [
            {"name": "connectionId", "type": "S"},
            {"name": "actorId", "type": "S"},
            {"name": "streamId", "type": "S"},
        ],
        "globalSecondaryIndexes": [
            {
                "name": "actorId-index",
                "projectionType": "ALL",
                "keySchemas": [
                    {"attributeName": "actorId", "keyType": "HASH"},
                    {"attributeName": "streamId", "keyType": "RANGE"},
                ],
            }
        ],
        "ttl": TTL,
    }


def test_subscription_table() -> None:
    """An actor's subscriptions are one partition, so that they can be read strongly."""
    assert table(SubscriptionTable).inputs == COMMON | {
        "hashKey": "actorId",
        "rangeKey": "streamId",
        "attributes": [{"name": "actorId", "type": "S"}, {"name": "streamId", "type": "S"}],
        "ttl": TTL,
    }


@pytest.mark.parametrize("component", [StateTable, JournalTable, ConnectionTable, SubscriptionTable])
def test_protection_is_twofold(component: type[StateTable]) -> None:
    """A protected table is kept by Pulumi and by DynamoDB."""
    kept = table(component, TableArgs(table_name="t", protect=True, point_in_time_recovery=True))

    assert kept.protect
    assert kept.inputs["deletionProtectionEnabled"] is True
    assert kept.inputs["pointInTimeRecovery"] == {"enabled": True}
    assert not table(component).protect


def provisioned(component: type[StateTable | ConnectionTable], minimum: int, maximum: int) -> Recording:
    """A table with provisioned capacity."""
    capacity = Capacity(minimum=minimum, maximum=maximum, targetPercent=60)
    return deploy(lambda: component("x", TableArgs(table_name="t", capacity=capacity)))


def test_fixed_capacity() -> None:
    """Equal bounds: nothing scales, and every change of the capacity is the program's."""
    made = provisioned(ConnectionTable, 5, 5)

    inputs = made.one("x-table").inputs
    assert (inputs["billingMode"], inputs["readCapacity"], inputs["writeCapacity"]) == ("PROVISIONED", 5, 5)
    [index] = inputs["globalSecondaryIndexes"]
    assert (index["readCapacity"], index["writeCapacity"]) == (5, 5)
    assert made.one("x-table").ignores == frozenset()
    assert [one.type for one in made.custom()] == ["aws:dynamodb/table:Table"]


def test_scaled_capacity_is_left_alone() -> None:
    """A deployment does not put back what autoscaling has changed."""
    assert provisioned(StateTable, 5, 50).one("x-table").ignores == {"readCapacity", "writeCapacity"}
    assert provisioned(ConnectionTable, 5, 50).one("x-table").ignores == {
        "readCapacity",
        "writeCapacity",
        "globalSecondaryIndexes[0].readCapacity",
        "globalSecondaryIndexes[0].writeCapacity",
    }


@pytest.mark.parametrize(
    ("name", "resource", "dimension", "metric"),
    [
        ("read", "table/t", "dynamodb:table:ReadCapacityUnits", "DynamoDBReadCapacityUtilization"),
        ("write", "table/t", "dynamodb:table:WriteCapacityUnits", "DynamoDBWriteCapacityUtilization"),
        (
            "index-read",
            "table/t/index/actorId-index",
            "dynamodb:index:ReadCapacityUnits",
            "DynamoDBReadCapacityUtilization",
        ),
        (
            "index-write",
            "table/t/index/actorId-index",
            "dynamodb:index:WriteCapacityUnits",
            "DynamoDBWriteCapacityUtilization",
        ),
    ],
)
def test_capacity_follows_use(name: str, resource: str, dimension: str, metric: str) -> None:
    """Reads and writes of the table and of its index scale on their own."""
    made = provisioned(ConnectionTable, 5, 50)

    address = {"serviceNamespace": "dynamodb", "resourceId": resource, "scalableDimension": dimension}
    assert made.one(f"x-scaling-{name}-target").inputs == {**address, "minCapacity": 5, "maxCapacity": 50}
    policy_name = name if name.startswith("index") else f"table-{name}"
    assert made.one(f"x-scaling-{name}-policy").inputs == {
        **address,
        "name": policy_name,
        "policyType": "TargetTrackingScaling",
        "targetTrackingScalingPolicyConfiguration": {
            "predefinedMetricSpecification": {"predefinedMetricType": metric},
            "targetValue": 60,
            "scaleInCooldown": 60,
            "scaleOutCooldown": 60,
        },
    }


def test_table_without_an_index_scales_by_itself() -> None:
    """Two targets, each with its policy."""
    made = provisioned(StateTable, 5, 50)

    assert sorted(one.name for one in made.custom()) == [
        "x-scaling-read-policy",
        "x-scaling-read-target",
        "x-scaling-write-policy",
        "x-scaling-write-target",
        "x-table",
    ]


def test_key_of_ones_own() -> None:
    """The table names the key, and who uses the table may use the key through DynamoDB only."""
    made = deploy(lambda: JournalTable("x", TableArgs(table_name="t", encryption_key_arn="arn:key")))

    assert made.one("x-table").inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": "arn:key"}
    assert json.loads(resolve(lambda: policy([grant_key("arn:key", "eu-west-1")])))["Statement"] == [
        {
            "Sid": "Key",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:DescribeKey"],
            "Resource": ["arn:key"],
            "Condition": {"StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}},
        }
    ]
