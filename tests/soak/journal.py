"""What the tables say at the end of a soak."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from trebuche.adapters.items import read_binary, read_number, read_text
from trebuche_testing.history import Event

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def read_commits(client: "DynamoDBClient", table: str, actor: str) -> Iterator[Event]:
    """The versions of an actor, each once for every call that claims it: actor, version, call, state."""
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="actorId = :actor",
        ExpressionAttributeValues={":actor": {"S": actor}},
        ConsistentRead=True,
    )
    entries = [item for page in pages for item in page["Items"]]
    calls: dict[int, list[str]] = {}
    for item in entries:
        kind, _, rest = read_text(item, "entry").partition("#")
        if kind == "c":
            calls.setdefault(read_number(item, "version"), []).append(str(UUID(rest)))
    for item in entries:
        if read_text(item, "entry").startswith("v#"):
            version = read_number(item, "version")
            for call in calls.get(version, ["nobody"]):
                yield {"actor": actor, "version": version, "call": call, "state": read_binary(item, "state")}


def read_state(client: "DynamoDBClient", table: str, actor: str) -> bytes | None:
    """The stored state; None when there is none."""
    found = client.get_item(TableName=table, Key={"actorId": {"S": actor}}, ConsistentRead=True)
    return read_binary(found["Item"], "state") if "Item" in found else None
