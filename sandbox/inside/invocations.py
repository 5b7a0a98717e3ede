"""Tells which process serves which invocation, and how each went.

The emulator keeps the one to itself and does not say the other. Here one more action (of SQS, whose actions can be
added to) tells of the invocations that run, and each leaves its course behind, for its answer and its log.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import sqs

from sandbox.inside.failures import Failure, failure_of, unready

INVOCATIONS = "SandboxListInvocations"
INIT_SECONDS = 10.0
"""Lambda's own limit for an environment's start; beyond it the function's timeout runs, too."""
SERVING: dict[str, Any] = {}
"""The worker of each invocation that runs, by request id; the emulator leases a worker to one at a time."""


@dataclass
class Course:
    """How an invocation went.

    Args:
        worker: The emulator's, in whose process it ran; None when the emulator ran it in another way.
        init_ms: What the start of its environment took, if it began with one.
        duration_ms: What the function took, without that.
        log: What it wrote.
        failure: What went wrong.
    """

    worker: Any = None
    init_ms: float | None = None
    duration_ms: float = 0.0
    log: str = ""
    failure: Failure | None = None


class Current(threading.local):
    """The invocation that this thread waits for; several threads may wait for one worker."""

    def __init__(self) -> None:
        self.request_id = ""
        self.course = Course()


CURRENT = Current()


def install() -> None:
    """Have every kind of worker be known."""
    for kind in (lambda_runtime.Worker, lambda_runtime.ProvidedWorker):
        identify(kind)
    sqs._HANDLERS[INVOCATIONS] = list_invocations


def identify(kind: Any) -> None:
    """Have a kind of worker note which invocation it serves and how it goes, and remember its process."""
    spawn, invoke = kind._spawn, kind.invoke

    def spawn_known(self: Any, *args: Any, **options: Any) -> None:
        started = time.perf_counter()
        with bounded(self):
            try:
                spawn(self, *args, **options)
            finally:
                self.sandbox_process = self._proc
        self.sandbox_peak_mb = peak_mb(self._proc.pid)
        CURRENT.course.init_ms = (time.perf_counter() - started) * 1000

    def invoke_known(self: Any, event: Any, request_id: str, **context: Any) -> dict[str, Any]:
        SERVING[request_id] = self
        course = CURRENT.course = Course(self)
        CURRENT.request_id = request_id
        started = time.perf_counter()
        try:
            answer: dict[str, Any] = invoke(self, event, request_id, **context)
        except Exception as error:
            course.failure, course.log = unready(self, error, request_id), self._drain_stderr()
            if kind is not lambda_runtime.Worker:
                raise
            # Not raised: the emulator would end all other environments of the function, those at work included.
            end(self)
            return {"status": "error", "error": str(error)}
        finally:
            del SERVING[request_id]
            course.duration_ms = (time.perf_counter() - started) * 1000 - (course.init_ms or 0)
        self.sandbox_peak_mb = max(self.sandbox_peak_mb, peak_mb(self.sandbox_process.pid))
        course.log, course.failure = answer.get("log", ""), failure_of(self, answer, request_id)
        return answer

    kind.sandbox_process, kind.sandbox_peak_mb, kind.sandbox_late = None, 0, False
    kind._spawn, kind.invoke = spawn_known, invoke_known


def end(worker: Any) -> None:
    """End what did not begin: the next invocation begins anew."""
    process, worker._proc = worker._proc, None
    if process is not None:
        process.kill()
        process.wait()


@contextlib.contextmanager
def bounded(worker: Any) -> Iterator[None]:
    """End a process that takes longer to begin than Lambda gives it; the emulator would wait for ever."""

    def end() -> None:
        worker.sandbox_late = True
        if worker._proc is not None:
            worker._proc.kill()

    timer = threading.Timer(INIT_SECONDS + worker.config.get("Timeout", 3), end)
    worker.sandbox_late = False
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def peak_mb(pid: int) -> int:
    """The most memory that a process has had, in MB; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return -(-int(line.split()[1]) // 1024)
    return 0


def list_invocations(*_: Any) -> dict[str, Any]:
    """Request id and function of each invocation that runs, by the id of the process that serves it."""
    serving = [(worker.sandbox_process, worker, invocation) for invocation, worker in list(SERVING.items())]
    return {
        str(process.pid): {"RequestId": invocation, "FunctionName": worker.func_name}
        for process, worker, invocation in serving
        if process
    }
