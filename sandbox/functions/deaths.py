"""Functions that die on purpose with their work done: their caller sees a failure, their effects stay."""

import json
import uuid
from dataclasses import replace
from typing import Final

from sandbox.aws import Invocation
from sandbox.faults import Faults
from sandbox.faults.workers import Workers
from sandbox.functions.reference import FunctionReference

KILLED: Final = "RequestId: {} Error: Runtime exited with error: signal: killed"
"""What Lambda says of an environment that was killed, be it for its memory or because its machine failed."""


class Deaths:
    """Strikes between the end of an invocation and its answer.

    Args:
        faults: Whether ``killed-after`` strikes.
        workers: The processes that functions run in.
    """

    def __init__(self, faults: Faults, workers: Workers) -> None:
        self._faults = faults
        self._workers = workers

    async def befall(self, function: FunctionReference, invocation: Invocation) -> Invocation:
        """What an invocation has come to: itself, unless its answer is lost with its process."""
        if not self._faults.active or not invocation.ok:
            return invocation
        if self._faults.take("killed-after", function=function.name) is None:
            return invocation
        # Its process has answered, and is idle by now.
        await self._workers.kill_idle(function.name, region=function.region, account=function.account)
        error = {"errorType": "Runtime.ExitError", "errorMessage": KILLED.format(uuid.uuid4())}
        return replace(invocation, error="Unhandled", payload=json.dumps(error).encode())
