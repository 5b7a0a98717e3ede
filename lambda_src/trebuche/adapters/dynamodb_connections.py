"""Connections in DynamoDB: the page's table, with each connection's streams as a set of texts."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from botocore.exceptions import ClientError

from trebuche.adapters.clients import DynamoDB
from trebuche.adapters.failures import code_of, translated
from trebuche.adapters.items import Item, StoredItem, number, optional_text, read_number, read_text, text, texts
from trebuche.contract import (
    ACTOR_ID,
    ACTOR_INDEX,
    CONNECTED_AT,
    CONNECTION_ID,
    EXP,
    LAST_SEQUENCE,
    STREAM_ID,
    TTL,
)
from trebuche.errors import StreamLimitError, TooManyStreamsError
from trebuche.scalars import write_uuid
from trebuche.stored import Connection

STREAMS: Final = "streams"
PRINCIPAL: Final = "principal"
CREDENTIAL: Final = "credential"
_ITEM_TOO_LARGE: Final = "Item size to update has exceeded"
_KNOWN: Final = f"attribute_exists({CONNECTION_ID})"
_ROOM: Final = f"attribute_not_exists({STREAMS}) OR size({STREAMS}) < :most OR contains({STREAMS}, :itself)"


class DynamoDBConnectionStorage:
    """The connections table.

    Args:
        client: Gives the DynamoDB client.
        table_name: Name of the table.
    """

    def __init__(self, client: DynamoDB, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def register(self, connection: Connection) -> None:
        """Remember a connection."""
        item: Item = {
            CONNECTION_ID: text(connection.connection_id),
            CONNECTED_AT: number(connection.connected_at),
            LAST_SEQUENCE: number(connection.last_sequence),
            TTL: number(connection.ttl),
        }
        if connection.principal is not None:
            item[PRINCIPAL] = text(connection.principal)
        if connection.credential is not None:
            item[CREDENTIAL] = text(connection.credential)
        if connection.until:
            item[EXP] = number(connection.until)
        with translated(f"table {self._table}"):
            self._client().put_item(TableName=self._table, Item=item)

    def unregister(self, connection_id: str) -> Connection | None:
        """Forget a connection; what was known about it."""
        # What it held names the streams to detach: the answer saves a read, and nothing can come in between.
        with translated(f"table {self._table}"):
            answer = self._client().delete_item(
                TableName=self._table, Key={CONNECTION_ID: text(connection_id)}, ReturnValues="ALL_OLD"
            )
        item = answer.get("Attributes")
        return _connection(item) if item else None

    def load(self, connection_id: str) -> Connection | None:
        """What is known about a connection, read strongly."""
        with translated(f"table {self._table}"):
            answer = self._client().get_item(
                TableName=self._table, Key={CONNECTION_ID: text(connection_id)}, ConsistentRead=True
            )
        item = answer.get("Item")
        return _connection(item) if item else None

    def note_stream(
        self, connection_id: str, actor_id: str, stream_id: UUID, last_sequence: int, *, most: int = 0
    ) -> bool:
        """Note a stream on a known connection; False (and no change) for an unknown one."""
        # ADD: frames of one connection are handled side by side, and a list read before would lose a stream.
        latest = f"{ACTOR_ID} = :actor, {STREAM_ID} = :stream, {LAST_SEQUENCE} = :last"
        values: Item = {
            ":actor": text(actor_id),
            ":stream": text(write_uuid(stream_id)),
            ":last": number(last_sequence),
            ":member": texts([_member(stream_id, actor_id)]),
        }
        room: Item = {":most": number(most), ":itself": text(_member(stream_id, actor_id))} if most else {}
        noted, known = self._update(
            connection_id, f"SET {latest} ADD {STREAMS} :member", values | room, _ROOM if most else ""
        )
        if known and not noted:
            raise StreamLimitError(most)
        return noted

    def forget_stream(self, connection_id: str, actor_id: str, stream_id: UUID) -> None:
        """Take a stream off the list of a known connection."""
        self._update(connection_id, f"DELETE {STREAMS} :member", {":member": texts([_member(stream_id, actor_id)])})

    def get_connections(self, actor_id: str) -> tuple[Connection, ...]:
        """Connections whose latest stream is of this actor; by the index, so possibly a moment old."""
        with translated(f"index {ACTOR_INDEX} of table {self._table}"):
            pages = (
                self._client()
                .get_paginator("query")
                .paginate(
                    TableName=self._table,
                    IndexName=ACTOR_INDEX,
                    KeyConditionExpression=f"{ACTOR_ID} = :actor",
                    ExpressionAttributeValues={":actor": text(actor_id)},
                )
            )
            return tuple(_connection(item) for page in pages for item in page["Items"])

    def every(self) -> Iterator[Connection]:
        """All connections that are known, read strongly, page by page."""
        with translated(f"table {self._table}"):
            # Callers' marks (`dynamodb_counters`) are in the table, too.
            pages = (
                self._client()
                .get_paginator("scan")
                .paginate(
                    TableName=self._table, ConsistentRead=True, FilterExpression=f"attribute_exists({CONNECTED_AT})"
                )
            )
            for page in pages:
                yield from map(_connection, page["Items"])

    def _update(self, connection_id: str, expression: str, values: Item, also: str = "") -> tuple[bool, bool]:
        """Whether a connection was updated, and whether it is known."""
        with translated(f"table {self._table}"):
            try:
                self._client().update_item(
                    TableName=self._table,
                    Key={CONNECTION_ID: text(connection_id)},
                    UpdateExpression=expression,
                    # UpdateItem makes a missing item: a stream opened just after the close would leave a row.
                    ConditionExpression=f"{_KNOWN} AND ({also})" if also else _KNOWN,
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    return False, "Item" in error.response
                # DynamoDB has one code for every request that it refuses: only the text tells this one apart.
                if code_of(error) == "ValidationException" and _ITEM_TOO_LARGE in str(error):
                    raise TooManyStreamsError from error
                raise
        return True, True


def _member(stream_id: UUID, actor_id: str) -> str:
    # The id comes first: it holds no space, and an actor's id may.
    return f"{write_uuid(stream_id)} {actor_id}"


def _connection(item: StoredItem) -> Connection:
    stream_id = optional_text(item, STREAM_ID)
    # The last member takes the set with it: DynamoDB keeps no empty ones.
    members = (member.split(" ", 1) for member in item[STREAMS]["SS"]) if STREAMS in item else ()
    return Connection(
        connection_id=read_text(item, CONNECTION_ID),
        connected_at=read_number(item, CONNECTED_AT),
        ttl=read_number(item, TTL),
        principal=optional_text(item, PRINCIPAL),
        actor_id=optional_text(item, ACTOR_ID),
        stream_id=UUID(stream_id) if stream_id is not None else None,
        last_sequence=read_number(item, LAST_SEQUENCE, 0),
        streams={UUID(stream): actor for stream, actor in members},
        until=read_number(item, EXP, 0),
        credential=optional_text(item, CREDENTIAL),
    )
