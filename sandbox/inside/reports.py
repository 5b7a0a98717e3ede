"""The log of each invocation as Lambda writes it: START, what the function wrote, END and REPORT.

Each execution environment has one stream, which its context names.
Two more actions (of SQS, whose actions can be added to) read and take back the log of one invocation, by its request
id: FilterLogEvents would go through all that there is, and the emulator does one thing at a time.
"""

import math
import signal
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch_logs, lambda_svc, sqs

from sandbox.inside.environments import log_group_of
from sandbox.inside.failures import TIMEOUT, in_log
from sandbox.inside.invocations import CURRENT, Course

READ_LOG = "SandboxReadLog"
ERASE_LOG = "SandboxEraseLog"
KEPT = 1000
"""Logs of invocations that can be asked for: it is done as soon as one is over."""
MOST_OF_A_MOMENT = 5_000
"""Entries with one timestamp: of more than 10,000 with the same one a search in pages finds no more (log_pages)."""


@dataclass(frozen=True)
class Written:
    """What an invocation has left in a log stream: the streams of its group, its own stream's name, and its events."""

    streams: dict[str, Any]
    name: str
    events: list[dict[str, Any]]


class Kept:
    """The logs that can be asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: OrderedDict[str, Written] = OrderedDict()

    def add(self, request_id: str, written: Written) -> None:
        """Keep one, and let go of the oldest."""
        with self._lock:
            self._logs[request_id] = written
            if len(self._logs) > KEPT:
                self._logs.popitem(last=False)

    def of(self, request_id: str) -> Written | None:
        """An invocation's; None when it is not known any more."""
        with self._lock:
            return self._logs.get(request_id)


LOGS = Kept()


def install() -> None:
    """Have the emulator log as Lambda does, and tell."""
    dispatch, emit = lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_logs

    def dispatch_anew(*args: Any) -> Any:
        CURRENT.course = Course()
        result = dispatch(*args)
        if CURRENT.course.worker is not None:
            result["log"] = CURRENT.course.log
        return result

    def emit_own(func: Any, request_id: str, *args: Any, **options: Any) -> None:
        if CURRENT.course.worker is None:
            emit(func, request_id, *args, **options)
        else:
            write(request_id, CURRENT.course)

    lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_logs = dispatch_anew, emit_own
    sqs._HANDLERS |= {READ_LOG: read_log, ERASE_LOG: erase_log}


def write(request_id: str, course: Course) -> None:
    """Write an invocation's log; from now on it is the course's."""
    entries = [*entries_of(request_id, course)]
    course.log = "\n".join(entries)
    now = int(time.time() * 1000)
    events = [
        {"timestamp": now + number // MOST_OF_A_MOMENT, "message": entry, "ingestionTime": now}
        for number, entry in enumerate(entries)
    ]
    group, name = log_group_of(course.worker.config), course.worker.sandbox_stream
    streams = streams_of(group, now)
    stream = streams.setdefault(name, new_stream(now))
    cloudwatch_logs._append_log_events(stream, events)
    LOGS.add(request_id, Written(streams, name, events))
    cloudwatch_logs._fanout_to_subscription_filters(group, name, events)


def entries_of(request_id: str, course: Course) -> list[str]:
    """The entries of an invocation's log."""
    version = course.worker.config.get("Version", "$LATEST")
    entries = [f"START RequestId: {request_id} Version: {version}", *course.log.splitlines()]
    if course.failure is not None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entries.append(in_log(course.failure, request_id, now))
    return [*entries, f"END RequestId: {request_id}", report_of(request_id, course)]


def report_of(request_id: str, course: Course) -> str:
    """The REPORT line; the start of an environment is billed, too, and tells itself."""
    worker, init = course.worker, course.init_ms
    size = worker.config.get("MemorySize", 128)
    killed = worker.sandbox_process is not None and worker.sandbox_process.returncode == -signal.SIGKILL
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {course.duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(course.duration_ms + (init or 0))} ms",
        f"Memory Size: {size} MB",
        f"Max Memory Used: {size if killed else min(size, worker.sandbox_peak_mb)} MB",
    ]
    if init is not None:
        fields.append(f"Init Duration: {init:.2f} ms")
    if course.failure is not None and course.failure["errorType"] == TIMEOUT:
        fields.append("Status: timeout")
    return "\t".join(fields)


def streams_of(group: str, now: int) -> dict[str, Any]:
    """The streams of a log group, which is made if it is not there; ``now`` in milliseconds since the epoch."""
    groups = cloudwatch_logs._log_groups
    if group not in groups:
        groups[group] = {
            "arn": cloudwatch_logs._make_group_arn(group),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
    streams: dict[str, Any] = groups[group]["streams"]
    return streams


def new_stream(now: int) -> dict[str, Any]:
    """A log stream in which nothing has been written, as the emulator keeps it."""
    times = dict.fromkeys(("firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime"))
    return {"events": [], "uploadSequenceToken": "1", "creationTime": now, **times}


def read_log(data: dict[str, Any], _: str) -> dict[str, str | None]:
    """The text of the log of the invocation ``RequestId``; null when it is not known."""
    written = LOGS.of(data["RequestId"])
    return {"Text": "\n".join(event["message"] for event in written.events) if written else None}


def erase_log(data: dict[str, Any], _: str) -> dict[str, Any]:
    """Take back the log of the invocation ``RequestId``; a stream of nothing else was never begun."""
    if written := LOGS.of(data["RequestId"]):
        own = set(map(id, written.events))
        with cloudwatch_logs._log_events_lock:
            stream = written.streams.get(written.name, new_stream(0))
            stream["events"] = [event for event in stream["events"] if id(event) not in own]
            if not stream["events"]:
                written.streams.pop(written.name, None)
    return {}
