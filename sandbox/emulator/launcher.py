"""Runs the emulator with queues that live on the sandbox's clock; executed by the emulator's own interpreter.

The emulator measures delays, visibility timeouts and retention in real time. Here its SQS gets a clock that adds what
the sandbox has turned, and one more action, which tells when the next message of a queue falls due.
"""

import mmap
import os
import struct
import time
from pathlib import Path
from typing import Any

from ministack.app import main
from ministack.services import sqs

OFFSET_FILE = "QUEUE_CLOCK"
INSPECT = "SandboxInspectQueue"
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
    sqs._refresh_counts(queue)
    now = sqs.time.time()
    hidden = [message["visible_at"] for message in queue["messages"] if message["visible_at"] > now]
    sent = [message["sent_at"] for message in queue["messages"] if message["receive_count"] <= POISON_RECEIVES]
    return {
        "Visible": len(queue["messages"]) - len(hidden),
        "NextDue": min(hidden, default=None),
        "OldestSent": min(sent, default=None),
        "VisibilityTimeout": int(queue["attributes"].get("VisibilityTimeout", "30")),
    }


if __name__ == "__main__":
    sqs.time = TurnedTime(Path(os.environ[OFFSET_FILE]))
    sqs._HANDLERS[INSPECT] = inspect_queue
    main()
