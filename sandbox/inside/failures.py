"""What went wrong with an invocation, as Lambda says it (developer guide, "Lambda function errors"); pure."""

import json
import re
import signal
from typing import Any

Failure = dict[str, Any]
"""The document that the caller gets: ``errorMessage``, ``errorType`` and more."""

INIT_FAILED = "Worker init failed: "
ENDED = ("Worker process died", "[Errno 32] Broken pipe")
"""What the emulator says of a process that has ended before its invocation."""
LATE = re.compile(r"Task timed out after \d+\.\d\d seconds")
EXIT, TIMEOUT = "Runtime.ExitError", "Sandbox.Timedout"
"""The errors that are the environment's, whose text names the request."""


def failure_of(worker: Any, answer: dict[str, Any], request_id: str) -> Failure | None:
    """What went wrong in a process that had begun; None when nothing did, or only the emulator knows.

    Args:
        worker: The emulator's, with the process that served the invocation.
        answer: What the emulator has made of it.
        request_id: The invocation's.
    """
    if failure := answer.get("failure"):
        return {**failure, "requestId": request_id}
    error = str(answer.get("error"))
    if trace := answer.get("trace"):  # of Node.js
        kind = trace.partition(":")[0]
        return {
            "errorType": kind if kind.isidentifier() else "Error",
            "errorMessage": error,
            "trace": [*trace.splitlines()],
        }
    if LATE.fullmatch(error):
        return platform(TIMEOUT, request_id, error)
    if error in ENDED:
        return platform(EXIT, request_id, ending(worker.sandbox_process.returncode))
    return None


def unready(worker: Any, error: Exception, request_id: str) -> Failure | None:
    """What went wrong with a process that was to begin; None when only the emulator knows."""
    text = str(error)
    if text.startswith(INIT_FAILED + "{"):
        failure: Failure = json.loads(text.removeprefix(INIT_FAILED))
        return {**failure, "requestId": request_id}
    if worker.sandbox_late:
        return platform(TIMEOUT, request_id, f"Task timed out after {worker.config.get('Timeout', 3)}.00 seconds")
    if worker.sandbox_process is not None and text.startswith("Worker process exited"):
        return platform(EXIT, request_id, ending(worker.sandbox_process.wait()))
    return None


def platform(kind: str, request_id: str, text: str) -> Failure:
    """An error of the environment rather than of the code."""
    return {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {text}"}


def ending(status: int | None) -> str:
    """How Lambda says that a runtime's process is gone, by the process's status; a signal's number is negative."""
    if not status:
        return "Runtime exited without providing a reason"
    cause = f"exit status {status}" if status > 0 else f"signal: {(signal.strsignal(-status) or str(-status)).lower()}"
    return f"Runtime exited with error: {cause}"


def in_log(failure: Failure, request_id: str, now: str) -> str:
    """The entry in the function's log; ``now`` is a time in ISO 8601."""
    kind, message = failure["errorType"], failure["errorMessage"]
    if kind == TIMEOUT:
        return f"{now} {request_id} {message.partition(' Error: ')[2]}"
    if kind == EXIT:
        return f"{message}\n{EXIT}"
    if "trace" in failure:
        return f"{now}\t{request_id}\tERROR\tInvoke Error \t{json.dumps(failure)}"
    stack = failure.get("stackTrace")
    trace = f"\nTraceback (most recent call last):\n{''.join(stack)}".rstrip("\n") if stack else ""
    return f"[ERROR] {kind}: {message}{trace}"
