"""Runs the emulator with what the sandbox adds to it; executed by the emulator's own interpreter.

The emulator measures delays, visibility timeouts and retention in real time. Here its SQS gets a clock that adds what
the sandbox has turned, counts what it does by the minute, and has one more action, which tells of these counts and of
when the next message of a queue falls due.

It keeps to itself which process serves which invocation, and does not say how a process ended. Here one more action
(of SQS, whose actions can be added to) tells of the invocations, and an error says what Lambda would.

What a function logs reaches the emulator through a pipe, and the emulator guesses when all of it is there: a silent
function costs 50 ms, and a busy machine gives lines to the next invocation. Here a Python worker marks the end.

A read's consumed capacity is counted by what was read, and one more action tells how large items are.

Two more tell what has expired in a table and what functions have logged lately. Scan and FilterLogEvents would, too,
but they go through all that there is, and hold up everybody else meanwhile: the emulator does one thing at a time.
"""

import asyncio
import mmap
import os
import queue
import signal
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, dynamodb, sqs

OFFSET_FILE = "QUEUE_CLOCK"
INSPECT = "SandboxInspectQueue"
INVOCATIONS = "SandboxListInvocations"
EXPIRED = "SandboxListExpired"
LOGS = "SandboxReadLogs"
ITEMS = "SandboxMeasureItems"
READ_UNIT_BYTES = 4096
PAGE = threading.local()
"""What this thread's Query or Scan has read: items, table and index; what it answers may be less."""
END_OF_LOG = "\x00end of "
"""Begins the line that a worker writes after each invocation's log; the request id follows."""
LOG_SECONDS = 5.0
"""For how long a log's end is waited for: a function that has closed its standard error never writes it."""
LOOK_SECONDS = 0.05
"""How often is looked whether the worker is gone."""
ANSWERED = "        _real_stdout.flush()\n\nrun()"
"""Where the emulator's Python worker has written its answer and not sent it yet."""
MARKED = f"""        sys.__stderr__.flush()
        os.write(2, ({END_OF_LOG!r} + _ms_ctx.get("request_id", "") + "\\n").encode())
{ANSWERED}"""
DIED = ("Worker process died", "[Errno 32] Broken pipe")
SERVING: dict[str, Any] = {}
"""The worker of each invocation that runs, by request id; the emulator leases a worker to one at a time."""
CURRENT = threading.local()
"""The request id that this thread waits for; several threads may wait for one worker."""
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


