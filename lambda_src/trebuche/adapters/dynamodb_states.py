"""States, journals and call records in DynamoDB: two tables, written in one transaction."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from botocore.exceptions import ClientError

from trebuche.adapters.clients import DynamoDB
from trebuche.adapters.failures import lost_race, translated
from trebuche.adapters.items import (
    Item,
    StoredItem,
    binary,
    number,
    optional_text,
    read_binary,
    read_number,
    read_text,
    text,
)
from trebuche.contract import ACTOR_ID, ENTRY, SCHEMA, SHAPE, STATE, TTL, UPDATED_AT, VERSION
from trebuche.errors import StateError
from trebuche.scalars import write_uuid
from trebuche.stored import (
    CallRecord,
    JournalEntry,
    StoredState,
    Turn,
    needs_reservation,
    reserved_versions,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

DIGEST: Final = "digest"
RESULT: Final = "result"
FIRST: Final = "first"
"""Attribute of a journal entry before which there was no state."""
RESERVATION: Final = "h#"
"""Sort key of the highest version that an actor may have used; it is written once per many versions."""


class DynamoDBStateStore:
    """The state table and the journal table.

    Args:
        client: Gives the DynamoDB client.
        state_table: Name of the state table.
        journal_table: Name of the journal table.
    """

    def __init__(self, client: DynamoDB, state_table: str, journal_table: str) -> None:
        self._client = client
        self._states = state_table
        self._journal = journal_table

    def load(self, actor_id: str) -> StoredState | None:
        """The state; None when there is none."""
        with translated(f"table {self._states}"):
            # Strong: an older version costs a turn its commit, and a snapshot a change that nobody sends again.
            answer = self._client().get_item(
                TableName=self._states, Key={ACTOR_ID: text(actor_id)}, ConsistentRead=True
            )
        item = answer.get("Item")
        return _state(item) if item else None

    def load_call(self, actor_id: str, call_id: UUID, *, now: int) -> CallRecord | None:
        """The outcome of a call, unless it expired before ``now`` (seconds)."""
        key: Item = {ACTOR_ID: text(actor_id), ENTRY: text(call_entry(call_id))}
        with translated(f"table {self._journal}"):
            answer = self._client().get_item(TableName=self._journal, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        # Items outlive their TTL by days (DynamoDB guide, "Using time to live"): who reads has to look.
        if not item or read_number(item, TTL) <= now:
            return None
        return CallRecord(read_text(item, DIGEST), read_binary(item, RESULT), read_number(item, VERSION))

    def commit(self, turn: Turn) -> bool:
        """Write a whole turn, or nothing and return False when one of its conditions does not hold."""
        with translated(f"tables {self._states} and {self._journal}"):
            try:
                items = [self._put_state(turn), self._put_version(turn), self._put_call(turn)]
                if needs_reservation(turn):
                    items.append(self._put_reservation(turn))
                # Apart, a crash in between would leave a version without journal; together they cost twice the units.
                self._client().transact_write_items(TransactItems=items)
            except ClientError as error:
                if lost_race(error):
                    return False
                raise
        return True

    def highest_version(self, actor_id: str, *, now: int) -> int:
        """The highest version in the journal; the highest that was reserved, where that has expired or none is left."""
        with translated(f"table {self._journal}"):
            answer = self._client().query(
                TableName=self._journal,
                KeyConditionExpression=f"{ACTOR_ID} = :actor AND begins_with({ENTRY}, :prefix)",
                ExpressionAttributeValues={":actor": text(actor_id), ":prefix": text("v#")},
                ProjectionExpression="#version, #ttl",
                ExpressionAttributeNames={"#version": VERSION, "#ttl": TTL},
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=1,
            )
        found = max((read_number(item, VERSION) for item in answer["Items"]), default=0)
        # Enough, as long as it counts: a reservation only adds numbers that were never used. Of those that have expired
        # DynamoDB may have removed a higher one first.
        if any(read_number(item, TTL) > now for item in answer["Items"]):
            return found
        return max(found, self._reserved(actor_id))

    def journal(self, actor_id: str, first: int, last: int, *, now: int) -> tuple[JournalEntry, ...]:
        """The unexpired versions from ``first`` to ``last`` that are there, in order."""
        # The base of a stream that is numbered anew may lie below zero, and keys have no sign.
        first = max(first, 1)
        if first > last:
            return ()
        with translated(f"table {self._journal}"):
            pages = (
                self._client()
                .get_paginator("query")
                .paginate(
                    TableName=self._journal,
                    KeyConditionExpression=f"{ACTOR_ID} = :actor AND {ENTRY} BETWEEN :first AND :last",
                    # `ttl` is a reserved word. What is filtered out costs read units all the same.
                    FilterExpression="#ttl > :now",
                    ExpressionAttributeNames={"#ttl": TTL},
                    ExpressionAttributeValues={
                        ":actor": text(actor_id),
                        ":first": text(version_entry(first)),
                        ":last": text(version_entry(last)),
                        ":now": number(now),
                    },
                    ConsistentRead=True,
                )
            )
            return tuple(_entry(item) for page in pages for item in page["Items"])

    def _reserved(self, actor_id: str) -> int:
        key: Item = {ACTOR_ID: text(actor_id), ENTRY: text(RESERVATION)}
        with translated(f"table {self._journal}"):
            item = self._client().get_item(TableName=self._journal, Key=key, ConsistentRead=True).get("Item")
        return read_number(item, VERSION) if item else 0

    def _put_reservation(self, turn: Turn) -> "TransactWriteItemTypeDef":
        """Without TTL: it has to outlive the journal of an actor that nobody called for days."""
        item: Item = {
            ACTOR_ID: text(turn.next.actor_id),
            ENTRY: text(RESERVATION),
            VERSION: number(reserved_versions(turn.next.version)),
        }
        return {"Put": {"TableName": self._journal, "Item": item}}

    def _put_state(self, turn: Turn) -> "TransactWriteItemTypeDef":
        item: Item = {
            ACTOR_ID: text(turn.next.actor_id),
            STATE: binary(turn.next.state),
            VERSION: number(turn.next.version),
            SCHEMA: number(turn.next.schema),
            UPDATED_AT: number(turn.next.updated_at),
        }
        if turn.next.shape:
            item[SHAPE] = text(turn.next.shape)
        if turn.previous is None:
            unused = f"attribute_not_exists({ACTOR_ID})"
            return {"Put": {"TableName": self._states, "Item": item, "ConditionExpression": unused}}
        # What makes turns come one after the other: of two that have read one version, one finds it gone.
        return {
            "Put": {
                "TableName": self._states,
                "Item": item,
                "ConditionExpression": "#version = :previous",
                "ExpressionAttributeNames": {"#version": VERSION},
                "ExpressionAttributeValues": {":previous": number(turn.previous)},
            }
        }

    def _put_version(self, turn: Turn) -> "TransactWriteItemTypeDef":
        """Of an absent state the number may have been used in the meantime, by an actor that is deleted again."""
        item: Item = {
            ACTOR_ID: text(turn.next.actor_id),
            ENTRY: text(version_entry(turn.next.version)),
            STATE: binary(turn.next.state),
            VERSION: number(turn.next.version),
            SCHEMA: number(turn.next.schema),
            TTL: number(turn.ttl),
        }
        if turn.previous is not None:
            return {"Put": {"TableName": self._journal, "Item": item}}
        item[FIRST] = {"BOOL": True}
        return {
            "Put": {"TableName": self._journal, "Item": item, "ConditionExpression": f"attribute_not_exists({ENTRY})"}
        }

    def _put_call(self, turn: Turn) -> "TransactWriteItemTypeDef":
        item: Item = {
            ACTOR_ID: text(turn.next.actor_id),
            ENTRY: text(call_entry(turn.call_id)),
            DIGEST: text(turn.call.digest),
            RESULT: binary(turn.call.result),
            VERSION: number(turn.call.version),
            TTL: number(turn.ttl),
        }
        return {
            "Put": {
                "TableName": self._journal,
                "Item": item,
                # One that has expired counts as absent, however late DynamoDB deletes it.
                "ConditionExpression": f"attribute_not_exists({ENTRY}) OR #ttl <= :now",
                "ExpressionAttributeNames": {"#ttl": TTL},
                "ExpressionAttributeValues": {":now": number(turn.now)},
            }
        }


def version_entry(version: int) -> str:
    """Sort key of a version; 20 digits hold any and sort as numbers do."""
    return f"v#{version:020d}"


def call_entry(call_id: UUID) -> str:
    """Sort key of a call record."""
    return f"c#{write_uuid(call_id)}"


def _entry(item: StoredItem) -> JournalEntry:
    version, state = read_number(item, VERSION), read_binary(item, STATE)
    return JournalEntry(version, state, read_number(item, SCHEMA, 1), first=FIRST in item)


def _state(item: StoredItem) -> StoredState:
    """What an item says; others may have written it.

    Raises:
        StateError: It has no state or no version, or one of another type.
    """
    actor_id = read_text(item, ACTOR_ID)
    try:
        return StoredState(
            actor_id=actor_id,
            state=read_binary(item, STATE),
            version=read_number(item, VERSION),
            schema=read_number(item, SCHEMA, 1),
            updated_at=read_number(item, UPDATED_AT, 0),
            shape=optional_text(item, SHAPE) or "",
        )
    except (KeyError, ValueError) as error:
        raise StateError(
            f"the stored state of '{actor_id}' cannot be read: its item needs {STATE} (binary) and {VERSION} (number)"
        ) from error
