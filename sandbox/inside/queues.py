"""Queues on the sandbox's clock, which count what they do.

The emulator measures delays, visibility timeouts and retention in real time. Here its SQS gets a clock that adds what
the sandbox has turned, counts what it does by the minute, and has one more action, which tells of these counts and of
when the next message of a queue falls due.
"""

import asyncio
import mmap
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.services import sqs

INSPECT = "SandboxInspectQueue"
COUNTS = "sandbox_counts"
COUNTED = "sandbox_counted"
MINUTE = 60
POISON_RECEIVES = 3
"""More often received messages no longer count for the age of the oldest (SQS developer guide, metrics)."""


class TurnedTime:
    """The ``time`` module, for code that only asks what time it is.

    Args:
        path: File with one double: seconds by which the sandbox's clock is ahead.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._offset = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)

    def time(self) -> float:
        """Seconds since the epoch on the sandbox's clock."""
        offset: float = struct.unpack_from("d", self._offset)[0]
        return time.time() + offset


def inspect_queue(data: dict[str, Any], url: str) -> dict[str, Any]:
    """What the sandbox has to know of a queue; times are seconds since the epoch, None when there is no such message.

    ``NextDue`` is when the next delay or visibility timeout ends, ``OldestSent`` when the oldest message came.
    """
    queue = sqs._get_q(data.get("QueueUrl", url))
    count_sent(queue)
    sqs._refresh_counts(queue)
    now = sqs.time.time()
    hidden = [message["visible_at"] for message in queue["messages"] if message["visible_at"] > now]
    sent = [message["sent_at"] for message in queue["messages"] if message["receive_count"] <= POISON_RECEIVES]
    counted = queue["attributes"]
    return {
        "Visible": int(counted["ApproximateNumberOfMessages"]),
        "NotVisible": int(counted["ApproximateNumberOfMessagesNotVisible"]),
        "Delayed": int(counted["ApproximateNumberOfMessagesDelayed"]),
        "NextDue": min(hidden, default=None),
        "OldestSent": min(sent, default=None),
        "VisibilityTimeout": int(counted.get("VisibilityTimeout", "30")),
        "Counts": queue.get(COUNTS, {}),
    }


def count(queue: dict[str, Any], metric: str, number: int, at: float) -> None:
    """Add to one of a queue's metrics, in the minute of a time."""
    minutes = queue.setdefault(COUNTS, {}).setdefault(metric, {})
    minute = int(at // MINUTE) * MINUTE
    minutes[minute] = minutes.get(minute, 0) + number


def count_sent(queue: dict[str, Any]) -> None:
    """Count the messages that have come since the last look, whoever sent them.

    One that was moved here from another queue has been counted there: so does CloudWatch.
    """
    for message in queue["messages"]:
        if not message.get(COUNTED):
            sqs._ensure_msg_fields(message)
            message[COUNTED] = True
            count(queue, "NumberOfMessagesSent", 1, message["sent_at"])


def counted(action: Callable[..., Any], *measures: Callable[[dict[str, Any]], tuple[str, int]]) -> Callable[..., Any]:
    """An action of SQS that counts what it has done."""

    def note(data: dict[str, Any], url: str, answer: dict[str, Any]) -> dict[str, Any]:
        queue = sqs._get_q(data.get("QueueUrl", url))
        count_sent(queue)
        for measure in measures:
            metric, number = measure(answer)
            count(queue, metric, number, sqs.time.time())
        return answer

    def run(data: dict[str, Any], url: str) -> Any:
        answer = action(data, url)
        if not asyncio.iscoroutine(answer):
            return note(data, url, answer)

        async def later() -> dict[str, Any]:
            return note(data, url, await answer)

        return later()

    return run


def install(clock: Path) -> None:
    """Have SQS live on the sandbox's clock, and count as CloudWatch does.

    Args:
        clock: See ``TurnedTime``.
    """
    sqs.time = TurnedTime(clock)
    sqs._HANDLERS |= {
        INSPECT: inspect_queue,
        "SendMessage": counted(sqs._act_send_message),
        "SendMessageBatch": counted(sqs._act_send_message_batch),
        "ReceiveMessage": counted(
            sqs._act_receive_message,
            lambda answer: ("NumberOfMessagesReceived", len(answer.get("Messages", ()))),
            lambda answer: ("NumberOfEmptyReceives", int(not answer.get("Messages"))),
        ),
        "DeleteMessage": counted(sqs._act_delete_message, lambda _: ("NumberOfMessagesDeleted", 1)),
        "DeleteMessageBatch": counted(
            sqs._act_delete_message_batch, lambda answer: ("NumberOfMessagesDeleted", len(answer["Successful"]))
        ),
    }
