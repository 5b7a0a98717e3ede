"""What a function answers to a batch: which of its records or messages have to come again."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

BatchReply: TypeAlias = dict[str, list[dict[str, str]]]
"""``{"batchItemFailures": [{"itemIdentifier": …}]}``: a record's sequence number (Lambda repeats everything from
there), or a message's id."""


def received_ms(records: Iterable[Mapping[str, Any]]) -> int:
    """When SQS handed out the newest of some messages first, in milliseconds; 0 when they do not say."""
    times = (record.get("attributes", {}).get("ApproximateFirstReceiveTimestamp", 0) for record in records)
    return max(map(int, times), default=0)


def batch_reply(failed: Iterable[str]) -> BatchReply:
    """The answer that names what failed."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
