"""Reads what the emulator answers to an invocation, and gives it the form that AWS gives it."""

import base64
import json
import re
from typing import Final

from sandbox.aws import Answer, Invocation, Json
from sandbox.functions.limits import RESPONSE_BYTES

LOG_TAIL: Final = "X-Amz-Log-Type"
LOG_RESULT: Final = "X-Amz-Log-Result"
LOG_TAIL_BYTES: Final = 4096
TRACEBACK: Final = "Traceback (most recent call last):\n"
_LAST_LINE = re.compile(r"^(?P<type>[A-Za-z_][\w.<>]*)(?:: |$)", re.MULTILINE)
_CODE_FOLDER = re.compile(r'(?<=File ")[^"]*/ministack-lambda-[^/"]*/code/')
_DIED: Final = re.compile(r"RequestId: [0-9a-f-]{36} Error: Runtime exited with.+")
"""What ``sandbox.inside.invocations`` says of a process that has ended before its invocation."""


def read_answer(answer: Answer) -> Invocation:
    """The invocation that an answer of Lambda's Invoke tells of."""
    # The end of a log is cut by bytes: its first character may be half of one.
    log = base64.b64decode(answer.headers.get(LOG_RESULT, "")).decode("utf-8", "replace")
    version = answer.headers.get("X-Amz-Executed-Version", "$LATEST")
    error, payload = answer.headers.get("X-Amz-Function-Error"), answer.body
    if error is not None:
        payload = shape_error(payload, log)
    elif answer.status == 200 and len(payload) > RESPONSE_BYTES:
        error, payload = "Unhandled", _too_large(len(payload))
    return Invocation(answer.status, error, version, payload, log)


def shape_error(payload: bytes, log: str) -> bytes:
    """An error as Lambda's Python runtime reports it: the exception's own class and its stack.

    Args:
        payload: The emulator's, which names every exception alike.
        log: The end of the invocation's log, where the emulator leaves the traceback.
    """
    try:
        document = json.loads(payload)
    except ValueError:
        return payload
    if not isinstance(document, dict) or document.get("errorType") != "Runtime.HandlerError":
        return payload
    if _DIED.fullmatch(str(document.get("errorMessage"))):
        return json.dumps(document | {"errorType": "Runtime.ExitError"}).encode()
    return json.dumps(document | _from_traceback(log)).encode()


def _from_traceback(log: str) -> Json:
    _, found, rest = log.rpartition(TRACEBACK)
    last = _LAST_LINE.search(rest) if found else None
    if last is None:
        return {}
    frames = re.split(r"(?m)^(?=  File )", rest[: last.start()])
    # The first frame is the emulator's own, which calls the handler.
    stack = [_CODE_FOLDER.sub("/var/task/", frame) for frame in frames[2:]]
    # Lambda names a class without its module.
    return {"errorType": last["type"].rpartition(".")[2], "stackTrace": stack}


def _too_large(size: int) -> bytes:
    text = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
    return json.dumps({"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}).encode()
