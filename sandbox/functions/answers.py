"""Reads what the emulator answers to an invocation, and holds the answer to its size."""

import base64
import json
from typing import Final

from sandbox.aws import Answer, Invocation
from sandbox.functions.limits import RESPONSE_BYTES

LOG_TAIL: Final = "X-Amz-Log-Type"
LOG_RESULT: Final = "X-Amz-Log-Result"
LOG_TAIL_BYTES: Final = 4096


def read_answer(answer: Answer) -> Invocation:
    """The invocation that an answer of Lambda's Invoke tells of."""
    # The end of a log is cut by bytes: its first character may be half of one.
    log = base64.b64decode(answer.headers.get(LOG_RESULT, "")).decode("utf-8", "replace")
    version = answer.headers.get("X-Amz-Executed-Version", "$LATEST")
    error, payload = answer.headers.get("X-Amz-Function-Error"), answer.body
    if error is None and answer.status == 200 and len(payload) > RESPONSE_BYTES:
        error, payload = "Unhandled", _too_large(len(payload))
    return Invocation(answer.status, error, version, payload, log)


def _too_large(size: int) -> bytes:
    text = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
    return json.dumps({"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}).encode()
