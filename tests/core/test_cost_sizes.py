"""Predicted costs rest on the sizes of the runtime's own items and frames."""

import base64
from typing import Any
from uuid import UUID

from cli.cost import measured
from cli.cost.prediction import wire_bytes
from sandbox.streams.sizes import size_of
from trebuche.adapters.dynamodb_states import DynamoDBStateStore
from trebuche.adapters.subscription_items import write_row
from trebuche.frames import data_frame
from trebuche.stored import CallRecord, Phase, StoredState, Subscription, Turn

NAME = UUID("12345678-1234-4234-8234-123456789abc")
ACTOR_ID = "todos/0123456789abcdef0123"
PAYLOAD = b"x" * 1024
NOW_MS = 1_768_857_206_344
TOLERANCE = 32
"""Bytes: ids of actors are as long as they like."""


class Recorder:
    """Stands in for DynamoDB's client, and keeps the sizes of what is written."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803 (boto3's names)
        """Note each item's size."""
        self.sizes = [size_of(_as_json(part["Put"]["Item"])) for part in TransactItems]


def test_items_of_a_turn_have_their_predicted_sizes() -> None:
    """The state, its journal entry and the call's record."""
    client: Any = Recorder()
    state = StoredState(actor_id=ACTOR_ID, state=PAYLOAD, version=1234, schema=1, updated_at=NOW_MS)
    call = CallRecord("a" * 64, PAYLOAD, 1234)
    turn = Turn(previous=1233, next=state, call_id=NAME, call=call, now=NOW_MS // 1000, ttl=NOW_MS // 1000)
    DynamoDBStateStore(lambda: client, "states", "journal").commit(turn)
    beside = [size - len(PAYLOAD) for size in client.sizes]
    assert len(beside) == len(measured.ITEM_BYTES)
    assert [one for one in zip(beside, measured.ITEM_BYTES, strict=True) if abs(one[0] - one[1]) > TOLERANCE] == []


def test_subscriptions_have_their_predicted_size() -> None:
    """A row of an actor's audience, which each fan-out reads."""
    row = Subscription(
        actor_id=ACTOR_ID,
        stream_id=NAME,
        connection_id="DJrFQfyGIAMCJ7w=",
        connected_at=NOW_MS,
        target="observeState",
        opener=NAME,
        base=1200,
        ttl=NOW_MS // 1000,
        phase=Phase.LIVE,
        sent=1234,
        asked_at=NOW_MS,
    )
    assert abs(size_of(_as_json(write_row(row))) - measured.ROW_BYTES) <= TOLERANCE


def test_frames_have_their_predicted_size() -> None:
    """A change of 1 KB as a subscriber gets it."""
    assert abs(len(data_frame(NAME, 34, PAYLOAD, NOW_MS)) - wire_bytes(len(PAYLOAD))) <= TOLERANCE


def _as_json(item: Any) -> dict[str, Any]:
    """An item as it is on the wire: binary as base64 text."""
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value for name, value in item.items()
    }
