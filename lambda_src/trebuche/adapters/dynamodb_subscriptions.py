"""Subscriptions in DynamoDB: in the actor's partition while attached, in one of their own while detached."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID, uuid4

from botocore.exceptions import ClientError

from trebuche.adapters.clients import DynamoDB
from trebuche.adapters.failures import code_of, lost_race, translated
from trebuche.adapters.items import Item, StoredItem, Value, number, read_text, text
from trebuche.adapters.subscription_items import (
    MARK,
    OPENER,
    PENDING,
    PHASE,
    SENT,
    attached_key,
    audience_key,
    detached_key,
    read_row,
    write_row,
)
from trebuche.contract import ACTOR_ID, CONNECTION_ID, SHAPE, TTL
from trebuche.scalars import write_uuid
from trebuche.stored import Phase, Subscription

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_CONDITION_FAILED: Final = "ConditionalCheckFailedException"
# An expired row may be there still: TTL deletes late.
_UNUSED: Final = f"attribute_not_exists({ACTOR_ID}) OR #ttl <= :now"
# Who wrote the row and where it posts to; that `pending` or `sent` has risen does not make it another one.
_UNCHANGED: Final = f"{OPENER} = :opener AND {CONNECTION_ID} = :connection"
_OPENING: Final = {":opening": text(Phase.OPENING.value)}


class DynamoDBSubscriptionStorage:
    """The subscriptions table.

    Args:
        client: Gives the DynamoDB client.
        table_name: Name of the table.
    """

    def __init__(self, client: DynamoDB, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def load(self, actor_id: str, stream_id: UUID, *, now: int) -> Subscription | None:
        """An attached subscription."""
        return self._get(attached_key(actor_id, stream_id), now)

    def find_detached(self, stream_id: UUID, *, principal: str | None = None, now: int) -> Subscription | None:
        """A principal's detached subscription."""
        return self._get(detached_key(stream_id, principal), now)

    def open(self, row: Subscription, replaces: Subscription | None, *, now: int) -> bool:
        """Write a row in the place of another, or of none or an expired one; False when it looks different by now."""
        if replaces is None:
            return self._transact(self._put(row, now))
        if replaces.phase is Phase.DETACHED:
            # In one transaction: a stream that is in neither place for a moment could not be resumed in it.
            waiting = self._delete(detached_key(row.stream_id, replaces.principal), replaces)
            return self._transact(waiting, self._put(row, now))
        return self._transact(self._replace(row, replaces))

    def flip_live(self, row: Subscription, version: int) -> Subscription | None:
        """Turn ``opening`` into ``live`` if nothing is pending above ``version``; the row as it is afterwards."""
        return self._update(
            row,
            f"SET {PHASE} = :live, {SENT} = :version, {SHAPE} = :shape",
            # Where a change and the catch-up meet: it has raised `pending` before this, or finds the row live after.
            f"{PHASE} = :opening AND {OPENER} = :opener AND {PENDING} <= :version",
            {
                ":live": text(Phase.LIVE.value),
                ":version": number(version),
                ":opener": text(write_uuid(row.opener)),
                ":shape": text(row.shape),
            },
        )

    def raise_pending(self, row: Subscription, version: int) -> Subscription | None:
        """Raise ``pending`` of an opening row of the same opener; the row as it is afterwards."""
        # Never lowered: a batch that comes again brings older versions.
        condition = f"{PHASE} = :opening AND {OPENER} = :opener AND {PENDING} < :version"
        values = {":version": number(version), ":opener": text(write_uuid(row.opener))}
        return self._update(row, f"SET {PENDING} = :version", condition, values)

    def mark_ended(self, row: Subscription) -> Subscription | None:
        """Turn ``opening`` into ``ended`` if the opener is the same; the row as it is afterwards."""
        values = {":ended": text(Phase.ENDED.value), ":opener": text(write_uuid(row.opener))}
        return self._update(row, f"SET {PHASE} = :ended", f"{PHASE} = :opening AND {OPENER} = :opener", values)

    def go_opening(self, row: Subscription, sent: int, opener: UUID) -> bool:
        """Turn ``live`` or ``opening`` into ``opening`` of another opener, nothing pending, if it is the same row."""
        with translated(f"table {self._table}"):
            try:
                self._client().update_item(
                    TableName=self._table,
                    Key=attached_key(row.actor_id, row.stream_id),
                    UpdateExpression=f"SET {PHASE} = :opening, {OPENER} = :next, {SENT} = :sent, {PENDING} = :none",
                    ConditionExpression=f"{_UNCHANGED} AND {PHASE} IN (:live, :opening)",
                    ExpressionAttributeValues={
                        **_OPENING,
                        **_identity(row),
                        ":live": text(Phase.LIVE.value),
                        ":next": text(write_uuid(opener)),
                        ":sent": number(sent),
                        ":none": number(0),
                    },
                )
            except ClientError as error:
                if code_of(error) == _CONDITION_FAILED:
                    return False
                raise
        return True

    def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
        """Every attached subscription of an actor, over as many pages as there are."""
        with translated(f"table {self._table}"):
            # Strong, as only a base table can be read (D4): who was acknowledged before the change is among them.
            pages = (
                self._client()
                .get_paginator("query")
                .paginate(
                    TableName=self._table,
                    KeyConditionExpression=f"{ACTOR_ID} = :actor",
                    FilterExpression="#ttl > :now",
                    ExpressionAttributeNames={"#ttl": TTL},
                    ExpressionAttributeValues={":actor": text(actor_id), ":now": number(now)},
                    ConsistentRead=True,
                )
            )
            return tuple(read_row(item) for page in pages for item in page["Items"])

    def audience(self, actor_id: str) -> str:
        """The mark of an actor's audience, read strongly; empty when it has none (yet, or any more)."""
        with translated(f"table {self._table}"):
            answer = self._client().get_item(TableName=self._table, Key=audience_key(actor_id), ConsistentRead=True)
        return read_text(answer["Item"], MARK) if "Item" in answer else ""

    def mark_audience(self, actor_id: str, *, ttl: int) -> None:
        """Give it a new one, by chance and not by counting: when it has expired, no count begins anew."""
        item: Item = {**audience_key(actor_id), MARK: text(str(uuid4())), TTL: number(ttl)}
        with translated(f"table {self._table}"):
            self._client().put_item(TableName=self._table, Item=item)

    def detach(self, row: Subscription, *, ttl: int) -> bool:
        """Keep a row for a resume, out of the actor's partition, if connection and opener are still the same."""
        waiting = replace(row, phase=Phase.DETACHED, ttl=ttl)
        item: TransactWriteItemTypeDef = {"Put": {"TableName": self._table, "Item": write_row(waiting)}}
        return self._transact(self._delete(attached_key(row.actor_id, row.stream_id), row), item)

    def remove(self, actor_id: str, stream_id: UUID, connection_id: str, *, opener: UUID | None = None) -> bool:
        """Delete a row if it is attached to this connection."""
        own: Item = {":opener": text(write_uuid(opener))} if opener else {}
        with translated(f"table {self._table}"):
            try:
                self._client().delete_item(
                    TableName=self._table,
                    Key=attached_key(actor_id, stream_id),
                    # A resume may have moved the stream to another connection by now.
                    ConditionExpression=f"{CONNECTION_ID} = :connection" + (f" AND {OPENER} = :opener" if own else ""),
                    ExpressionAttributeValues={":connection": text(connection_id), **own},
                )
            except ClientError as error:
                if code_of(error) == _CONDITION_FAILED:
                    return False
                raise
        return True

    def _get(self, key: Item, now: int) -> Subscription | None:
        with translated(f"table {self._table}"):
            answer = self._client().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        if not item:
            return None
        row = read_row(item)
        return row if row.ttl > now else None

    def _put(self, row: Subscription, now: int) -> "TransactWriteItemTypeDef":
        return {
            "Put": {
                "TableName": self._table,
                "Item": write_row(row),
                "ConditionExpression": _UNUSED,
                "ExpressionAttributeNames": {"#ttl": TTL},
                "ExpressionAttributeValues": {":now": number(now)},
            }
        }

    def _replace(self, row: Subscription, replaces: Subscription) -> "TransactWriteItemTypeDef":
        return {
            "Put": {
                "TableName": self._table,
                "Item": write_row(row),
                "ConditionExpression": _UNCHANGED,
                "ExpressionAttributeValues": _identity(replaces),
            }
        }

    def _delete(self, key: Item, expected: Subscription) -> "TransactWriteItemTypeDef":
        return {
            "Delete": {
                "TableName": self._table,
                "Key": key,
                "ConditionExpression": _UNCHANGED,
                "ExpressionAttributeValues": _identity(expected),
            }
        }

    def _transact(self, *writes: "TransactWriteItemTypeDef") -> bool:
        with translated(f"table {self._table}"):
            try:
                self._client().transact_write_items(TransactItems=list(writes))
            except ClientError as error:
                if lost_race(error):
                    return False
                raise
        return True

    def _update(
        self, row: Subscription, expression: str, condition: str, values: Mapping[str, Value]
    ) -> Subscription | None:
        """The row after the update, or what kept it from being updated."""
        with translated(f"table {self._table}"):
            try:
                # The row comes with the answer either way: read afterwards, it could be a third one.
                answer = self._client().update_item(
                    TableName=self._table,
                    Key=attached_key(row.actor_id, row.stream_id),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={**_OPENING, **values},
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if code_of(error) != _CONDITION_FAILED:
                    raise
                found = cast("StoredItem | None", error.response.get("Item"))
                return read_row(found) if found else None
        return read_row(answer["Attributes"])


def _identity(row: Subscription) -> dict[str, Value]:
    return {":opener": text(write_uuid(row.opener)), ":connection": text(row.connection_id)}
