"""Subscriptions as DynamoDB items.

A detached row keeps its actor under ``actor``: its hash key is ``detached#<streamId>``, so that no fan-out reads it.
Where connections have principals, theirs is part of the key: ids of streams may be made up, and nobody can overwrite
what somebody else's stream left behind.
"""

from typing import Final
from uuid import UUID, uuid5

from trebuche.adapters.items import Item, StoredItem, number, optional_text, read_number, read_text, text
from trebuche.contract import ACTOR_ID, CONNECTED_AT, CONNECTION_ID, EXP, SHAPE, STREAM_ID, TTL
from trebuche.documents import dumps, loads
from trebuche.envelopes import filter_from_json, filter_to_json
from trebuche.scalars import write_uuid
from trebuche.stored import Phase, Subscription

TARGET: Final = "target"
FILTER: Final = "filter"
DELIVERY: Final = "delivery"
PRINCIPAL: Final = "principal"
OPENER: Final = "opener"
BASE: Final = "base"
SINCE: Final = "since"
BORN: Final = "born"
PHASE: Final = "phase"
PENDING: Final = "pending"
SENT: Final = "sent"
ASKED_AT: Final = "askedAt"
MARK: Final = "mark"
_ACTOR: Final = "actor"


def attached_key(actor_id: str, stream_id: UUID) -> Item:
    """Where a subscription is while it has a connection."""
    return {ACTOR_ID: text(actor_id), STREAM_ID: text(write_uuid(stream_id))}


def detached_key(stream_id: UUID, principal: str | None) -> Item:
    """Where it waits for a resume by its principal."""
    whose = f"#{uuid5(stream_id, principal)}" if principal is not None else ""
    return {ACTOR_ID: text(f"detached#{write_uuid(stream_id)}{whose}"), STREAM_ID: text(write_uuid(stream_id))}


def audience_key(actor_id: str) -> Item:
    """Where the mark of an actor's audience is: in no actor's partition."""
    return {ACTOR_ID: text(f"audience#{actor_id}"), STREAM_ID: text("audience")}


def write_row(row: Subscription) -> Item:
    """The item of a subscription, under the key that its phase asks for."""
    detached = row.phase is Phase.DETACHED
    waiting, attached = detached_key(row.stream_id, row.principal), attached_key(row.actor_id, row.stream_id)
    item: Item = {
        **(waiting if detached else attached),
        CONNECTION_ID: text(row.connection_id),
        CONNECTED_AT: number(row.connected_at),
        TARGET: text(row.target),
        DELIVERY: text(row.delivery),
        OPENER: text(write_uuid(row.opener)),
        BASE: number(row.base),
        SINCE: number(row.since),
        BORN: number(row.born),
        PHASE: text(row.phase.value),
        PENDING: number(row.pending),
        SENT: number(row.sent),
        ASKED_AT: number(row.asked_at),
        SHAPE: text(row.shape),
        TTL: number(row.ttl),
    }
    if detached:
        item[_ACTOR] = text(row.actor_id)
    if row.principal is not None:
        item[PRINCIPAL] = text(row.principal)
    if row.until:
        item[EXP] = number(row.until)
    if row.filter is not None:
        item[FILTER] = text(dumps(filter_to_json(row.filter)))
    return item


def read_row(item: StoredItem) -> Subscription:
    """The subscription in an item."""
    stream_filter = optional_text(item, FILTER)
    return Subscription(
        actor_id=optional_text(item, _ACTOR) or read_text(item, ACTOR_ID),
        stream_id=UUID(read_text(item, STREAM_ID)),
        connection_id=read_text(item, CONNECTION_ID),
        connected_at=read_number(item, CONNECTED_AT),
        target=read_text(item, TARGET),
        opener=UUID(read_text(item, OPENER)),
        base=read_number(item, BASE),
        since=read_number(item, SINCE, 0),
        born=read_number(item, BORN, 0),
        ttl=read_number(item, TTL),
        filter=filter_from_json(loads(stream_filter)) if stream_filter is not None else None,
        delivery=read_text(item, DELIVERY),
        principal=optional_text(item, PRINCIPAL),
        phase=Phase(read_text(item, PHASE)),
        pending=read_number(item, PENDING),
        sent=read_number(item, SENT),
        asked_at=read_number(item, ASKED_AT, 0),
        shape=optional_text(item, SHAPE) or "",
        until=read_number(item, EXP, 0),
    )
