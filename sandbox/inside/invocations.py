"""Tells which process serves which invocation, and how a process ended.

The emulator keeps the one to itself and does not say the other. Here one more action (of SQS, whose actions can be
added to) tells of the invocations, and an error says what Lambda would.
"""

import signal
import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import sqs

INVOCATIONS = "SandboxListInvocations"
DIED = ("Worker process died", "[Errno 32] Broken pipe")
SERVING: dict[str, Any] = {}
"""The worker of each invocation that runs, by request id; the emulator leases a worker to one at a time."""
CURRENT = threading.local()
"""The request id that this thread waits for; several threads may wait for one worker."""


def install() -> None:
    """Have every kind of worker be known."""
    for kind in (lambda_runtime.Worker, lambda_runtime.ProvidedWorker):
        identify(kind)
    sqs._HANDLERS[INVOCATIONS] = list_invocations


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


def ending(status: int | None) -> str:
    """How Lambda says that a runtime's process is gone, by the process's status; a signal's number is negative."""
    if not status:
        return "Runtime exited without providing a reason"
    cause = f"exit status {status}" if status > 0 else f"signal: {(signal.strsignal(-status) or str(-status)).lower()}"
    return f"Runtime exited with error: {cause}"


def list_invocations(*_: Any) -> dict[str, Any]:
    """Request id and function of each invocation that runs, by the id of the process that serves it."""
    serving = [(worker.sandbox_process, worker, invocation) for invocation, worker in list(SERVING.items())]
    return {
        str(process.pid): {"RequestId": invocation, "FunctionName": worker.func_name}
        for process, worker, invocation in serving
        if process
    }
