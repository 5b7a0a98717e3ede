"""Rows of subscribers who are late, as the subscriptions table of a deployed stack shows them."""

from typing import Any

from tests.loop.conftest import Deployed
from tests.loop.peer import Stream
from tests.loop.workshop import eventually


def live_row(deployed: Deployed, actor: str, stream: Stream) -> dict[str, Any]:
    """The row of a stream, once changes are let through to it."""
    return eventually(lambda: _row(deployed, actor, stream, "live"), what="a live row")


def until_left_to_a_worker(deployed: Deployed, actor: str, stream: Stream) -> None:
    """Wait until the fan-out has given a subscriber up, and a worker, too, has met it in vain."""
    first = eventually(lambda: _opener(deployed, actor, stream), what="a row that is left to a worker")
    eventually(lambda: _opener(deployed, actor, stream) not in (first, ""), what="a worker that puts itself off")


def _opener(deployed: Deployed, actor: str, stream: Stream) -> str:
    row = _row(deployed, actor, stream, "opening")
    return str(row["opener"]["S"]) if row else ""


def _row(deployed: Deployed, actor: str, stream: Stream, phase: str) -> dict[str, Any]:
    """The attached row of a stream; empty when there is none, or one in another phase."""
    key: Any = {"actorId": {"S": actor}, "streamId": {"S": stream.stream_id}}
    table = deployed.outputs["subscriptions_table"]
    row: Any = deployed.aws.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
    return row if row and row["phase"]["S"] == phase else {}