def count_traffic() -> None:
    """Have SQS count as CloudWatch does."""
    sqs._HANDLERS |= {
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


def identify(kind: Any) -> None:
    """Have a kind of worker note which invocation it serves, and remember its process when that has ended."""
    spawn, invoke = kind._spawn, kind.invoke

    def spawn_known(self: Any, *args: Any, **options: Any) -> None:
        spawn(self, *args, **options)
        self.sandbox_process = self._proc

    def invoke_known(self: Any, event: Any, request_id: str, **context: Any) -> dict[str, Any]:
        SERVING[request_id] = self
        CURRENT.request_id = request_id
        try:
            answer: dict[str, Any] = invoke(self, event, request_id, **context)
        finally:
            del SERVING[request_id]
        if answer.get("error") in DIED and "trace" not in answer:  # what a handler raises has a trace
            answer["error"] = f"RequestId: {request_id} Error: {ending(self.sandbox_process.returncode)}"
        return answer

    kind.sandbox_process = None
    kind._spawn, kind.invoke = spawn_known, invoke_known


def mark_logs(kind: Any) -> None:
    """Have Python workers mark where an invocation's log ends, and read it as far as there."""
    script: str = lambda_runtime._PYTHON_WORKER_SCRIPT
    if ANSWERED not in script:
        raise SystemExit("the emulator's Python worker is not the one that the sandbox knows")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(ANSWERED, MARKED)
    guess = kind._drain_stderr_bounded

    def drain(self: Any, *args: Any, **options: Any) -> str:
        if not self.config.get("Runtime", "").startswith("python"):
            text: str = guess(self, *args, **options)
            return text
        return "\n".join(log_until(END_OF_LOG + CURRENT.request_id, self._stderr_queue, self._stderr_thread))

    kind._drain_stderr_bounded = drain


def log_until(end: str, lines: "queue.Queue[str]", reader: threading.Thread) -> list[str]:
    """The lines of one invocation's log; what an earlier one left behind is not among them.

    Args:
        end: The mark behind the last line; without it the log ends with the worker that should have written it.
        lines: What the worker has written.
        reader: Fills ``lines`` for as long as the worker lives.
    """
    log: list[str] = []
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        # Asked before the wait, so that what a worker wrote last is read even if it ends meanwhile.
        ended = not reader.is_alive()
        try:
            line = lines.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            if ended or time.monotonic() > deadline:
                return log
            continue
        text, mark, invocation = line.partition(END_OF_LOG)
        if text or not mark:
            log.append(text)
        if mark + invocation == end:
            return log
        # All that came before another invocation's mark was that invocation's.
        if mark:
            log.clear()


def ending(status: int | None) -> str:
    """How Lambda says that a runtime's process is gone, by the process's status; a signal's number is negative."""
    if not status:
        return "Runtime exited without providing a reason"
    cause = f"exit status {status}" if status > 0 else f"signal: {(signal.strsignal(-status) or str(-status)).lower()}"
    return f"Runtime exited with error: {cause}"


def list_invocations(*_: Any) -> dict[str, Any]:
    """The request id of each invocation that runs, by the id of the process that serves it."""
    serving = [(worker.sandbox_process, invocation) for invocation, worker in list(SERVING.items())]
    return {str(process.pid): invocation for process, invocation in serving if process}


def list_expired(data: dict[str, Any], _: str) -> dict[str, Any]:
    """Key and time of each item that is due, and when the next one will be; only numbers of seconds are times.

    Args:
        data: ``TableName``, the ``Attribute`` that says when, and the times ``Oldest`` and ``Until`` that bound what
            is due; seconds since the epoch, both included.
    """
    table, attribute, expired, following = dynamodb._tables.get(data["TableName"]), data["Attribute"], [], None
    for item in items_of(table):
        number = item.get(attribute, {}).get("N")
        if number is None or (due := float(number)) < data["Oldest"]:
            continue
        if due <= data["Until"]:
            key = {name: item[name] for name in (table["pk_name"], table["sk_name"]) if name}
            expired.append({"Key": key, "Time": item[attribute]})
        elif following is None or due < following:
            following = due
    return {"Expired": expired, "Next": following}


def items_of(table: dict[str, Any] | None) -> list[dict[str, Any]]:
    """All items of a table, as they are at this moment: threads may write; none when there is no such table."""
    return [item for items in list(table["items"].values()) for item in list(items.values())] if table else []


def read_logs(data: dict[str, Any], _: str) -> dict[str, str]:
    """The text of each log stream of a group that was begun at ``Since`` (milliseconds) or later, by its name."""
    group = cloudwatch_logs._log_groups.get(data["LogGroupName"], {})
    texts = {}
    for name, stream in reversed(list(group.get("streams", {}).items())):  # a group's streams are in order
        if stream["creationTime"] < data["Since"]:
            break
        texts[name] = "\n".join(event["message"] for event in list(stream["events"]))
    return texts


def measure_items(data: dict[str, Any], _: str) -> dict[str, list[int]]:
    """Bytes of each item that is asked for by ``TableName`` and ``Key``; 0 when there is none."""
    return {"Bytes": [size_of(one["TableName"], one["Key"]) for one in data["Items"]]}


def size_of(table_name: str, key: dict[str, Any]) -> int:
    """Bytes of one item."""
    table = dynamodb._tables.get(dynamodb._normalize_table_name(table_name))
    item = dynamodb._get_item_by_key(table, key) if table else None
    size: int = dynamodb._item_size_bytes(item) if item else 0
    return size


def count_reads() -> None:
    """Have reads say what they consume by what they have read; the emulator's own say one unit, whatever it was."""
    paginate, add = dynamodb._paginate_evaluated_items, dynamodb._add_consumed_capacity

    def paginate_noted(items: Any, limit: Any, table: Any, index: Any = None) -> Any:
        page, more = paginate(items, limit, table, index)
        PAGE.read = page, table, index
        return page, more

    def add_true(result: dict[str, Any], data: dict[str, Any], name: str, *args: Any, **options: Any) -> None:
        add(result, data, name, *args, **options)
        if not options.get("write") and "ConsumedCapacity" in result:
            size = size_of(name, data["Key"]) if "Key" in data else size_of_page(*PAGE.read)
            multiply(result["ConsumedCapacity"], max(1, -(-size // READ_UNIT_BYTES)))

    dynamodb._paginate_evaluated_items, dynamodb._add_consumed_capacity = paginate_noted, add_true


def size_of_page(page: list[dict[str, Any]], table: dict[str, Any], index: str | None) -> int:
    """Bytes of the items that a Query or Scan has read, as far as its index holds them."""
    entries = [dynamodb._apply_index_projection(item, table, index) if index else item for item in page]
    return sum(map(dynamodb._item_size_bytes, entries))


def multiply(capacity: dict[str, Any], by: int) -> None:
    """Multiply every number of units in it."""
    for name, value in capacity.items():
        if name == "CapacityUnits":
            capacity[name] = value * by
        elif isinstance(value, dict):
            multiply(value, by)


if __name__ == "__main__":
    sqs.time = TurnedTime(Path(os.environ[OFFSET_FILE]))
    sqs._HANDLERS |= {INSPECT: inspect_queue, INVOCATIONS: list_invocations, EXPIRED: list_expired, LOGS: read_logs}
    sqs._HANDLERS |= {ITEMS: measure_items}
    for kind in (lambda_runtime.Worker, lambda_runtime.ProvidedWorker):
        identify(kind)
    mark_logs(lambda_runtime.Worker)
    count_traffic()
    count_reads()
    main()
