"""Messages of the failure queue: which records of a stream were given up (Lambda developer guide). Pure."""

import json
import re
from dataclasses import dataclass
from typing import Self

_NUMBER = re.compile(r"[0-9]{21,40}")
"""A sequence number (DynamoDB Streams API reference)."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that names a run of records.

    Args:
        receipt: What deletes the message.
        stream_arn: The stream.
        shard_id: The shard.
        first: Sequence number of the first record.
        last: Sequence number of the last record.
        condition: Why they were given up, in Lambda's word.
    """

    receipt: str
    stream_arn: str
    shard_id: str
    first: str
    last: str
    condition: str

    @classmethod
    def parse(cls, body: str, receipt: str) -> Self | None:
        """Read a message; None when it is none of Lambda's about a DynamoDB stream."""
        try:
            document = json.loads(body)
            batch = document["DDBStreamBatchInfo"]
            first, last = str(batch["startSequenceNumber"]), str(batch["endSequenceNumber"])
            if not _NUMBER.fullmatch(first) or not _NUMBER.fullmatch(last):
                return None
            condition = str(document.get("requestContext", {}).get("condition", "unknown"))
            return cls(receipt, str(batch["streamArn"]), str(batch["shardId"]), first, last, condition)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    @property
    def order(self) -> tuple[str, str, int]:
        """Where it belongs among others: records of one shard in the order of their making."""
        # A number of 21 to 40 digits: as texts they would not be in order.
        return self.stream_arn, self.shard_id, int(self.first)

    @property
    def table(self) -> str:
        """The name of the table that the stream belongs to."""
        return self.stream_arn.split("/")[1]

    def covers(self, sequence_number: str) -> bool:
        """Whether a record is one of those that were given up, as far as the end of the run is concerned."""
        return int(sequence_number) <= int(self.last)
