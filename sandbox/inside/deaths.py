"""Ends processes that functions run in, for faults: at once and for good, as when a machine fails.

Two more actions (of SQS, whose actions can be added to) do it, and answer when the processes are gone.
"""

import subprocess
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import sqs

from sandbox.inside.invocations import SERVING

KILL_INVOCATION = "SandboxKillInvocation"
KILL_IDLE = "SandboxKillIdle"


def install() -> None:
    """Add the actions."""
    sqs._HANDLERS |= {KILL_INVOCATION: kill_invocation, KILL_IDLE: kill_idle}


def kill_invocation(data: dict[str, Any], _: str) -> dict[str, Any]:
    """End the process that serves the invocation ``RequestId``; one that is over has none."""
    worker = SERVING.get(data["RequestId"])
    if worker is not None and worker.sandbox_process is not None:
        kill(worker.sandbox_process)
    return {}


def kill_idle(data: dict[str, Any], _: str) -> dict[str, Any]:
    """End the processes of the caller's function ``FunctionName`` that serve no invocation."""
    function = f"{get_account_id()}:{get_region()}:{data['FunctionName']}:"
    with lambda_runtime._lock:  # nobody is given one meanwhile
        pools = [pool for key, pool in lambda_runtime._workers.items() if key.startswith(function)]
        for worker in (worker for pool in pools for worker in pool):
            if not worker.in_use and worker.sandbox_process is not None:
                kill(worker.sandbox_process)
    return {}


def kill(process: "subprocess.Popen[Any]") -> None:
    """Return when it is gone."""
    process.kill()
    process.wait()
