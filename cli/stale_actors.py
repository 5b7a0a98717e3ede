"""Which actors' subscribers may have missed a change, when nothing says which change it was."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trebuche.contract import ACTOR_ID, VERSION

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = dict[str, Any]

_SENT = "sent"
_DETACHED = "detached#"
"""Rows of subscribers without a connection: a resume brings them up to date."""


def actors_left_behind(client: "DynamoDBClient", state_table: str, subscriptions_table: str) -> Iterator[Json]:
    """The state items of actors with a connected subscriber who began at an older version.

    A scan of the subscriptions, which are as many as there are open streams; the state table is read by key. A row
    keeps the version at which its stream began, so that some of the actors are sent for nothing: a subscriber passes
    over a version that it has.
    """
    for actor_id, sent in sorted(_oldest_sent(client, subscriptions_table).items()):
        answer = client.get_item(TableName=state_table, Key={ACTOR_ID: {"S": actor_id}}, ConsistentRead=True)
        item = answer.get("Item")
        # Without an item there is nothing to send: the actor was never written, or its deletion ended the streams.
        if item is not None and int(item[VERSION]["N"]) > sent:
            yield dict(item)


def _oldest_sent(client: "DynamoDBClient", table: str) -> dict[str, int]:
    oldest: dict[str, int] = {}
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ProjectionExpression=f"{ACTOR_ID}, {_SENT}",
        # The mark of an actor's audience is in this table too, and no subscriber.
        FilterExpression=f"attribute_exists({_SENT}) AND NOT begins_with({ACTOR_ID}, :detached)",
        ExpressionAttributeValues={":detached": {"S": _DETACHED}},
        ConsistentRead=True,
    )
    for page in pages:
        for row in page["Items"]:
            actor_id, sent = row[ACTOR_ID]["S"], int(row[_SENT]["N"])
            oldest[actor_id] = min(sent, oldest.get(actor_id, sent))
    return oldest
