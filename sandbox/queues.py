"""One SQS queue of the emulator, as event source mappings and metrics see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.aws import AwsClient, Json
from sandbox.meter import Meter, Place
from sandbox.meter.units import QUEUE_PIECE_BYTES, QUEUE_REQUESTS, pieces

ACTIONS: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What Lambda does to a queue in the function's role."""
ENTRIES: Final = 10
"""Messages of one call."""


@dataclass(frozen=True, slots=True)
class Depth:
    """What a queue holds; times are the sandbox's clock's, None when there is no such message.

    Args:
        visible: Messages that can be received.
        hidden: Messages in flight, until they are deleted or their visibility timeout is over.
        delayed: Messages that were sent with a delay.
        next_due: When the next of these two comes into sight.
        oldest_sent: When the oldest message was sent; one that was received more than three times does not count.
        visibility_seconds: The queue's visibility timeout.
        counts: What was done, by CloudWatch's name of it and minute.
    """

    visible: int
    hidden: int
    delayed: int
    next_due: float | None
    oldest_sent: float | None
    visibility_seconds: float
    counts: Mapping[str, Mapping[int, int]]


class Queue:
    """A queue of the emulator.

    Args:
        aws: Reaches it as the account's root; the caller has judged the function's role.
        arn: The queue's.
        meter: Counts what Lambda's own reading is billed; None for looks that AWS does not have.
    """

    def __init__(self, aws: AwsClient, arn: str, meter: Meter | None = None) -> None:
        self._aws = aws
        self._arn = arn
        self._meter = meter

    @property
    def name(self) -> str:
        """Its name; one of a FIFO queue ends in ``.fifo``."""
        return self._arn.split(":")[5]

    async def depth(self) -> Depth:
        """What it holds now.

        Raises:
            AwsRefusedError: There is no such queue.
        """
        found = await self._call("SandboxInspectQueue", {})
        return Depth(
            visible=found["Visible"],
            hidden=found["NotVisible"],
            delayed=found["Delayed"],
            next_due=found["NextDue"],
            oldest_sent=found["OldestSent"],
            visibility_seconds=float(found["VisibilityTimeout"]),
            counts={
                name: {int(minute): number for minute, number in minutes.items()}
                for name, minutes in found["Counts"].items()
            },
        )

    async def receive(self, most: int) -> list[Json]:
        """Up to ``most`` messages, ten at most; none is no reason to wait.

        Raises:
            AwsRefusedError: There is no such queue.
        """
        request: Json = {
            "MaxNumberOfMessages": min(most, ENTRIES),
            "WaitTimeSeconds": 0,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        messages: list[Json] = (await self._call("ReceiveMessage", request)).get("Messages") or []
        if messages:  # Lambda waits for messages in long polls; how many of them end in vain is not seen here
            self._bill("ReceiveMessage", sum(len(message["Body"].encode()) for message in messages))
        return messages

    async def delete(self, handles: Sequence[str]) -> None:
        """Delete messages by their receipt handles; one whose handle has been replaced stays.

        Raises:
            AwsRefusedError: There is no such queue.
        """
        for start in range(0, len(handles), ENTRIES):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(handles[start : start + ENTRIES])
            ]
            await self._call("DeleteMessageBatch", {"Entries": entries})
            self._bill("DeleteMessageBatch", 0)

    def _bill(self, operation: str, size: int) -> None:
        if self._meter is not None:
            _, _, _, region, account, name = self._arn.split(":")
            place = Place(account, region, name)
            self._meter.count(QUEUE_REQUESTS, place, f"mapping's {operation}", pieces(size, QUEUE_PIECE_BYTES))

    async def _call(self, action: str, request: Json) -> Json:
        _, _, _, region, account, name = self._arn.split(":")
        # The emulator takes a queue's name for its URL.
        return await self._aws.call(
            f"AmazonSQS.{action}", {"QueueUrl": name, **request}, service="sqs", region=region, account=account
        )
