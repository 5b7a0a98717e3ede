"""What a function answers to a batch: which of its records or messages have to come again."""

from collections.abc import Iterable
from typing import TypeAlias

BatchReply: TypeAlias = dict[str, list[dict[str, str]]]
"""``{"batchItemFailures": [{"itemIdentifier": …}]}``: a record's sequence number (Lambda repeats everything from
there), or a message's id."""


def batch_reply(failed: Iterable[str]) -> BatchReply:
    """The answer that names what failed."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
