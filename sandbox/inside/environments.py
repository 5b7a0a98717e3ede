"""Execution environments: each has a log stream of its own, and the variables that Lambda sets (developer guide)."""

import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime

VARIABLES = threading.local()
"""What the process that this thread starts is to find in its environment."""


def install() -> None:
    """Have each worker's process be told."""
    lambda_runtime.subprocess = Processes()
    for kind in (lambda_runtime.Worker, lambda_runtime.ProvidedWorker):
        tell(kind)


class Processes:
    """Python's ``subprocess`` for the emulator's workers."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, *args: Any, env: dict[str, str], **options: Any) -> "subprocess.Popen[Any]":  # noqa: N802
        """Start a process with the worker's variables; those that a function may set itself give way."""
        start: Callable[..., subprocess.Popen[Any]] = subprocess.Popen
        return start(*args, env={**VARIABLES.defaults, **env, **VARIABLES.fixed}, **options)


def tell(kind: Any) -> None:
    """Have a kind of worker begin a log stream with each process."""
    spawn = kind._spawn

    def spawn_with_variables(self: Any, *args: Any, **options: Any) -> None:
        config = self.config
        day = time.strftime("%Y/%m/%d", time.gmtime())
        self.sandbox_stream = f"{day}/[{config.get('Version', '$LATEST')}]{uuid.uuid4().hex}"
        VARIABLES.defaults = {"TZ": ":UTC"}
        VARIABLES.fixed = {
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime')}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": log_group_of(config),
            "AWS_LAMBDA_LOG_STREAM_NAME": self.sandbox_stream,
            "_HANDLER": config.get("Handler", ""),
        }
        spawn(self, *args, **options)

    kind._spawn = spawn_with_variables


def log_group_of(config: dict[str, Any]) -> str:
    """Where a function's logs go."""
    return str((config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}")
