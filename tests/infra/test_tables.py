"""The four tables."""

from typing import Any

import pytest

from infra.tables import ConnectionTable, JournalTable, StateTable, SubscriptionTable, TableArgs
from tests.infra.recording import Registered, deploy

COMMON: dict[str, Any] = {
    "name": "t",
    "billingMode": "PAY_PER_REQUEST",
    "pointInTimeRecovery": {"enabled": False},
    "deletionProtectionEnabled": False,
}
TTL = {"attributeName": "ttl", "enabled": True}


def table(component: type[StateTable | JournalTable | ConnectionTable | SubscriptionTable], **args: bool) -> Registered:
    """The table that a component makes."""
    recording = deploy(lambda: component("x", TableArgs(table_name="t", **args)))
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
    kept = table(component, protect=True, point_in_time_recovery=True)

    assert kept.protect
    assert kept.inputs["deletionProtectionEnabled"] is True
    assert kept.inputs["pointInTimeRecovery"] == {"enabled": True}
    assert not table(component).protect
